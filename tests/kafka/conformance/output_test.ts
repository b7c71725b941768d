/**
 * What holds for the output topic by either client. Within a process both append each record once; what
 * a process leaves unacknowledged behind goes out again: @platformatic/kafka's is recognised by the
 * broker, kafkajs' becomes a duplicate, and is counted.
 */
import assert from "node:assert/strict";
import type { JournalRow } from "../../../src/pipeline/ports.ts";
import { startBroker } from "../../../tools/broker.ts";
import {
  addPartitions,
  createTopic,
  deleteTopic,
  readTopic,
  topicName,
} from "../../harness/kafka.ts";
import { tempFolder } from "../../harness/temp.ts";
import { clients } from "../client_in_use.ts";
import { MemoryFeed } from "../memory_feed.ts";
import { numbered } from "../output_rows.ts";
import { assertComplete, numbersIn, startSink } from "../output_sink.ts";
import { killedInFlight } from "../killed_output.ts";

const ODD = {
  key: "gerät/π \u{1F600}",
  value: `{"value":"ünïcode \\u0000"}`,
  id: "in-0-7",
  tenant: "",
};
const HOUR_MS = 3_600_000;

/** Holds lane 1 back until lane 0 is acknowledged, as the journal does when partitions are added. */
class WithholdingFeed extends MemoryFeed {
  override take(lane: number): JournalRow | undefined {
    return lane === 1 && this.lanes()[0].acknowledged < 50 ? undefined : super.take(lane);
  }
}

/** How often each number is there, beyond once; what is missing fails. */
function duplicates(numbers: readonly number[], count: number): number {
  const found = new Set(numbers);
  for (let n = 0; n < count; n++) assert.ok(found.has(n), `${n} is missing`);
  return numbers.length - count;
}

/** The first occurrences stand in order: a duplicate never overtakes what came before it. */
function assertOrder(numbers: readonly number[]): void {
  const first = [...new Set(numbers)];
  assert.deepEqual(first, [...first].sort((a, b) => a - b));
}

for (const [name, client] of Object.entries(clients)) {
  const exactly = name === "platformatic";

  Deno.test(`${name}: keys, values, headers, times and order as they are`, async () => {
    const topic = await createTopic({ name: topicName("out"), partitions: 2 });
    const feed = new MemoryFeed();
    const time = Date.now() - HOUR_MS; // retention goes by it
    const records = [
      ODD,
      { ...ODD, key: "" },
      { ...ODD, value: "" },
      { ...ODD, value: "x".repeat(900_000) },
      { ...ODD, value: "1" },
    ];
    feed.add(1, { records, time });
    await using at = startSink(feed, { topic, client });
    await feed.until(() => feed.acknowledged === 5);
    feed.add(1, { records: [ODD], time: time + 1 }); // while it is idle
    await feed.until(() => feed.acknowledged === 6);
    assert.equal(at.count("acknowledged"), 6);
    assert.deepEqual(feed.acknowledgements.at(-1), { lane: 1, sequence: 6, offset: 5 });
    const found = await readTopic(topic);
    assert.deepEqual(
      found.map(({ key, value, headers, timestamp, partition }) => ({
        key: key!.toString(),
        value: value!.toString(),
        headers: Object.entries(headers).map(([name, text]) => [name, String(text)]),
        timestamp,
        partition,
      })),
      [...records, ODD].map(({ key, value, id, tenant }, i) => ({
        key,
        value,
        headers: [["id", id], ["tenant_id", tenant]],
        timestamp: i < 5 ? time : time + 1,
        partition: 1,
      })),
    );
  });

  Deno.test(`${name}: many rows in several lanes are all there, once, in order`, async () => {
    const topic = await createTopic({ name: topicName("out"), partitions: 4 });
    const feed = new MemoryFeed();
    feed.addNumbered(4, { rows: 100, each: 7 });
    await using at = startSink(feed, { topic, client });
    await feed.until(() => feed.acknowledged >= 700);
    feed.addNumbered(4, { rows: 50, each: 7, first: 700 }); // while it sends
    await feed.until(() => feed.drained);
    assert.equal(at.count("unsure"), 0);
    await assertComplete(topic, { lanes: 4, count: 1_050 });
  });

  Deno.test(`${name}: rows that are held back for another lane's go out after them`, async () => {
    const topic = await createTopic({ name: topicName("out"), partitions: 2 });
    const feed = new WithholdingFeed();
    feed.addNumbered(2, { rows: 10, each: 5 });
    await using _at = startSink(feed, { topic, client, refreshMs: 3_600_000 });
    await feed.until(() => feed.drained);
    await assertComplete(topic, { lanes: 2, count: 50 });
  });

  Deno.test(`${name}: rows that were sent before the cursor was stored`, async () => {
    const topic = await createTopic({ name: topicName("out") });
    const first = new MemoryFeed();
    first.addNumbered(1, { rows: 40, each: 5 });
    {
      await using _at = startSink(first, { topic, client });
      await first.until(() => first.drained);
    }
    const [state] = first.lanes();
    const second = new MemoryFeed([{ ...state, acknowledged: 50, end: 50, lastOffset: 49 }]);
    second.addNumbered(1, { rows: 35, each: 5, first: 50 });
    await using at = startSink(second, { topic, client });
    await second.until(() => second.drained);
    const [numbers] = await numbersIn(topic);
    assertOrder(numbers);
    assert.equal(duplicates(numbers, 225), exactly ? 0 : 150);
    assert.equal(at.count("unsure"), exactly ? 0 : 150);
    assert.equal(at.lines.some(({ message }) => /may have/.test(message)), !exactly);
  });

  Deno.test(`${name}: a clean stop leaves nothing in doubt`, async () => {
    const topic = await createTopic({ name: topicName("out") });
    const feed = new MemoryFeed();
    feed.addNumbered(1, { rows: 4, each: 5 });
    {
      await using _at = startSink(feed, { topic, client });
      await feed.until(() => feed.drained);
    }
    feed.addNumbered(1, { rows: 4, each: 5, first: 20 });
    const next = new MemoryFeed(feed.lanes().map((lane) => ({ ...lane, end: lane.acknowledged })));
    next.addNumbered(1, { rows: 4, each: 5, first: 20 });
    await using at = startSink(next, { topic, client });
    await next.until(() => next.drained);
    assert.equal(at.count("unsure"), 0);
    await assertComplete(topic, { lanes: 1, count: 40 });
  });

  Deno.test(`${name}: rows over max.message.bytes are split, a record over it is kept aside`, async () => {
    const config = { "max.message.bytes": 2_000 };
    const topic = await createTopic({ name: topicName("out"), config });
    const feed = new MemoryFeed();
    feed.addNumbered(1, { rows: 3, each: 50 });
    const huge = { ...ODD, value: "z".repeat(3_000) };
    feed.add(0, { records: [numbered(0, 150), huge, numbered(0, 151)] });
    feed.addNumbered(1, { rows: 3, each: 50, first: 152 });
    await using at = startSink(feed, { topic, client });
    await feed.until(() => feed.drained);
    assert.deepEqual(feed.refused.map(({ record }) => record), [huge]);
    assert.equal(at.count("refused"), 1);
    assert.equal(at.count("unsure"), 0);
    await assertComplete(topic, { lanes: 1, count: 302 });
  });

  Deno.test(`${name}: a row too far ahead of the broker's clock goes out without a time`, async () => {
    const topic = await createTopic({ name: topicName("out") });
    const feed = new MemoryFeed();
    const now = Date.now();
    for (const [first, time] of [[0, now], [2, now + 2 * HOUR_MS], [4, now]]) {
      feed.add(0, { records: [numbered(0, first), numbered(0, first + 1)], time });
    }
    await using at = startSink(feed, { topic, client });
    await feed.until(() => feed.drained);
    assert.equal(at.count("timestamp refused"), 1);
    assert.equal(at.count("unsure"), 0);
    await assertComplete(topic, { lanes: 1, count: 6 });
    const times = (await readTopic(topic)).map(({ timestamp }) => timestamp);
    assert.deepEqual(times, [now, now, -1, -1, now, now]);
  });

  Deno.test(`${name}: partitions that are added while it runs become lanes`, async () => {
    const topic = await createTopic({ name: topicName("out") });
    const feed = new MemoryFeed();
    feed.addNumbered(1, { rows: 2, each: 2 });
    await using _at = startSink(feed, { topic, refreshMs: 50, client });
    await feed.until(() => feed.drained);
    await addPartitions(topic, 3);
    await feed.until(() => feed.opened.at(-1)!.partitions === 3);
    feed.addNumbered(3, { rows: 2, each: 2, first: 4 });
    await feed.until(() => feed.drained);
    assert.deepEqual(await numbersIn(topic), [[0, 1, 2, 3, 4, 5, 6, 7], [4, 5, 6, 7], [
      4,
      5,
      6,
      7,
    ]]);
  });

  Deno.test(`${name}: a topic that is recreated while it runs gets what comes then`, async () => {
    const topic = await createTopic({ name: topicName("out") });
    const feed = new MemoryFeed();
    feed.addNumbered(1, { rows: 20, each: 2 });
    await using at = startSink(feed, { topic, refreshMs: 50, client });
    await feed.until(() => feed.drained);
    const before = feed.lanes()[0].topicId;
    await deleteTopic(topic); // the sink's own look at it makes it again: the broker does that by itself
    await at.until(() => at.lines.some(({ message }) => /recreated/.test(message)));
    feed.addNumbered(1, { rows: 3, each: 2, first: 40 });
    await feed.until(() => feed.drained);
    assert.notEqual(feed.lanes()[0].topicId, before);
    assert.equal(feed.lanes()[0].lastOffset, 5);
    assert.equal(at.count("unsure"), 0);
    assert.deepEqual(await numbersIn(topic), [[40, 41, 42, 43, 44, 45]]);
  });
}

Deno.test("a broker that goes away and comes back: nothing lost, nothing twice", async (t) => {
  using folder = tempFolder();
  await using broker = await startBroker({ dir: `${folder.path}/broker` });
  const { bootstrap } = broker;
  // output_faults_test.ts has all of this, and more, for @platformatic/kafka.
  for (const [name, client] of Object.entries({ kafkajs: clients.kafkajs })) {
    for (const how of ["stop", "kill"] as const) {
      await t.step(`${name}: ${how} while rows are sent`, async () => {
        const topic = await createTopic({ name: topicName("out"), partitions: 3 }, bootstrap);
        const feed = new MemoryFeed();
        feed.addNumbered(3, { rows: 1_000, each: 5 });
        await using at = startSink(feed, { topic, bootstrap, client });
        await feed.until(() => feed.acknowledged >= 1_000);
        await broker[how]();
        assert.ok(feed.acknowledged < 15_000, "it was too late to show anything");
        await at.until(() => at.count("failures") > 3);
        assert.equal(at.sink.state(), "error");
        await broker.start();
        await feed.until(() => feed.drained);
        await at.until(() => at.sink.state() === "connected");
        await assertComplete(topic, { lanes: 3, count: 5_000, bootstrap });
        assert.equal(at.count("unsure"), 0);
      });
    }

    await t.step(`${name}: a process killed in mid-flight, three times`, async () => {
      const topic = await createTopic({ name: topicName("out"), partitions: 2 }, bootstrap);
      const rows = 1_500;
      const { unsure } = await killedInFlight({
        bootstrap,
        topic,
        rows,
        until: [2_000, 5_000, 8_000],
        env: { TEST_KAFKA_CLIENT: name },
      });
      let twice = 0;
      for (const numbers of await numbersIn(topic, bootstrap)) {
        assertOrder(numbers);
        twice += duplicates(numbers, rows * 5);
      }
      assert.ok(twice > 0, "no kill hit a row in flight: the test shows nothing");
      assert.ok(twice <= unsure, `${twice} duplicates, ${unsure} were said to be unsure`);
    });
  }
});

Deno.test("from one client to the other and back: nothing lost, nothing taken for a loss", async () => {
  const topic = await createTopic({ name: topicName("out") });
  let states = new MemoryFeed().lanes();
  let first = 0;
  for (const name of ["platformatic", "kafkajs", "platformatic", "kafkajs"]) {
    const feed = new MemoryFeed(states.map((lane) => ({ ...lane, end: lane.acknowledged })));
    feed.addNumbered(1, { rows: 6, each: 5, first });
    await using at = startSink(feed, { topic, client: clients[name] });
    await feed.until(() => feed.drained);
    first += 30;
    states = feed.lanes();
    assert.equal(at.count("lost by broker"), 0, name);
    assert.equal(at.count("folder older than broker"), 0, name);
    // What waited while kafkajs was in use may have been sent by it, as far as the other can tell.
    const afterKafkajs = name === "platformatic" && first > 30;
    assert.equal(at.count("unsure"), afterKafkajs ? 30 : 0, name);
  }
  await assertComplete(topic, { lanes: 1, count: 120 });
});
