/** `plumbline tap` as people run it, beside an engine that runs, dies and comes back. */
import assert from "node:assert/strict";
import { freePort } from "../../tools/ports.ts";
import { gapLine, resultLine } from "../../src/commands/tap_line.ts";
import { type Program, startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

async function rig() {
  const folder = tempFolder("tap-");
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const env = { KAFKA_ENABLED: "false", DATA_DIR: folder.path, METRICS_PORT: String(port) };
  return {
    address,
    async start(more: Record<string, string> = {}) {
      const engine = await startProgram({ env: { ...env, ...more } });
      await engine.ready();
      return engine;
    },
    tap: (...args: string[]) => startProgram({ args: ["tap", ...args], env }),
    /** The result's text. */
    async post(device: string, options: { tenant?: string; hot?: boolean } = {}): Promise<string> {
      const { tenant = "default", hot = false } = options;
      const value = hot ? 99 : 21.5;
      const response = await fetch(`${address}/api/data`, {
        method: "POST",
        body: JSON.stringify({
          device_id: device,
          temperature: value,
          humidity: value,
          tenant_id: tenant,
        }),
      });
      const text = await response.text();
      assert.equal(response.status, 200, text);
      return text.slice('{"status":"ok","data":'.length, -1);
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/** So many look on. */
async function watched(address: string, readers: number): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${address}/metrics`)).text();
    if (text.includes(`\nplumbline_stream_readers ${readers}\n`)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function end(program: Program) {
  const { code } = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

Deno.test("a line each, filtered; --json is the result's own text; --count ends it", async () => {
  using it = await rig();
  await using engine = await it.start();
  await using all = await it.tap("--json", "--count", "5");
  await using north = await it.tap("--tenant", "north", "--count", "2");
  await using device = await it.tap("--device", "b", "--count", "2", "--url", it.address);
  await using anomalies = await it.tap("--anomalies", "--count", "1");
  await watched(it.address, 4);
  const results = [
    await it.post("a"),
    await it.post("b", { tenant: "north" }),
    await it.post("b"),
    await it.post("a", { tenant: "north", hot: true }),
    await it.post("c"),
  ];
  assert.deepEqual(await end(all), { code: 0, stdout: `${results.join("\n")}\n`, stderr: "" });
  const line = (number: number) => `${resultLine(results[number], { colours: false })}\n`;
  assert.deepEqual(await end(north), { code: 0, stdout: line(1) + line(3), stderr: "" });
  assert.deepEqual(await end(device), { code: 0, stdout: line(1) + line(2), stderr: "" });
  assert.deepEqual(await end(anomalies), { code: 0, stdout: line(3), stderr: "" });
  assert.deepEqual(line(3).trimEnd().split("  ").slice(1), [
    "north/a",
    "temperature 99",
    "humidity 99",
    "anomaly, score 2",
    "temperature: 99 is above 30; humidity: 99 is above 80",
  ]);
  assert.match(line(0), /^\d\d:\d\d:\d\d\.\d{3}Z {2}default\/a {2}temperature 21\.5 /);
  assert.deepEqual(await engine.kill("SIGTERM"), { code: 0, signal: null });
});

Deno.test("it comes back after a kill and a stop, says so, and shows each result once", async () => {
  using it = await rig();
  const results: string[] = [];
  const many = async () => {
    for (let i = 0; i < 20; i++) results.push(await it.post(`d${i % 3}`));
  };
  let engine = await it.start();
  await using tap = await it.tap("--json");
  await watched(it.address, 1);
  try {
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      const posting = many();
      await tap.line(() => tap.stdout.split("\n").length > results.length - 10);
      await posting;
      await engine.kill(signal);
      await tap.line("trying again");
      engine = await it.start();
      await watched(it.address, 1);
    }
    await many();
    await tap.line((line) => line === results.at(-1));
  } finally {
    await engine.kill();
  }
  tap.signal("SIGINT");
  const { code, stdout, stderr } = await end(tap);
  assert.equal(code, 0);
  assert.deepEqual(stdout.trimEnd().split("\n"), results);
  const lost =
    /^plumbline: the stream from http:\/\/127\.0\.0\.1:\d+ is gone \([^)]+\); trying again$/;
  const lines = stderr.trimEnd().split("\n");
  assert.ok(lines.length >= 4, stderr);
  assert.match(lines[0], lost);
  assert.equal(lines[1], "plumbline: the stream is there again");
});

Deno.test("what can't be shown any more is told on standard error", async () => {
  using it = await rig();
  await using engine = await it.start();
  await using tap = await it.tap("--count", "2");
  await watched(it.address, 1);
  await it.post("a");
  await tap.line("default/a");
  tap.signal("SIGSTOP");
  await engine.kill();
  // Its results are in the journal until a checkpoint; an orderly stop leaves nothing there.
  await using next = await it.start();
  await it.post("b");
  await it.post("b");
  await next.kill("SIGTERM");
  await using last = await it.start();
  tap.signal("SIGCONT");
  await tap.line("aren't kept any more");
  await it.post("c");
  assert.equal((await end(tap)).code, 0);
  assert.match(
    tap.stderr,
    /plumbline: 2 results \(of all devices\) since then aren't kept any more/,
  );
  assert.match(tap.stdout, /default\/a .*\n.* default\/c .*\n$/);
  await last.kill();
});

Deno.test("without an engine, or with something else there: one sentence, and the exit code", async () => {
  using it = await rig();
  await using nobody = await it.tap();
  assert.deepEqual(await end(nobody), {
    code: 1,
    stdout: "",
    stderr: `plumbline: no answer from ${it.address}: Connection refused\n`,
  });
  await using other = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response("\u001b[2Jno", { status: 404, headers: { "content-type": "text/html" } }),
  );
  const url = `http://127.0.0.1:${other.addr.port}`;
  await using wrong = await it.tap("--url", url);
  assert.deepEqual(await end(wrong), {
    code: 1,
    stdout: "",
    stderr: `plumbline: ${url} has no stream for us: status 404, text/html\n`,
  });
  await using engine = await it.start({ STREAM_MAX_READERS: "0" });
  await using full = await it.tap();
  assert.deepEqual(await end(full), {
    code: 1,
    stdout: "",
    stderr:
      `plumbline: ${it.address} has no stream for us: reading the stream: 0 are there already\n`,
  });
  await using empty = await it.tap("--tenant", "");
  assert.equal((await end(empty)).code, 2);
  await using usage = await it.tap("--count", "0");
  assert.equal((await end(usage)).code, 2);
  await engine.kill();
});

Deno.test("names can't steer the terminal; colours stand where they are wanted", () => {
  const text = JSON.stringify({
    device_id: "\u001b[2J\u202edevice\u009b31m",
    temperature: 99,
    metrics: { co2: 412 },
    processed_at: "2026-01-31T08:00:00.000Z",
    tenant_id: "\u0007ten\nant",
    is_anomaly: true,
    anomaly_score: 2,
    reasons: [{ metric: "temperature", detail: "99 is above 30" }],
  });
  const plain = resultLine(text, { colours: false });
  assert.doesNotMatch(plain, /[\p{Cc}\p{Cf}]/u);
  assert.equal(
    plain,
    "08:00:00.000Z  \\u0007ten\\u000aant/\\u001b[2J\\u202edevice\\u009b31m  temperature 99  co2 412  " +
      "anomaly, score 2  temperature: 99 is above 30",
  );
  const coloured = resultLine(text, { colours: true });
  assert.equal(coloured.replaceAll(/\p{Cc}\[\d+m/gu, ""), plain);
  assert.ok(coloured.includes("\u001b[31manomaly, score 2\u001b[0m"));
});

Deno.test("a gap in words", () => {
  const line = (missed: number | null) => gapLine(JSON.stringify({ reason: "not kept", missed }));
  assert.equal(line(1), "1 result (of all devices) since then isn't kept any more");
  assert.equal(line(2), "2 results (of all devices) since then aren't kept any more");
  assert.equal(line(null), "results since then aren't kept any more");
});
