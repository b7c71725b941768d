/** `plumbline dry-run` as a process, held to what a real engine sends to a real topic. */
import assert from "node:assert/strict";
import { broker, consumeAll, createTopic, produce, topicName } from "../harness/kafka.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { LOAD_TENANTS, makeLoad, seededRandom } from "../integration/load.ts";
import { lineBatches } from "../../src/commands/line_batches.ts";
import { readCounters } from "../oracle/store.ts";
import { fingerprint, runCommand } from "./command.ts";

const TIME = "2026-01-31T08:00:00.000Z";

Deno.test("results are byte for byte those of the engine, and so is what is rejected", async () => {
  using folder = tempFolder();
  const { path } = folder;
  const tenants = `${path}/tenants.json`;
  Deno.writeTextFileSync(tenants, JSON.stringify(LOAD_TENANTS));
  const load = makeLoad({ devices: 50, random: seededRandom(5) });
  const values: string[] = [];
  while (values.length < 3_000) {
    const value = load.next().value as string;
    // Without a time of its own a result has that of its reading; blank lines are no readings.
    if (value !== "" && (!value.includes('device_id":"dev') || value.includes("timestamp"))) {
      values.push(value);
    }
  }
  const input = await createTopic({ name: topicName("dry-in") });
  const output = await createTopic({ name: topicName("dry-out") });
  await produce(input, values.map((value) => ({ value })));
  const env = { INPUT_TOPIC: input, TENANTS_FILE: tenants, MAX_READING_BYTES: "1KiB" };
  await using engine = await startProgram({
    env: {
      ...env,
      KAFKA_BROKER: broker(),
      OUTPUT_TOPIC: output,
      CONSUMER_GROUP: input,
      DATA_DIR: `${path}/data`,
    },
  });
  const address = await engine.ready();
  const counters = () => readCounters(`${path}/data/plumbline.db`);
  while (counters().read < values.length) await new Promise((resolve) => setTimeout(resolve, 20));
  const letters = await (await fetch(`${address}/api/dead-letters?limit=1000`)).json();
  const { results: processed, sampled_out } = counters();
  assert.ok(sampled_out > 0 && letters.kept > 0);
  const sent = await consumeAll(output, { until: ({ length }) => length >= processed });
  await engine.kill("SIGTERM");

  Deno.writeTextFileSync(`${path}/readings.ndjson`, values.join("\n"));
  const before = [await fingerprint(`${path}/data`), [...Deno.readDirSync(path)].length];
  const args = ["dry-run", `${path}/readings.ndjson`, "--time", TIME, "--json"];
  const done = await runCommand(args, { ...env, DATA_DIR: `${path}/data` });
  assert.equal(done.code, 1);
  const after = [await fingerprint(`${path}/data`), [...Deno.readDirSync(path)].length];
  assert.deepEqual(after, before);
  const expected = sent.map(({ value }) =>
    value!.toString().replace(/"processed_at":"[^"]+"/, `"processed_at":"${TIME}"`)
  );
  assert.deepEqual(done.stdout.split("\n").slice(0, -1), expected);
  const told = done.stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(
    told.slice(0, -1).map((
      { line, reason, outcome },
    ) => [`${input}-0-${line - 1}`, reason, outcome]),
    letters.letters.map(({ id, reason }: Record<string, string>) => [id, reason, "rejected"]),
  );
  assert.deepEqual(told.at(-1), {
    readings: values.length,
    results: processed,
    anomalies: expected.filter((it) => it.includes('"is_anomaly":true')).length,
    sampled_out,
    rejected: letters.kept,
    over_quota: 0,
  });
});

Deno.test("quotas, long lines, blank ones, exit codes; and it doesn't wait for the end", async () => {
  using folder = tempFolder();
  const { path } = folder;
  Deno.writeTextFileSync(
    `${path}/tenants.json`,
    '{"defaults":{"quotas":{"readings_per_second":1,"burst":1,"devices":2,"over":"drop"}}}',
  );
  const reading = (device: string) => `{"device_id":"${device}","temperature":20}`;
  const run = async (name: string, text: string, env: Record<string, string> = {}) => {
    Deno.writeTextFileSync(`${path}/${name}`, text);
    return await runCommand(["dry-run", `${path}/${name}`], env);
  };
  const [fine, quota, long, full, none, wrong, nameless] = await Promise.all([
    run("fine", `\r\n  ${reading("a")} \r\n\n${reading("a")}`),
    run("quota", ["a", "b", "c", "a", "b"].map(reading).join("\n"), {
      TENANTS_FILE: `${path}/tenants.json`,
    }),
    run("long", `${reading("a")}\n${" ".repeat(1e6)}${"x".repeat(3e6)}\n${reading("a")}\n`),
    run("full", Array.from({ length: 3_000 }, (_, i) => reading(`d${i}`)).join("\n"), {
      FLEET_MAX_BYTES: "1MiB",
    }),
    runCommand(["dry-run", `${path}/nowhere`]),
    run("wrong", "", { MAX_READINGS: "many" }),
    runCommand(["dry-run", ""]),
  ]);
  assert.equal(fine.code, 0, fine.stderr);
  assert.match(fine.stdout, /"id":"sensor-data-0-1"\}\n.*"id":"sensor-data-0-3"\}\n$/);
  assert.equal(
    fine.stderr,
    "2 readings: 2 results (0 anomalies), 0 sampled out, 0 rejected, 0 over their tenants' quotas\n",
  );
  assert.equal(quota.code, 1);
  assert.match(
    quota.stderr,
    /^line 3: quota: expected at most 2 devices of tenant "default"[^\n]*\n5 r/,
  );
  assert.match(quota.stderr, /5 readings: 4 results .* 1 over their tenants' quotas\n$/);
  assert.equal(long.code, 1);
  assert.match(
    long.stderr,
    /^line 2: reading: expected at most 1048576 bytes, got 3000000\n3 readings: 2 /,
  );
  assert.equal(full.code, 1);
  assert.match(
    full.stderr,
    /FLEET_MAX_BYTES holds \d+ devices \(1048576 bytes\), there are more; raise it/,
  );
  assert.match(none.stderr, /reading \S+nowhere: No such file/);
  assert.deepEqual([none.code, wrong.code, nameless.code], [2, 2, 2]);
  assert.match(nameless.stderr, /Expected a path, got an empty text/);

  const pipe = `${path}/pipe`;
  assert.ok((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
  await using program = await startProgram({ args: ["dry-run", pipe], env: {} });
  {
    using writer = await Deno.open(pipe, { write: true });
    await writer.write(new TextEncoder().encode(`${reading("first")}\n{"device_id":"half`));
    await program.line('"device_id":"first"');
    await writer.write(new TextEncoder().encode('-second"}\n'));
    await program.line('"device_id":"half-second"');
  }
  assert.deepEqual(await program.exited, { code: 0, signal: null });
});

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await bytes.subarray(at, at + size);
}

Deno.test("lines are the same however the bytes come", async () => {
  const text = ' {"a":1}\n\n\t\r\n{"b":2}\r\nx  \n  yyyyyyyyyyyy  zz \nlast ';
  const whole = [[1, '{"a":1}'], [4, '{"b":2}'], [5, "x"], [6, "yyyyyyyyyyy", 17], [7, "last"]];
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    const lines: unknown[][] = [];
    for await (const batch of lineBatches(inPieces(bytes, size), { maxBytes: 10 })) {
      for (const { number, bytes, length } of batch) {
        const shown = new TextDecoder().decode(bytes);
        lines.push(length > 10 ? [number, shown, length] : [number, shown]);
      }
    }
    assert.deepEqual(lines, whole, `chunks of ${size}`);
  }
});
