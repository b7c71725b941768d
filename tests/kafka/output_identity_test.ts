/** Who sends under which producer id: copies of a data folder, and records that the broker refuses for good. */
import assert from "node:assert/strict";
import { Connection } from "@platformatic/kafka";
import { OutputLane } from "../../src/kafka/output_lane.ts";
import { viewTopic } from "../../src/kafka/output_topic.ts";
import { settle } from "../../src/kafka/settle.ts";
import { broker, createTopic, topicName } from "../harness/kafka.ts";
import { MemoryFeed } from "./memory_feed.ts";
import { memoryLog } from "./memory_log.ts";
import { numbered, type PlainRecord } from "./output_rows.ts";
import { assertComplete, numbersIn, startSink } from "./output_sink.ts";

/** A lane's rows are drained under an id; then the process ends. */
async function drainedFeed(topic: string, rows: number): Promise<MemoryFeed> {
  const feed = new MemoryFeed();
  feed.addNumbered(1, { rows, each: 1 });
  await using _at = startSink(feed, { topic });
  await feed.until(() => feed.drained && feed.acknowledged > 0);
  return feed;
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

async function assertEachOnce(topic: string, expected: readonly number[]): Promise<void> {
  const [found] = await numbersIn(topic);
  assert.deepEqual(found.toSorted((a, b) => a - b), expected);
}

Deno.test("a folder and its copy started side by side: nothing of either is taken for the other's", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const states = (await drainedFeed(topic, 10)).lanes();
  const [one, other] = [new MemoryFeed(states), new MemoryFeed(states)];
  await using first = startSink(one, { topic });
  await using second = startSink(other, { topic });
  // In turns, as many records each: under one id every second one would be "a duplicate".
  for (let n = 0; n < 20; n++) {
    const [feed, from] = n % 2 === 0 ? [one, 100] : [other, 200];
    feed.addNumbered(1, { rows: 1, each: 1, first: from + (n >> 1) });
    await feed.until(() => feed.drained);
  }
  await assertEachOnce(topic, [...range(0, 10), ...range(100, 10), ...range(200, 10)]);
  assert.equal(first.count("unsure") + second.count("unsure"), 0);
  assert.notEqual(one.lanes()[0].producerId, other.lanes()[0].producerId);
});

for (
  const [where, before, after] of [["behind", 4, 1], ["level", 0, 3], ["ahead", 0, 1]] as const
) {
  Deno.test(`a copy of a folder whose engine runs on, ${where}: nothing vanishes`, async () => {
    const topic = await createTopic({ name: topicName("out") });
    const original = new MemoryFeed();
    original.addNumbered(1, { rows: 5, each: 1 });
    await using running = startSink(original, { topic });
    await original.until(() => original.drained);
    const states = original.lanes(); // copied here, its producer id with it
    original.addNumbered(1, { rows: before, each: 1, first: 5 });
    await original.until(() => original.drained);
    const copy = new MemoryFeed(states);
    await using copied = startSink(copy, { topic });
    copy.addNumbered(1, { rows: 3, each: 1, first: 100 });
    await copy.until(() => copy.drained);
    original.addNumbered(1, { rows: after, each: 1, first: 5 + before });
    await original.until(() => original.drained);
    await assertEachOnce(topic, [...range(0, 5 + before + after), ...range(100, 3)]);
    assert.equal(running.count("new producer id"), 1);
    assert.equal(copied.count("new producer id"), 1);
    assert.equal(copied.count("folder older than broker"), before > 0 ? 1 : 0);
  });
}

Deno.test("rows that a folder and its copy both still have to send are there once", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const states = (await drainedFeed(topic, 3)).lanes();
  const feeds = [new MemoryFeed(states), new MemoryFeed(states)];
  for (const feed of feeds) feed.addNumbered(1, { rows: 200, each: 1, first: 3 });
  const sinks = feeds.map((feed) => startSink(feed, { topic }));
  await Promise.all(feeds.map((feed) => feed.until(() => feed.drained)));
  feeds.forEach((feed, i) => feed.addNumbered(1, { rows: 5, each: 1, first: 1000 + 100 * i }));
  await Promise.all(feeds.map((feed) => feed.until(() => feed.drained)));
  for (const { sink } of sinks) await sink.close(5_000);
  // One that fell behind the other by more than the broker remembers may take a new id: said so.
  const unsure = sinks.reduce((sum, at) => sum + at.count("unsure"), 0);
  const [found] = await numbersIn(topic);
  const expected = [...range(0, 203), ...range(1000, 5), ...range(1100, 5)];
  assert.deepEqual([...new Set(found)].toSorted((a, b) => a - b), expected);
  assert.ok(found.length - expected.length <= unsure, `${found.length} of ${expected.length}`);
});

Deno.test("records over max.message.bytes that follow one another share one producer id", async () => {
  const topic = await createTopic({
    name: topicName("out"),
    config: { "max.message.bytes": 2_000 },
  });
  const feed = new MemoryFeed();
  const huge = (n: number): PlainRecord => ({ ...numbered(0, n), value: "z".repeat(3_000) });
  feed.addNumbered(1, { rows: 1, each: 2 });
  feed.add(0, { records: [...range(0, 20).map(huge), numbered(0, 2)] });
  feed.addNumbered(1, { rows: 2, each: 2, first: 3 });
  await using at = startSink(feed, { topic });
  await feed.until(() => feed.drained);
  assert.equal(at.count("refused"), 20);
  assert.equal(at.count("new producer id"), 2);
  assert.equal(at.lines.filter(({ level }) => level === "error").length, 1);
  assert.deepEqual(feed.refused[7], {
    record: huge(7),
    reason: "larger than the topic's max.message.bytes",
    answer: null,
    attempts: 0,
  });
  await assertComplete(topic, { lanes: 1, count: 7 });
});

Deno.test("a record that the broker refuses for good is found, and its lane goes on", async () => {
  const topic = await createTopic({
    name: topicName("out"),
    config: { "cleanup.policy": "compact" },
  });
  const feed = new MemoryFeed();
  const keyless: PlainRecord = { ...numbered(0, -1), key: null };
  feed.addNumbered(1, { rows: 1, each: 5 });
  const records = range(5, 30).map((n) => numbered(0, n));
  feed.add(0, { records: [...records.slice(0, 19), keyless, ...records.slice(19)] });
  feed.add(0, { records: [keyless] });
  feed.addNumbered(1, { rows: 4, each: 5, first: 35 });
  await using at = startSink(feed, { topic });
  await feed.until(() => feed.drained);
  await assertComplete(topic, { lanes: 1, count: 55 });
  assert.deepEqual(feed.refused.map(({ record }) => record), [keyless, keyless]);
  const [{ reason, answer, attempts }, alone] = feed.refused;
  assert.equal(reason, "refused by the output topic's broker");
  assert.match(answer!, /INVALID_RECORD \(87\)/);
  assert.ok(attempts >= 4, `${attempts} attempts`);
  assert.ok(alone.attempts < attempts);
  assert.equal(at.count("refused"), 2);
  assert.equal(at.count("unsure"), 0);
  const errors = at.lines.filter(({ level }) => level === "error");
  assert.equal(errors.length, 1, "told once a minute");
});

Deno.test("a row whose bytes are damaged is given up, its lane goes on", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const feed = new MemoryFeed();
  feed.addNumbered(1, { rows: 1, each: 2 });
  const damaged = feed.add(0, { records: [numbered(0, 99)] });
  damaged.body[62] = 0xff; // in the record, as a disk might: the length of it runs into what follows
  feed.addNumbered(1, { rows: 1, each: 2, first: 2 });
  await using at = startSink(feed, { topic });
  await feed.until(() => feed.drained);
  assert.equal(at.count("refused"), 1);
  assert.match(feed.refused[0].answer!, /INVALID_RECORD/);
  await assertComplete(topic, { lanes: 1, count: 4 });
});

Deno.test("refused as too large, though the topic takes more: given up the fifth time", async () => {
  const topic = await createTopic({ name: topicName("out") });
  const feed = new MemoryFeed();
  feed.open({ topicId: "", partitions: 1 });
  feed.add(0, { records: [numbered(0, 0)] });
  const lane = new OutputLane(feed.lanes()[0], feed);
  const [host, port] = broker().split(":");
  const connection = new Connection("test");
  await connection.connect(host, Number(port));
  const topicId = (await viewTopic(connection, topic)).topicId;
  const by = {
    feed,
    log: memoryLog([]),
    now: () => 0,
    topic,
    topicId,
    maxBytes: 1_000_000,
    connection,
    observe: () => {},
    check: () => {},
  };
  await settle(lane, by);
  // A broker that answers so can't be had: the answers are made here.
  for (let time = 1; time <= 5; time++) {
    const sent = lane.take(lane.peek({ maxBytes: by.maxBytes, now: 0 })!);
    const answer = { partition: 0, error: 10, baseOffset: -1, message: "too large" };
    lane.answered(sent, { answer, now: 0 });
    assert.deepEqual(feed.refused, []);
    await settle(lane, by);
    assert.equal(lane.attempts, Math.min(time, 4), "a pause before each");
  }
  assert.deepEqual(feed.refused.map(({ reason, attempts }) => [reason, attempts]), [
    ["refused by the output topic's broker", 5],
  ]);
  await connection.close();
});

Deno.test("a topic that refuses everything doesn't turn all into dead letters at full speed", async () => {
  const topic = await createTopic({
    name: topicName("out"),
    config: { "cleanup.policy": "compact" },
  });
  const feed = new MemoryFeed();
  for (let n = 0; n < 110; n++) feed.add(0, { records: [{ ...numbered(0, n), key: null }] });
  await using at = startSink(feed, { topic });
  await at.until(() => at.count("refused") === 101);
  const since = performance.now();
  await at.until(() => at.count("refused") === 104);
  // Pauses of 200, 400 and 800 ms, half of each by chance.
  assert.ok(performance.now() - since > 600);
  assert.ok(at.count("new producer id") <= 2);
});
