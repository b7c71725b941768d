/**
 * The engine in the shadow of each old one, on a real broker: the 89 cases and the real motes, compared
 * topic by topic. What differs is explained, one planted difference is found.
 */
import assert from "node:assert/strict";
import { loadMessages } from "../contract/cases.ts";
import {
  broker,
  consumeAll,
  createTopic,
  produce,
  type TestRecord,
  topicName,
} from "../harness/kafka.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { compare, engines, oldResults } from "../migration/old_and_new.ts";
import { readCounters } from "../oracle/store.ts";
import { moteReadings } from "./motes.ts";

const BATCH = 2_000;

async function produceAll(topic: string, records: readonly TestRecord[]): Promise<void> {
  for (let i = 0; i < records.length; i += BATCH) {
    await produce(topic, records.slice(i, i + BATCH));
  }
}

Deno.test("the shadow of each old engine: every difference on the 89 cases and the motes is explained", async () => {
  using folder = tempFolder("compare-");
  const input = await createTopic({ name: topicName("compare-in"), partitions: 3 });
  const output = await createTopic({ name: topicName("compare-out"), partitions: 4 });
  const shadow = await createTopic({ name: `${output}.shadow`, partitions: 2 });
  const cases = (await loadMessages()).map(({ record }) => record);
  const motes = await moteReadings();
  const readings = [...cases, ...motes];
  await produceAll(input, readings);
  await using engine = await startProgram({
    env: {
      MODE: "shadow",
      KAFKA_BROKER: broker(),
      INPUT_TOPIC: input,
      OUTPUT_TOPIC: output,
      DATA_DIR: folder.path,
    },
  });
  await engine.ready("/health/ready");
  const counters = () => readCounters(`${folder.path}/plumbline.db`);
  while (counters().read < readings.length) await new Promise((resolve) => setTimeout(resolve, 50));
  const { results } = counters();
  assert.ok(results > motes.length);
  const sent = await consumeAll(shadow, { until: ({ length }) => length >= results });
  await engine.kill("SIGTERM");

  const values = readings.map(({ value }) => value as string | Uint8Array | null);
  const env = { KAFKA_BROKER: broker() };
  const planted = await createTopic({ name: topicName("compare-planted") });
  const changed = sent.findIndex(({ value }) => String(value).includes('"mote-3"'));
  await produceAll(
    planted,
    sent.map(({ key, value }, i) => ({
      key: String(key),
      value: i === changed
        ? String(value).replace(/"humidity":[^,]+/, '"humidity":1.5')
        : String(value),
    })),
  );
  for (const old of engines) {
    const topic = await createTopic({ name: topicName(`compare-${old}`), partitions: 4 });
    const made = oldResults(old, values);
    assert.ok(made.length > motes.length);
    // Without keys, as the old engines send them: a device's order is lost.
    await produceAll(topic, made.map((value, i) => ({ value, partition: i % 4 })));
    const equal = await compare([topic, shadow, "--input", input, "--json"], env);
    assert.deepEqual(equal.unexplained, {}, `${old}: ${equal.stdout.slice(0, 3000)}`);
    assert.equal(equal.code, 0, equal.stderr);
    assert.equal(equal.report.readings, readings.length);
    assert.ok(equal.report.pairs >= motes.length);

    const found = await compare([topic, planted, "--input", input, "--json"], env);
    assert.equal(found.code, 1);
    const names = Object.keys(found.unexplained);
    assert.ok(names.length > 0 && names.length <= 2, names.join());
    assert.ok(JSON.stringify(found.report.findings).includes('"mote-3"'));
  }
});
