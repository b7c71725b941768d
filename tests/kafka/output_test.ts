import assert from "node:assert/strict";
import { cachedJars, cacheFolder, run } from "../../tools/kafka_jars.ts";
import {
  broker,
  createTopic,
  deleteTopic,
  readTopic,
  topicName,
  topicOffsets,
} from "../harness/kafka.ts";
import { batchBytes, MemoryFeed, newLane } from "./memory_feed.ts";
import { numbered } from "./output_rows.ts";
import { assertComplete, numbersIn, startSink } from "./output_sink.ts";
import { setMaxMessageBytes } from "../harness/topic_config.ts";

/** Retention goes by the records' own times, and these are old. */
const FOR_EVER = { "retention.ms": -1 };
const ODD = {
  key: "gerät/π \u{1F600}",
  value: `{"value":"ünïcode \\u0000"}`,
  id: "in-0-7",
  tenant: "",
};

Deno.test("rows arrive in order, with keys, values, headers and time as they are", async () => {
  const topic = await createTopic({ name: topicName("out"), partitions: 2, config: FOR_EVER });
  const feed = new MemoryFeed();
  const time = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  feed.add(1, { records: [ODD, { ...ODD, key: "", id: "in-0-8" }], time });
  await using at = startSink(feed, { topic });
  assert.equal(at.sink.state(), "connecting");
  await feed.until(() => feed.acknowledged === 2);
  await at.until(() => at.sink.state() === "connected"); // a new broker gives out no ids at first
  feed.add(1, { records: [ODD] }); // while it is idle
  await feed.until(() => feed.acknowledged === 3);
  assert.equal(at.count("acknowledged"), 3);
  assert.equal(at.count("sent again"), 0);
  assert.deepEqual(feed.acknowledgements, [
    { lane: 1, sequence: 2, offset: 1 },
    { lane: 1, sequence: 3, offset: 2 },
  ]);
  const records = await readTopic(topic);
  const plain = records.map((record) => ({
    key: record.key!.toString(),
    value: record.value!.toString(),
    id: record.headers.id!.toString(),
    tenant: record.headers.tenant_id!.toString(),
  }));
  assert.deepEqual(plain, [ODD, { ...ODD, key: "", id: "in-0-8" }, ODD]);
  assert.ok(records.every(({ partition }) => partition === 1));
  assert.deepEqual(records.slice(0, 2).map(({ timestamp }) => timestamp), [time, time]);
});

Deno.test({
  name: "Kafka's own consumer reads the same",
  ignore: cachedJars(cacheFolder()) === undefined,
  fn: async () => {
    const topic = await createTopic({ name: topicName("out"), config: FOR_EVER });
    const feed = new MemoryFeed();
    const time = Date.UTC(2026, 0, 2);
    feed.add(0, { records: [{ ...ODD, tenant: "t" }, numbered(0, 1, 10)], time });
    feed.add(0, { records: [numbered(0, 2, 10)], time });
    await using _at = startSink(feed, { topic });
    await feed.until(() => feed.drained);
    const output = await run("java", [
      ...["-cp", `${cachedJars(cacheFolder())}/*`, "-Dfile.encoding=UTF-8"],
      "org.apache.kafka.tools.consumer.ConsoleConsumer",
      ...["--bootstrap-server", broker(), "--topic", topic],
      ...["--from-beginning", "--max-messages", "3"],
      ...["timestamp", "offset", "headers", "key"].flatMap((what) => [
        "--formatter-property",
        `print.${what}=true`,
      ]),
    ]);
    const lines = output.split("\n").filter((line) => line.startsWith("CreateTime"));
    const pad = (n: number) => `{"lane":0,"n":${n},"pad":""}`;
    assert.deepEqual(lines, [
      `CreateTime:${time}\tOffset:0\tid:in-0-7,tenant_id:t\t${ODD.key}\t${ODD.value}`,
      `CreateTime:${time}\tOffset:1\tid:readings-0-1,tenant_id:tenant1\tdevice-0\t${pad(1)}`,
      `CreateTime:${time}\tOffset:2\tid:readings-0-2,tenant_id:tenant1\tdevice-0\t${pad(2)}`,
    ]);
  },
});

Deno.test("many rows in several lanes: all there, once, in order", async () => {
  const topic = await createTopic({ name: topicName("out"), partitions: 4 });
  const feed = new MemoryFeed();
  feed.addNumbered(4, { rows: 300, each: 7 });
  await using at = startSink(feed, { topic });
  await feed.until(() => feed.acknowledged >= 2_000);
  feed.addNumbered(4, { rows: 100, each: 7, first: 2_100 }); // while it sends
  await feed.until(() => feed.drained);
  assert.equal(at.count("sent again"), 0);
  assert.equal(at.count("new producer id"), 4);
  await assertComplete(topic, { lanes: 4, count: 2_800 });
});

Deno.test("rows that were sent before the cursor was stored aren't sent twice", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const first = new MemoryFeed();
  first.addNumbered(1, { rows: 40, each: 5 });
  {
    await using _at = startSink(first, { topic });
    await first.until(() => first.drained);
  }
  // The cursor in SQLite is behind by far more than the five batches that a broker recognises.
  const [state] = first.lanes();
  const second = new MemoryFeed([{ ...state, acknowledged: 50, end: 50, lastOffset: 49 }]);
  second.addNumbered(1, { rows: 35, each: 5, first: 50 });
  await using at = startSink(second, { topic });
  await second.until(() => second.drained && second.acknowledged === 225);
  assert.equal(at.count("new producer id"), 0);
  assert.equal(at.count("unsure"), 0);
  await assertComplete(topic, { lanes: 1, count: 225 });
});

Deno.test("sequences wrap at 2^31, within a batch too, and are found again after a start", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const start = 2 ** 31 - 3;
  const first = new MemoryFeed([newLane(0, start)]);
  first.addNumbered(1, { rows: 1, each: 2 });
  first.addNumbered(1, { rows: 30, each: 4, first: 2 }); // the first of these ends at sequence 2
  {
    await using at = startSink(first, { topic });
    await first.until(() => first.drained);
    assert.equal(at.count("sent again"), 0);
  }
  const [state] = first.lanes();
  const second = new MemoryFeed([{ ...state, acknowledged: start + 2, end: start + 2 }]);
  second.addNumbered(1, { rows: 40, each: 4, first: 2 });
  await using at = startSink(second, { topic });
  await second.until(() => second.drained);
  assert.equal(at.count("new producer id"), 0);
  await assertComplete(topic, { lanes: 1, count: 162 });
});

Deno.test("a restored older folder takes a new producer id and loses nothing", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const first = new MemoryFeed();
  first.addNumbered(1, { rows: 5, each: 2 });
  await using before = startSink(first, { topic });
  await first.until(() => first.drained);
  const [copied] = first.lanes(); // the folder is copied here
  first.addNumbered(1, { rows: 5, each: 2, first: 10 });
  await first.until(() => first.drained);
  await before.sink.close(5_000);

  const second = new MemoryFeed([copied]);
  await using after = startSink(second, { topic });
  await after.until(() => after.count("folder older than broker") === 1);
  second.addNumbered(1, { rows: 5, each: 2, first: 100 });
  await second.until(() => second.drained);
  assert.equal(after.count("new producer id"), 1);
  assert.ok(after.lines.some(({ level, message }) => level === "warn" && /older/.test(message)));
  const expected = [...Array(20).keys(), ...Array.from({ length: 10 }, (_, i) => 100 + i)];
  assert.deepEqual(await numbersIn(topic), [expected]);
});

Deno.test("rows appended before the broker was asked don't hide that a folder is older", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const first = new MemoryFeed();
  first.addNumbered(1, { rows: 1, each: 10 });
  {
    await using _at = startSink(first, { topic });
    await first.until(() => first.drained);
  }
  const [state] = first.lanes();
  const second = new MemoryFeed([{ ...state, acknowledged: 4, end: 4 }]);
  await using at = startSink(second, { topic });
  second.addNumbered(1, { rows: 10, each: 2, first: 100 }); // goes past what the broker has
  await second.until(() => second.drained);
  assert.equal(at.count("folder older than broker"), 1);
  const expected = [...Array(10).keys(), ...Array.from({ length: 20 }, (_, i) => 100 + i)];
  assert.deepEqual(await numbersIn(topic), [expected]);
});

Deno.test("a gap on purpose takes a new producer id and goes on", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const feed = new MemoryFeed();
  feed.addNumbered(1, { rows: 10, each: 3 });
  await using at = startSink(feed, { topic });
  await feed.until(() => feed.drained);
  feed.skip(0, 17);
  feed.addNumbered(1, { rows: 10, each: 3, first: 30 });
  await feed.until(() => feed.drained);
  assert.equal(at.count("new producer id"), 2);
  assert.equal(at.count("unsure"), 0);
  await assertComplete(topic, { lanes: 1, count: 60 });
});

Deno.test("rows over the topic's max.message.bytes are split, a record over it is kept aside", async () => {
  const config = { "max.message.bytes": 2_000 };
  const topic = await createTopic({ name: topicName("out"), config });
  const feed = new MemoryFeed();
  feed.addNumbered(1, { rows: 3, each: 50 });
  const huge = { ...ODD, value: "z".repeat(3_000) };
  feed.add(0, { records: [numbered(0, 150), huge, numbered(0, 151)] });
  feed.addNumbered(1, { rows: 3, each: 50, first: 152 });
  await using at = startSink(feed, { topic });
  await feed.until(() => feed.drained);
  assert.deepEqual(feed.refused.map(({ record }) => record), [huge]);
  assert.equal(at.count("refused"), 1);
  assert.equal(at.count("split"), 7);
  assert.equal(at.count("unsure"), 0);
  assert.ok(
    at.lines.some(({ level, message }) => level === "error" && /dead letters/.test(message)),
  );
  await assertComplete(topic, { lanes: 1, count: 302 });
});

Deno.test("a max.message.bytes that gets smaller while rows are sent", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const feed = new MemoryFeed();
  feed.addNumbered(1, { rows: 1, each: 50 });
  await using at = startSink(feed, { topic });
  await feed.until(() => feed.drained);
  await setMaxMessageBytes(topic, batchBytes([numbered(0, 1), numbered(0, 2)]) + 50);
  feed.addNumbered(1, { rows: 3, each: 4, first: 50 });
  await feed.until(() => feed.drained);
  assert.ok(at.count("split") >= 3);
  assert.equal(at.count("new producer id"), 1);
  await assertComplete(topic, { lanes: 1, count: 62 });
});

Deno.test("a row that the broker finds too far ahead of its clock goes out without a time", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const feed = new MemoryFeed();
  const records = (first: number) => [numbered(0, first), numbered(0, first + 1)];
  const now = Date.now();
  feed.add(0, { records: records(0), time: now });
  for (const first of [2, 4]) feed.add(0, { records: records(first), time: now + 2 * 3_600_000 });
  for (const first of [6, 8, 10]) feed.add(0, { records: records(first), time: now });
  await using at = startSink(feed, { topic });
  await feed.until(() => feed.drained);
  assert.equal(at.count("timestamp refused"), 2);
  assert.equal(at.count("new producer id"), 1);
  await assertComplete(topic, { lanes: 1, count: 12 });
  const times = (await readTopic(topic)).map(({ timestamp }) => timestamp);
  assert.deepEqual(times, [now, now, -1, -1, -1, -1, now, now, now, now, now, now]);
});

Deno.test("a topic that is recreated while it runs gets a new producer id, from offset 0", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const feed = new MemoryFeed();
  feed.addNumbered(1, { rows: 20, each: 2 });
  await using at = startSink(feed, { topic, refreshMs: 50 });
  await feed.until(() => feed.drained);
  await deleteTopic(topic); // the sink's own look at it makes it again: the broker does that by itself
  await feed.until(() => feed.opened.length === 2);
  feed.addNumbered(1, { rows: 3, each: 2, first: 40 });
  await feed.until(() => feed.drained);
  assert.notEqual(feed.opened[0].topicId, feed.opened[1].topicId);
  assert.equal(feed.lanes()[0].topicId, feed.opened[1].topicId);
  assert.equal(feed.lanes()[0].lastOffset, 5);
  assert.equal(at.count("unsure"), 0);
  assert.deepEqual(await numbersIn(topic), [[40, 41, 42, 43, 44, 45]]);
});

Deno.test("a topic recreated unseen, rows on their way: sent again, and said so", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const first = new MemoryFeed();
  first.addNumbered(1, { rows: 20, each: 2 });
  {
    await using _at = startSink(first, { topic });
    await first.until(() => first.drained);
  }
  await deleteTopic(topic);
  await createTopic({ name: topic });
  const [state] = first.lanes();
  const second = new MemoryFeed([{ ...state, acknowledged: 30, end: 30 }]);
  second.addNumbered(1, { rows: 10, each: 2, first: 30 });
  await using at = startSink(second, { topic });
  await second.until(() => second.drained);
  assert.equal(at.count("unsure"), 20);
  assert.equal(at.count("new producer id"), 1);
  assert.deepEqual(await numbersIn(topic), [Array.from({ length: 20 }, (_, i) => 30 + i)]);
});

Deno.test("closing waits for what is in flight, and sends nothing more", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const feed = new MemoryFeed();
  feed.addNumbered(1, { rows: 30, each: 400, bytes: 1_000 });
  const at = startSink(feed, { topic });
  await feed.until(() => feed.acknowledged > 0);
  await at.sink.close(5_000);
  const { acknowledged, end } = feed.lanes()[0];
  assert.ok(acknowledged < end, "it was closed too late to show anything");
  assert.equal((await topicOffsets(topic)).get(0)!.high, acknowledged);
});
