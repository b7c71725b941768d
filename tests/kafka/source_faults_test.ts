import assert from "node:assert/strict";
import { createKafkaSource } from "../../src/kafka/source.ts";
import type { Log, RecordBatch } from "../../src/pipeline/ports.ts";
import { openStore } from "../../src/store/open.ts";
import { startBroker } from "../../tools/broker.ts";
import { freePort } from "../../tools/ports.ts";
import { broker, client, createTopic, deleteTopic, produce, topicName } from "../harness/kafka.ts";
import { Program } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { clientInUse, clientVariable } from "./client_in_use.ts";
import { coordinatorAnswers, Reader } from "./reader.ts";

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

function values(from: number, to: number): { value: string; partition: number }[] {
  return Array.from({ length: to - from }, (_, i) => ({ value: String(from + i), partition: 0 }));
}

function texts(from: number, to: number): string[] {
  return values(from, to).map(({ value }) => value);
}

async function deleteRecords(topic: string, below: number): Promise<void> {
  const admin = client().admin();
  await admin.connect();
  await admin.fetchTopicOffsets(topic); // without this kafkajs doesn't know the topic's leader
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(below) }] });
  await admin.disconnect();
}

Deno.test("a broker that is away at the start, comes, goes and comes again", async () => {
  using folder = tempFolder();
  const port = await freePort();
  const bootstrap = `127.0.0.1:${port}`;
  const topic = topicName("faults");
  await using reader = new Reader({ topic, group: topic, dir: `${folder.path}/data`, bootstrap });
  assert.equal(reader.source.state(), "connecting");
  await reader.until("a failure", () => reader.source.state() === "error");
  await using own = await startBroker({ port, dir: `${folder.path}/broker` });
  await createTopic({ name: topic }, bootstrap);
  await produce(topic, values(0, 100), { bootstrap });
  await reader.untilRead(100);
  assert.equal(reader.source.state(), "connected");
  for (const [round, end] of [["stop", "stop"], ["kill", "kill"]] as const) {
    await own[end]();
    await reader.until(`a failure (${round})`, () => reader.source.state() === "error");
    await own.start();
    const open = performance.now();
    const from = reader.records.length;
    await produce(topic, values(from, from + 100), { bootstrap });
    await reader.untilRead(from + 100);
    console.log(
      `read ${Math.round(performance.now() - open)} ms after the broker's start (${round})`,
    );
  }
  assert.deepEqual(reader.values(), texts(0, 300));
  // Each outage is told once, not at each try: the three of this test have few causes each.
  assert.ok(reader.logged("failing").length <= 15, JSON.stringify(reader.logged("failing")));
  await reader.until("well again", () => reader.source.state() === "connected");
});

Deno.test("a topic that comes later is found", async () => {
  using folder = tempFolder();
  const topic = topicName("faults");
  // A broker that has just started would be missed for its coordinator first.
  await coordinatorAnswers();
  await using reader = new Reader({ topic, group: topic, dir: folder.path });
  await reader.until("word of it", () => reader.logged("failing").length > 0);
  await createTopic({ name: topic });
  await produce(topic, values(0, 10));
  await reader.untilRead(10);
  const told = reader.logged("failing").map(({ fields }) => fields.reason);
  assert.ok(told.some((reason) => String(reason).includes(`Unknown topic ${topic}`)), String(told));
});

Deno.test("a recreated topic starts at its first offset, with ids of its own", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("faults") });
  await produce(topic, values(0, 50));
  await using reader = new Reader({ topic, group: topic, dir: folder.path, topicLookMs: 100 });
  await reader.untilRead(50);
  await deleteTopic(topic);
  await createTopic({ name: topic, partitions: 2 });
  await produce(topic, values(50, 60));
  await produce(topic, [{ value: "60", partition: 1 }]);
  await reader.untilRead(61);
  assert.deepEqual(reader.values(0), texts(0, 60));
  assert.equal(reader.records[50].id, `${topic}~1-0-0`);
  assert.deepEqual(reader.values(1), ["60"]);
  const recreated = reader.store.jumps().get("topic recreated");
  assert.ok(recreated === 1 || recreated === 2, String(recreated));
  await reader.close();
  await produce(topic, values(61, 62));
  await using again = new Reader({ topic, group: topic, dir: folder.path });
  await again.untilRead(1);
  assert.deepEqual(again.records.map(({ id }) => id), [`${topic}~1-0-10`]);
});

Deno.test("retention has overtaken the position while the engine was down", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("faults") });
  await produce(topic, values(0, 10));
  await using first = new Reader({ topic, group: topic, dir: folder.path });
  await first.untilRead(10);
  await first.close();
  await produce(topic, values(10, 100));
  await deleteRecords(topic, 60);
  await using second = new Reader({ topic, group: topic, dir: folder.path });
  await second.untilRead(40);
  assert.deepEqual(second.values(), texts(60, 100));
  assert.equal(second.store.jumps().get("offset out of range"), 1);
  assert.equal(second.store.skippedRecords(), 50);
  const { todo, ...fields } = second.logged("retention")[0].fields;
  assert.match(String(todo), /retention/);
  assert.deepEqual(fields, {
    topic,
    partition: 0,
    from: 10,
    to: 60,
    gap: 50,
  });
});

/** A reader that has read ten records and is away while retention removes up to the sixtieth of a hundred. */
async function overtaken(dir: string, partitions = 1): Promise<string> {
  const topic = await createTopic({ name: topicName("faults"), partitions });
  await produce(topic, values(0, 10));
  await using first = new Reader({ topic, group: topic, dir });
  await first.untilRead(10);
  await first.close();
  await produce(topic, values(10, 100));
  await deleteRecords(topic, 60);
  return topic;
}

Deno.test("out of range, latest: reading goes on after the last record, the gap is counted", async () => {
  using folder = tempFolder();
  const topic = await overtaken(folder.path);
  await using reader = new Reader({ topic, group: topic, dir: folder.path, outOfRange: "latest" });
  await reader.until("the jump", () => reader.logged("retention").length > 0);
  await produce(topic, values(100, 110));
  await reader.untilRead(10);
  assert.deepEqual(reader.values(), texts(100, 110));
  const { from, to, gap } = reader.logged("retention")[0].fields;
  assert.deepEqual([from, to, gap], [10, 100, 90]);
  assert.equal(reader.store.skippedRecords(), 90);
});

Deno.test("out of range, stop: the partition waits for people, the others go on", async () => {
  using folder = tempFolder();
  const topic = await overtaken(folder.path, 2);
  await using reader = new Reader({ topic, group: topic, dir: folder.path, outOfRange: "stop" });
  const told = () => reader.logged("isn't read").map(({ level }) => level);
  await reader.until("the stop", () => told().length > 0);
  await produce(topic, [{ value: "other", partition: 1 }]);
  await reader.untilRead(1);
  assert.deepEqual(reader.values(), ["other"]);
  assert.match(
    reader.source.stopped()!,
    /OFFSET_OUT_OF_RANGE.*partition 0 \(records from 10 to 60/,
  );
  assert.equal(reader.source.counts().stopped, 1);
  assert.deepEqual([...reader.source.lag().keys()], [1]);
  assert.equal(reader.store.skippedRecords(), 0);
  // It is met again after each rebalance.
  reader.source.reset();
  await reader.until("the stop again", () => told().length > 1);
  assert.deepEqual(told(), ["error", "debug"]);
  await reader.close();
  await using decided = new Reader({ topic, group: topic, dir: folder.path });
  await decided.untilRead(40);
  assert.deepEqual(decided.values(), texts(60, 100));
  assert.equal(decided.source.stopped(), undefined);
});

Deno.test("the group's offsets have expired: the positions in the store count", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("faults") });
  await produce(topic, values(0, 10));
  await using first = new Reader({ topic, group: topic, dir: folder.path });
  await first.untilRead(10);
  await first.close();
  const admin = client().admin();
  await admin.connect();
  await admin.deleteGroups([topic]);
  await admin.disconnect();
  await produce(topic, values(10, 20));
  await using second = new Reader({ topic, group: topic, dir: folder.path });
  await second.untilRead(10);
  assert.deepEqual(second.values(), texts(10, 20));
  assert.deepEqual([...second.store.jumps()], [["first start", 1]]);
});

Deno.test("retention overtakes a position whose batch isn't committed yet", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("faults"), partitions: 2 });
  await produce(topic, values(0, 10));
  const store = openStore({ dir: folder.path, log: silent, now: Date.now });
  const source = createKafkaSource({
    brokers: [broker()],
    clientId: "test",
    client: clientInUse().source,
    group: topic,
    topic,
    positions: store.positions,
    log: silent,
    now: Date.now,
    wallClock: Date.now,
  });
  const producer = client().producer({ transactionalId: topic, maxInFlightRequests: 1 });
  await producer.connect();
  try {
    source.start();
    const [first] = (await source.next())!;
    assert.deepEqual([first.asked, first.end], [0, 10]);
    // Records that a reader can't see yet, so that no fetch brings them before they are deleted.
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: values(10, 100) });
    await deleteRecords(topic, 60);
    await transaction.commit();
    const rounds: RecordBatch[] = [];
    while (rounds.length < 10) {
      await produce(topic, [{ value: "other", partition: 1 }]);
      rounds.push(...(await source.next())!);
    }
    assert.ok(rounds.every(({ source }) => source.partition === 1), "the first batch comes first");
    assert.equal(store.jumps().get("offset out of range"), undefined);
    assert.ok(store.transact((tx) => tx.advance(first.source, first.asked, first.end)));
    source.committed([first]);
    const [second] = (await source.next())!;
    assert.deepEqual([second.asked, second.offset(0), second.length], [60, 60, 40]);
    assert.equal(store.positions.next(first.source), 60);
    assert.equal(store.jumps().get("offset out of range"), 1);
  } finally {
    await producer.disconnect();
    await source.close(10_000);
    store.close();
  }
});

Deno.test("after kill -9 the dead member's place is left before joining", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("faults") });
  await produce(topic, values(0, 10));
  const script = new URL("./killed_reader.ts", import.meta.url).pathname;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  await using killed = new Program(
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--config", config, script, topic, topic, folder.path],
      env: clientVariable(),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  await killed.line("read 10");
  await killed.kill("SIGKILL");
  await produce(topic, values(10, 20));
  const start = performance.now();
  await using reader = new Reader({ topic, group: topic, dir: folder.path });
  await reader.untilRead(10);
  const ms = Math.round(performance.now() - start);
  console.log(`first records ${ms} ms after the restart`);
  // Without leaving, the group waits for the dead member's session of 10 s.
  assert.ok(ms < 6_000, `${ms} ms`);
  assert.deepEqual(reader.values(), texts(10, 20));
});
