// deno-lint-ignore-file no-control-regex -- what a terminal is told is looked at
/** `plumbline top` as a process, beside real engines that run, stand still, die and come back. */
import assert from "node:assert/strict";
import { freePort } from "../../tools/ports.ts";
import { broker, createTopic, produce, topicName, topicOffsets } from "../harness/kafka.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { runCommand } from "./command.ts";

/** Valid, and what would turn a terminal's line around. */
const TENANT = "te\u202enant";
const ANSWERS = "plumbline: it answers";

/** Does it again and again until it is disposed of. */
function repeatedly(work: () => Promise<void>): AsyncDisposable {
  let isOver = false;
  const done = (async () => {
    while (!isOver) await work();
  })();
  return {
    async [Symbol.asyncDispose]() {
      isOver = true;
      await done;
    },
  };
}

/** Posts one reading of each tenant. */
async function post(address: string): Promise<void> {
  const body = JSON.stringify([TENANT, "default"].map((tenant_id) => ({
    device_id: "d",
    temperature: 20,
    tenant_id,
  })));
  await (await fetch(`${address}/api/data`, { method: "POST", body })).body?.cancel();
}

/** Waits until it says that it can't do all that it is there for. */
async function unready(address: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${address}/health/ready`);
    await response.body?.cancel();
    if (response.status === 503) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The names in the first column of the page's table of fields. */
function documented(): string[] {
  const page = Deno.readTextFileSync(new URL("../../docs/commands.md", import.meta.url));
  const section = page.split(/^## /m).find((it) => it.startsWith("top\n"))!;
  const table = section.split("| field of `--json` | |\n")[1];
  return [...table.matchAll(/^\| (`[^|]+) \|/gm)]
    .flatMap(([, names]) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name));
}

/** Records that were ever written to it. */
async function ends(topic: string): Promise<number> {
  return [...(await topicOffsets(topic)).values()].reduce((sum, { high }) => sum + high, 0);
}

/** The objects among its lines. */
function objects(lines: readonly string[]) {
  return lines.filter((it) => it.startsWith("{")).map((it) => JSON.parse(it));
}

/** Nothing answers there. */
async function nobody(): Promise<{ port: string; url: string }> {
  const port = String(await freePort());
  return { port, url: `http://127.0.0.1:${port}` };
}

Deno.test("once for scripts, lines for pipes, and why there are none", async () => {
  using folder = tempFolder();
  const { port, url } = await nobody();
  await using engine = await startProgram({
    env: { KAFKA_ENABLED: "false", STORAGE_SERVICE_URL: url, DATA_DIR: folder.path },
  });
  const address = await engine.ready();
  await using _load = repeatedly(() => post(address));
  await unready(address);
  const [once, text, away, foreign] = await Promise.all([
    runCommand(["top", "--once", "--json", "--interval", "0.5", "--url", address]),
    runCommand(["top", "--once", "--interval", "0.5"], { METRICS_PORT: new URL(address).port }),
    runCommand(["top", "--once"], { METRICS_PORT: port }),
    runCommand(["top", "--once", "--json", "--url", `${address}/api`]),
  ]);
  const figures = JSON.parse(once.stdout);
  assert.equal(once.code, 0);
  assert.deepEqual(Object.keys(figures).sort(), documented().sort());
  assert.ok(figures.per_second.read > 0 && figures.totals.read > 0, once.stdout);
  assert.equal(figures.per_second.results, figures.per_second.read);
  assert.ok(
    figures.per_second.commits > 0 && figures.per_second.commits <= figures.per_second.read,
  );
  assert.ok(figures.commit_ms.p99 > 0 && figures.latency_ms.p50 > 0, once.stdout);
  for (const tenants of [figures.busiest_tenants, figures.slowest_tenants]) {
    assert.deepEqual(
      tenants.map((it: { tenant_id: string }) => it.tenant_id).sort(),
      ["default", TENANT],
    );
    assert.ok(tenants.every((it: { p99_ms: number }) => it.p99_ms > 0), once.stdout);
  }
  const [sink] = figures.sinks;
  assert.deepEqual([sink.sink, sink.connected, sink.rows > 0], ["storage", false, true]);
  assert.deepEqual([figures.ready, figures.live, figures.lag], [false, true, null]);
  assert.match(figures.reason, /^storage: /);
  assert.match(
    text.stdout,
    /^2\S+Z NOT READY: storage: [^\n]+; read \d[\d,.]*\/s; results [^\n]+ MiB\n$/,
  );
  assert.equal(away.stderr, `plumbline: no answer from ${url}: Connection refused\n`);
  assert.deepEqual([away.code, away.stdout], [1, ""]);
  assert.match(JSON.parse(foreign.stdout).error, /^no answer from \S+\/api: \/metrics: \S/);
  assert.equal(foreign.code, 1);
  for (const args of [["--interval", "0"], ["--interval", "50ms"], ["--url", "nowhere"]]) {
    assert.equal((await runCommand(["top", ...args])).code, 2);
  }
  assert.equal((await runCommand(["top"], { METRICS_PORT: "0" })).code, 2);

  await using piped = await startProgram({
    args: ["top", "--interval", "0.2", "--url", address],
    env: { NO_COLOR: "" },
  });
  await piped.line("NOT READY");
  const { length } = piped.lines;
  await piped.line((it) => piped.lines.indexOf(it) > length);
  assert.deepEqual(await piped.kill("SIGINT"), { code: 0, signal: null });
  assert.doesNotMatch(piped.stdout, /\x1b/);
});

Deno.test("a full backlog: lag, what waits against its limit, and that reading is paused", async () => {
  using folder = tempFolder();
  const input = await createTopic({ name: topicName("top-in"), partitions: 2 });
  const output = await createTopic({ name: topicName("top-out") });
  // Large results, so that few of them fill it.
  const metrics = Array.from({ length: 16 }, (_, i) => [`m${i}${"m".repeat(40)}`, i]);
  const value = JSON.stringify({ device_id: "d", metrics: Object.fromEntries(metrics) });
  const records = Array.from({ length: 2_500 }, (_, i) => ({ value, partition: i % 2 }));
  const sent = 8 * records.length;
  while (await ends(input) < sent) await produce(input, records);
  await using engine = await startProgram({
    env: {
      KAFKA_BROKER: broker(),
      INPUT_TOPIC: input,
      OUTPUT_TOPIC: output,
      CONSUMER_GROUP: input,
      STORAGE_SERVICE_URL: (await nobody()).url,
      BACKLOG_MAX_BYTES: "16MiB",
      DATA_DIR: folder.path,
    },
  });
  const address = await engine.ready();
  await using top = await startProgram({
    args: ["top", "--json", "--interval", "0.1", "--url", address],
    env: {},
  });
  const [full] = objects([
    await top.line((it) => {
      const [figures] = objects([it]);
      return figures?.paused?.includes("backlog") && figures.per_second.read === 0 &&
        figures.sinks[0].rows === 0;
    }),
  ]);
  const [atOutput, atStorage] = full.sinks;
  assert.deepEqual([atOutput.sink, atOutput.connected], ["output", true]);
  assert.deepEqual([atStorage.sink, atStorage.connected], ["storage", false]);
  assert.equal(atStorage.limit_bytes, 2 ** 24);
  assert.ok(atStorage.bytes >= 2 ** 24 && atStorage.oldest_seconds > 0, JSON.stringify(full));
  const { read, results, rejected } = full.totals;
  assert.deepEqual([full.lag, full.partitions, rejected], [sent - read, 2, 0]);
  assert.equal(results, read);
  assert.deepEqual(await top.kill("SIGTERM"), { code: 0, signal: null });
  const text = await runCommand(["top", "--once", "--interval", "0.1", "--url", address]);
  assert.match(
    text.stdout,
    /; lag \d+,\d{3} in 2 partitions; .*output 0 rows waiting; storage away, /,
  );
});

Deno.test("an engine that dies is waited for: told once, an object each interval, and it goes on", async () => {
  using folder = tempFolder();
  const port = String(await freePort());
  const env = { KAFKA_ENABLED: "false", DATA_DIR: folder.path, METRICS_PORT: port };
  await using text = await startProgram({ args: ["top", "--interval", "0.1"], env });
  await text.line("; asking again until it answers");
  await using json = await startProgram({ args: ["top", "--json", "--interval", "0.1"], env });
  await json.line("Connection refused");
  const ready = (it: string) => it.startsWith("{") && JSON.parse(it).per_second?.read === 0;
  {
    await using engine = await startProgram({ env });
    await engine.ready();
    await Promise.all([
      text.line((it) => it === ANSWERS),
      text.line("Z ready; read 0/s"),
      json.line(ready),
    ]);
  }
  const seen = () => objects(json.lines).filter(({ error }) => error !== undefined).length;
  const gone = seen();
  await json.line(() => seen() > gone + 2);
  const { length } = json.lines;
  await text.line(() => text.stderr.split("; asking again").length === 3);
  await using engine = await startProgram({ env });
  await engine.ready();
  await json.line((it) => json.lines.indexOf(it) > length && ready(it));
  await text.line(() => text.stderr.split(ANSWERS).length === 3);
  for (const it of [json, text]) {
    assert.deepEqual(await it.kill("SIGINT"), { code: 0, signal: null });
  }
  assert.equal(json.stderr, "");
  const told = text.stderr.trimEnd().split("\n");
  assert.equal(told.length, 4, text.stderr);
  for (const [i, line] of told.entries()) {
    if (i % 2 === 1) assert.equal(line, ANSWERS);
    else {assert.match(
        line,
        /^plumbline: no answer from \S+: [^;]+; asking again until it answers$/,
      );}
  }
  // The other engine's counters begin at its own start: what lies between is no rate.
  const states = objects(json.lines).map(({ error, per_second }) =>
    error === undefined ? per_second.read === null ? "new" : "known" : "gone"
  );
  const turns = states.filter((state, i) => state !== states[i - 1]);
  assert.deepEqual(turns, ["gone", "new", "known", "gone", "new", "known"]);
});

Deno.test("whoever reads it may end: so does it", async () => {
  using folder = tempFolder();
  await using engine = await startProgram({
    env: { KAFKA_ENABLED: "false", DATA_DIR: folder.path },
  });
  const address = await engine.ready();
  for (const json of [true, false]) {
    await using top = await startProgram({
      args: ["top", "--interval", "0.1", "--url", address, ...json ? ["--json"] : []],
      env: {},
      under: ["sh", "-c", '"$@" | head -n 1', "sh"],
    });
    assert.deepEqual(await top.exited, { code: 0, signal: null });
    assert.equal(top.stderr, "");
    assert.equal(top.lines.length, 1);
  }
});
