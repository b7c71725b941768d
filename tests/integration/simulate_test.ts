/** `plumbline simulate` against a real engine and a real broker. */
import assert from "node:assert/strict";
import { readingText, Simulation } from "../../src/simulation/simulation.ts";
import { broker, createTopic, readTopic, topicName } from "../harness/kafka.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

const START = "2026-03-01T00:00:00.000Z";
const settings = {
  seed: 11,
  devices: 25,
  tenants: 4,
  start: Date.parse(START),
  stepMs: 30_000,
  faults: ["spike", "silence"] as const,
};
const args = [
  ...["simulate", "--seed", "11", "--devices", "25", "--tenants", "4", "--start", START],
  ...["--rate", "0", "--speed", "30", "--faults", "spike,silence", "--count", "20000"],
];

/** The 20,000 readings that these arguments mean. */
function expected() {
  const fleet = new Simulation(settings);
  const readings = [];
  for (let number = 0; readings.length < 20_000; number++) {
    const reading = fleet.reading(number);
    if (reading !== undefined) readings.push(reading);
  }
  return readings;
}

Deno.test("over HTTP: the engine has counted every reading, and the marks are true", async () => {
  using folder = tempFolder();
  await using engine = await startProgram({
    env: { DATA_DIR: folder.path, KAFKA_ENABLED: "false" },
  });
  const address = await engine.ready("/health/ready");
  const marks = `${folder.path}/marks.ndjson`;
  await using program = await startProgram({
    args: [...args, "--url", address, "--marks", marks],
    env: { DATA_DIR: folder.path },
  });
  assert.equal((await program.exited).code, 0, program.stderr);
  assert.match(program.stdout, /\n20,000 sent, 20,000 accepted, [\d,]+\/s; faults: /);
  assert.match(program.stdout, /--seed 11 --start 2026-03-01T00:00:00.000Z\n/);

  const { data } = await (await fetch(`${address}/api/stats?readings=false`)).json();
  const temperatures = expected().map(({ temperature }) => temperature);
  assert.equal(data.temperature.count, 20_000);
  assert.equal(data.temperature.min, Math.min(...temperatures));
  assert.equal(data.temperature.max, Math.max(...temperatures));
  assert.equal(Object.keys(data.devices).length, 25);

  const lines = Deno.readTextFileSync(marks).trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.length > 20, `${lines.length} marks`);
  const sent = new Set(expected().map(({ device, time }) => `${device} ${time}`));
  for (const { device, kind, from, to } of lines) {
    for (const time of [from, to]) {
      assert.equal(
        sent.has(`${device} ${Date.parse(time)}`),
        kind === "spike",
        `${device} ${time}`,
      );
    }
  }
});

Deno.test("to Kafka: the readings are there, a device's in order and under its key", async () => {
  const topic = await createTopic({ name: topicName("simulate"), partitions: 3 });
  using folder = tempFolder();
  await using program = await startProgram({
    args: [...args, "--to", "kafka"],
    env: { DATA_DIR: folder.path, KAFKA_BROKER: broker(), INPUT_TOPIC: topic },
  });
  assert.equal((await program.exited).code, 0, program.stderr);
  const byDevice = Map.groupBy(expected(), ({ device }) => device);
  const records = await readTopic(topic);
  assert.equal(records.length, 20_000);
  const sorted = records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  for (const [device, arrived] of Map.groupBy(sorted, ({ key }) => String(key))) {
    assert.equal(new Set(arrived.map(({ partition }) => partition)).size, 1);
    assert.deepEqual(
      arrived.map(({ value }) => String(value)),
      byDevice.get(device)!.map(readingText),
    );
  }
});

Deno.test("Ctrl-C ends it with a summary, and an engine that is away was told of once", async () => {
  using folder = tempFolder();
  const closed = Deno.listen({ port: 0 });
  const { port } = closed.addr as Deno.NetAddr;
  closed.close();
  await using program = await startProgram({
    args: ["simulate", "--url", `http://127.0.0.1:${port}`],
    env: { DATA_DIR: folder.path },
  });
  await program.line("Connection refused. Trying again until it does.");
  const { code } = await program.kill("SIGINT");
  assert.equal(code, 1);
  assert.match(program.stdout, /\n1 sent, 0 accepted, 1 without an answer, 0\/s; no faults\.\n$/);
  assert.equal(program.stdout.match(/Connection refused/g)!.length, 1);
});
