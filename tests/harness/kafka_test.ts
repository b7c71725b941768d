import assert from "node:assert/strict";
import {
  type Compression,
  consumeAll,
  createTopic,
  deleteTopic,
  describeTopic,
  produce,
  readTopic,
  topicName,
  topicOffsets,
} from "./kafka.ts";

Deno.test("records come back as they were written", async () => {
  const topic = await createTopic({ name: topicName("harness"), partitions: 3 });
  await produce(topic, [
    { key: "k", value: "one", partition: 2, timestamp: 1_700_000_000_123, headers: { h: "x" } },
    { value: null, key: new Uint8Array([0, 255]), partition: 0 },
    { value: new Uint8Array([1, 2]), partition: 2 },
  ]);
  const records = (await readTopic(topic)).sort((a, b) =>
    a.partition - b.partition || a.offset - b.offset
  );
  assert.deepEqual(records.map(({ partition, offset }) => [partition, offset]), [
    [0, 0],
    [2, 0],
    [2, 1],
  ]);
  const [tombstone, first, second] = records;
  assert.equal(tombstone.value, null);
  assert.deepEqual([...tombstone.key!], [0, 255]);
  assert.equal(first.key!.toString(), "k");
  assert.equal(first.value!.toString(), "one");
  assert.equal(first.timestamp, 1_700_000_000_123);
  assert.equal(String(first.headers.h), "x");
  assert.equal(second.key, null);
  assert.deepEqual([...second.value!], [1, 2]);
});

for (const compression of ["gzip", "snappy", "lz4", "zstd"] satisfies Compression[]) {
  Deno.test(`${compression} is written and read`, async () => {
    const topic = await createTopic({ name: topicName("harness") });
    const value = "compressible ".repeat(100);
    await produce(topic, [{ value }, { value: "two" }], { compression });
    const values = (await readTopic(topic)).map((record) => record.value!.toString());
    assert.deepEqual(values, [value, "two"]);
  });
}

Deno.test("an aborted transaction is left out, and reading still ends", async () => {
  const topic = await createTopic({ name: topicName("harness") });
  const transactionalId = topicName("transaction");
  await produce(topic, [{ value: "kept" }], { transactionalId });
  await produce(topic, [{ value: "given up" }], { transactionalId, abort: true });
  const values = (records: { value: unknown }[]) => records.map(({ value }) => String(value));
  assert.deepEqual(values(await readTopic(topic)), ["kept"]);
  assert.deepEqual(values(await readTopic(topic, { uncommitted: true })), ["kept", "given up"]);
  assert.deepEqual(await topicOffsets(topic), new Map([[0, { low: 0, high: 4 }]]));
});

Deno.test("many records arrive in order, and waiting for more says how many came", async () => {
  const topic = await createTopic({ name: topicName("harness"), partitions: 2 });
  const count = 20_000;
  await produce(
    topic,
    Array.from({ length: count }, (_, i) => ({ value: String(i), partition: i % 2 })),
  );
  const records = await consumeAll(topic, { until: (records) => records.length >= count });
  for (const partition of [0, 1]) {
    const values = records.filter((record) => record.partition === partition).map(numberOf);
    assert.deepEqual(values, Array.from({ length: count / 2 }, (_, i) => 2 * i + partition));
  }
  await assert.rejects(
    consumeAll(topic, { until: (records) => records.length > count, timeoutMs: 2_000 }),
    new RegExp(`Read ${topic}: not done in 2000 ms, 20000 records`),
  );
});

function numberOf(record: { value: unknown }): number {
  return Number(String(record.value));
}

Deno.test("an empty topic reads as nothing; topics are made with settings and deleted", async () => {
  const name = topicName("harness");
  await createTopic({ name, partitions: 2, config: { "max.message.bytes": 2_000_000 } });
  assert.deepEqual(await readTopic(name), []);
  assert.equal((await describeTopic(name)).partitions.length, 2);
  await assert.rejects(createTopic({ name }), /exists already/);
  await produce(name, [{ value: "x".repeat(1_500_000) }]);
  assert.equal((await readTopic(name))[0].value!.length, 1_500_000);
  await deleteTopic(name);
  await createTopic({ name });
});
