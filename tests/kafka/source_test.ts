import assert from "node:assert/strict";
import {
  type Compression,
  createTopic,
  produce,
  type TestRecord,
  topicName,
} from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { Reader } from "./reader.ts";

/** Recent: retention goes by the records' own times. */
const START = Date.now() - 3_600_000;

function numbered(from: number, to: number, partitions: number): TestRecord[] {
  return Array.from({ length: to - from }, (_, i) => ({
    value: String(from + i),
    partition: (from + i) % partitions,
    timestamp: START + from + i,
  }));
}

/** Of `count` numbered records over the partitions: each once, each partition in order, offsets without a gap. */
function assertComplete(reader: Reader, count: number, partitions: number): void {
  assert.equal(reader.records.length, count);
  for (let partition = 0; partition < partitions; partition++) {
    const read = reader.records.filter((record) => record.partition === partition);
    assert.deepEqual(
      read.map(({ value, offset }) => [value, offset]),
      read.map((_, i) => [String(partition + i * partitions), i]),
    );
  }
}

Deno.test("four partitions are read in order, each record once, with id and timestamp", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("source"), partitions: 4 });
  await produce(topic, numbered(0, 20_000, 4));
  await using reader = new Reader({ topic, group: topic, dir: folder.path });
  await reader.untilRead(20_000);
  await produce(topic, numbered(20_000, 20_010, 4));
  await reader.untilRead(20_010);
  assertComplete(reader, 20_010, 4);
  const record = reader.records.find(({ value }) => value === "4321")!;
  assert.equal(record.id, `${topic}-1-1080`);
  assert.equal(record.timestamp, START + 4_321);
  assert.equal(reader.source.state(), "connected");
  assert.deepEqual([...reader.source.lag()].sort(), [[0, 0], [1, 0], [2, 0], [3, 0]]);
  assert.deepEqual([...reader.store.jumps()], [["first start", 4]]);
});

Deno.test("the lag grows while nobody asks for records, and is gone when they are read", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("source"), partitions: 2 });
  await produce(topic, numbered(0, 10, 2));
  const paused = Promise.withResolvers<void>(), resumed = Promise.withResolvers<void>();
  await using reader = new Reader({
    topic,
    group: topic,
    dir: folder.path,
    topicLookMs: 50,
    beforeCommit: () => {
      paused.resolve();
      return resumed.promise;
    },
  });
  await paused.promise;
  const lag = () => [...reader.source.lag().values()].reduce((sum, it) => sum + it, 0);
  const late = AbortSignal.timeout(30_000);
  try {
    for (let sent = 10; sent < 50;) {
      await produce(topic, numbered(sent, sent += 10, 2));
      while (lag() !== sent) {
        assert.ok(!late.aborted, `${sent} were sent, the lag is ${lag()}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  } finally {
    resumed.resolve();
  }
  await reader.untilRead(50);
  assert.equal(lag(), 0);
});

Deno.test("reading goes on at the positions in the store", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("source"), partitions: 2 });
  await produce(topic, numbered(0, 1_000, 2));
  await using first = new Reader({ topic, group: topic, dir: folder.path });
  await first.untilRead(1_000);
  await first.close();
  await produce(topic, numbered(1_000, 1_010, 2));
  await using second = new Reader({ topic, group: topic, dir: folder.path });
  await second.untilRead(10);
  assert.deepEqual(second.values().map(Number).sort(), [
    1000,
    1001,
    1002,
    1003,
    1004,
    1005,
    1006,
    1007,
    1008,
    1009,
  ]);
  assert.deepEqual([...second.store.jumps()], [["first start", 2]]);
});

Deno.test("what was given up is read again after a reset", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("source"), partitions: 2 });
  await produce(topic, numbered(0, 500, 2));
  let lost = 0;
  await using reader: Reader = new Reader({
    topic,
    group: topic,
    dir: folder.path,
    beforeCommit: (batches): void => {
      if (lost > 0) return;
      lost = batches.length;
      reader.source.reset();
      assert.ok(batches.every((batch) => !reader.source.owns(batch)));
    },
  });
  await reader.untilRead(500);
  assert.ok(lost > 0);
  assertComplete(reader, 500, 2);
});

Deno.test("a clock that jumps by an hour costs a batch its place, but no reading", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("source") });
  await produce(topic, numbered(0, 10, 1));
  let jump = 0;
  await using reader = new Reader({
    topic,
    group: topic,
    dir: folder.path,
    now: () => Date.now() + jump,
    // As if the process had been frozen: somebody else may have the partition by now.
    beforeCommit: () => void (jump = 3_600_000),
  });
  await reader.untilRead(10);
  assertComplete(reader, 10, 1);
  assert.equal(reader.source.counts().joins, 1);
});

for (const compression of ["gzip", "snappy", "lz4", "zstd"] satisfies Compression[]) {
  Deno.test(`${compression} is read`, async () => {
    using folder = tempFolder();
    const topic = await createTopic({ name: topicName("source") });
    await produce(topic, numbered(0, 3_000, 1), { compression });
    await using reader = new Reader({ topic, group: topic, dir: folder.path });
    await reader.untilRead(3_000);
    assertComplete(reader, 3_000, 1);
    assert.equal(reader.records[2_999].timestamp, START + 2_999);
  });
}

for (const isolation of ["read_committed", "read_uncommitted"] as const) {
  Deno.test(`${isolation}: aborted records, markers and positions`, async () => {
    using folder = tempFolder();
    const topic = await createTopic({ name: topicName("source") });
    const transactionalId = topicName("transaction");
    const committed: string[] = [];
    for (const [i, fate] of [..."CAACAACAAAC"].entries()) {
      const records = Array.from({ length: 6 }, (_, k) => ({ value: `${fate}${i}.${k}` }));
      if (fate === "C") committed.push(...records.map(({ value }) => value));
      await produce(topic, records, { transactionalId, abort: fate === "A" });
    }
    await produce(topic, [{ value: "C end" }]);
    await using reader = new Reader({ topic, group: topic, dir: folder.path, isolation });
    await reader.until("the last record", () => reader.values().includes("C end"));
    const expected = isolation === "read_committed" ? [...committed, "C end"] : undefined;
    if (expected) assert.deepEqual(reader.values(), expected);
    else assert.equal(reader.records.length, 67);
    // 66 records, a marker each for 11 transactions, and the last record
    assert.equal(reader.batches.at(-1)!.end, 78);
  });
}

Deno.test("a fetch of nothing but aborted records moves the position", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("source") });
  await using reader = new Reader({ topic, group: topic, dir: folder.path });
  await produce(topic, [{ value: "a" }, { value: "b" }], {
    transactionalId: topicName("transaction"),
    abort: true,
  });
  await reader.until("the marker's batch", () => reader.batches.at(-1)?.end === 3);
  assert.deepEqual(reader.values(), []);
  assert.ok(reader.batches.every((batch) => batch.length === 0));
});

Deno.test("tombstones, empty values and the broker's own time", async () => {
  using folder = tempFolder();
  const topic = await createTopic({
    name: topicName("source"),
    config: { "message.timestamp.type": "LogAppendTime" },
  });
  const before = Date.now();
  await produce(topic, [{ value: null, key: "k" }, { value: "" }, { value: "x", timestamp: 5 }]);
  await using reader = new Reader({ topic, group: topic, dir: folder.path });
  await reader.untilRead(3);
  assert.deepEqual(reader.values(), [null, "", "x"]);
  for (const { timestamp } of reader.records) {
    assert.ok(timestamp >= before - 1_000 && timestamp <= Date.now() + 1_000, String(timestamp));
  }
});

Deno.test("records larger than a partition's share of a fetch come, and delay nobody", async () => {
  using folder = tempFolder();
  const topic = await createTopic({
    name: topicName("source"),
    partitions: 3,
    config: { "max.message.bytes": 8_000_000 },
  });
  const large = "x".repeat(2 << 20);
  const nearly = "y".repeat(900_000);
  await produce(topic, [
    { value: large, partition: 0 },
    ...Array.from({ length: 8 }, () => ({ value: nearly, partition: 1 })),
    { value: large, partition: 2 },
    { value: "after", partition: 2 },
    { value: "x".repeat(6 << 20), partition: 2 },
  ]);
  await using reader = new Reader({ topic, group: topic, dir: folder.path });
  await reader.untilRead(12);
  assert.deepEqual(reader.values(0).map((value) => value!.length), [large.length]);
  assert.deepEqual(reader.values(1).map((value) => value!.length), Array(8).fill(900_000));
  assert.deepEqual(reader.values(2).map((value) => value!.length), [large.length, 5, 6 << 20]);
});
