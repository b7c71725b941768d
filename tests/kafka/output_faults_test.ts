/** The sink against a broker of its own that stops, dies, forgets, and loses connections. */
import { Connection, describeProducersV0 } from "@platformatic/kafka";
import assert from "node:assert/strict";
import { startBroker } from "../../tools/broker.ts";
import { freePort } from "../../tools/ports.ts";
import { createTopic, topicName, topicOffsets } from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { MemoryFeed } from "./memory_feed.ts";
import { assertComplete, startSink } from "./output_sink.ts";
import { proxiedBroker } from "./proxied_broker.ts";
import { TcpProxy } from "./tcp_proxy.ts";
import { killedInFlight } from "./killed_output.ts";

const LANES = 3;

async function filledTopic(bootstrap: string, rows: number) {
  const topic = await createTopic({ name: topicName("out"), partitions: LANES }, bootstrap);
  const feed = new MemoryFeed();
  feed.addNumbered(LANES, { rows, each: 5 });
  return { topic, feed };
}

Deno.test("a broker that goes away and comes back: nothing lost, nothing twice", async (t) => {
  using folder = tempFolder();
  await using broker = await startBroker({
    dir: `${folder.path}/broker`,
    config: { "auto.create.topics.enable": false },
  });
  const { bootstrap } = broker;

  for (const how of ["stop", "kill"] as const) {
    await t.step(`${how} while rows are sent`, async () => {
      const { topic, feed } = await filledTopic(bootstrap, 1_000);
      await using at = startSink(feed, { topic, bootstrap });
      await feed.until(() => feed.acknowledged >= 1_500);
      await broker[how]();
      const seen = feed.acknowledged;
      assert.ok(seen < 15_000, "it was too late to show anything");
      await at.until(() => at.count("failures") > 5);
      assert.equal(at.sink.state(), "error");
      await broker.start();
      await feed.until(() => feed.drained);
      await at.until(() => at.sink.state() === "connected");
      assert.equal(at.count("unsure"), 0);
      assert.equal(at.count("new producer id"), LANES);
      const errors = at.lines.filter(({ level }) => level === "error");
      assert.ok(errors.length <= 10, `${errors.length} errors logged in one outage`);
      const again = at.lines.filter(({ message }) => /works again/.test(message));
      assert.ok(again.length <= 3, `${again.length} times "works again" after one outage`);
      await assertComplete(topic, { lanes: LANES, count: 5_000, bootstrap });
    });
  }

  await t.step("a broker that is away at the start, and a topic that isn't there", async () => {
    await broker.stop();
    const topic = topicName("out");
    const feed = new MemoryFeed();
    await using at = startSink(feed, { topic, bootstrap });
    await at.until(() => at.count("failures") >= 3);
    await broker.start();
    await at.until(() => at.lines.some(({ fields }) => /create it/.test(String(fields?.reason))));
    const before = at.count("failures");
    await at.until(() => at.count("failures") >= before + 3);
    const said = at.lines.filter(({ fields }) => /create it/.test(String(fields?.reason)));
    // A debug line at once, an error if it lasts: each of them once.
    const levels = said.map(({ level }) => level);
    assert.equal(new Set(levels).size, levels.length, levels.join());
    await createTopic({ name: topic, partitions: LANES }, bootstrap);
    feed.addNumbered(LANES, { rows: 3, each: 5 });
    await feed.until(() => feed.opened.length > 0 && feed.drained);
    await assertComplete(topic, { lanes: LANES, count: 15, bootstrap });
  });

  await t.step(
    "a process killed in mid-flight, three times: its identity outlives it",
    async () => {
      const topic = await createTopic({ name: topicName("out"), partitions: 2 }, bootstrap);
      const rows = 2_000;
      const until = [2_000, 7_000, 12_000];
      const { counts, unsure } = await killedInFlight({ bootstrap, topic, rows, until });
      assert.equal(unsure, 0);
      assert.equal(counts["new producer id"] ?? 0, 0);
      await assertComplete(topic, { lanes: 2, count: rows * 5, bootstrap });
    },
  );

  await t.step("a broker that forgets producers while the sink is idle, or away", async () => {
    await broker.restart({
      "producer.id.expiration.ms": 500,
      "producer.id.expiration.check.interval.ms": 100,
    });
    const { topic, feed } = await filledTopic(bootstrap, 20);
    {
      await using at = startSink(feed, { topic, bootstrap });
      await feed.until(() => feed.drained);
      await forgotten(topic, bootstrap);
      feed.addNumbered(LANES, { rows: 20, each: 5, first: 100 });
      await feed.until(() => feed.drained);
      assert.equal(at.count("unsure"), 0);
      await forgotten(topic, bootstrap);
    }
    await assertComplete(topic, { lanes: LANES, count: 200, bootstrap });

    // Rows that may have been on their way when the process died: sent again, and said so.
    const states = feed.lanes().map((state) => ({ ...state, acknowledged: 195, end: 195 }));
    const after = new MemoryFeed(states);
    after.addNumbered(LANES, { rows: 2, each: 5, first: 195 });
    await using at = startSink(after, { topic, bootstrap });
    await after.until(() => after.drained);
    assert.equal(at.count("unsure"), LANES * 10);
    assert.ok(at.lines.some(({ level, message }) => level === "warn" && /may have/.test(message)));
  });
});

/** Asks as an administrator would, until the broker's list of producers is empty. */
async function forgotten(topic: string, bootstrap: string): Promise<void> {
  const [host, port] = bootstrap.split(":");
  const connection = new Connection("test");
  await connection.connect(host, Number(port));
  try {
    for (;;) {
      const answer = await describeProducersV0.api.async(connection, [{
        name: topic,
        partitionIndexes: [0, 1, 2],
      }]);
      const { partitions } = answer.topics[0];
      if (partitions.every(({ activeProducers }) => activeProducers.length === 0)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await connection.close();
  }
}

Deno.test("connections that break: nothing lost, nothing twice", async (t) => {
  using folder = tempFolder();
  const [inner, outer] = [await freePort(), await freePort()];
  await using broker = await proxiedBroker(folder.path, { inner, outer });
  const { bootstrap } = broker;
  await using proxy = new TcpProxy({ port: outer, target: inner });

  await t.step("cut at any moment", async () => {
    const { topic, feed } = await filledTopic(bootstrap, 1_500);
    await using at = startSink(feed, { topic, bootstrap: `127.0.0.1:${outer}` });
    const random = seeded(1);
    for (let next = 500; next < 20_000; next += 500 + Math.floor(random() * 2_000)) {
      await feed.until(() => feed.acknowledged >= next);
      proxy.cut();
    }
    await feed.until(() => feed.drained);
    assert.ok(at.count("failures") > 0);
    assert.equal(at.count("unsure"), 0);
    assert.equal(at.count("new producer id"), LANES);
    await assertComplete(topic, { lanes: LANES, count: 7_500, bootstrap });
  });

  await t.step("cut after the broker has taken a request, before its answer arrives", async () => {
    const { topic, feed } = await filledTopic(bootstrap, 1_000);
    await using at = startSink(feed, { topic, bootstrap: `127.0.0.1:${outer}` });
    const random = seeded(2);
    for (let i = 0; i < 20 && !feed.drained; i++) {
      await proxy.cutInsteadOfAnswer(Math.floor(random() * 12));
    }
    await feed.until(() => feed.drained);
    assert.ok(at.count("sent again") + at.count("failures") > 0);
    assert.equal(at.count("unsure"), 0);
    await assertComplete(topic, { lanes: LANES, count: 5_000, bootstrap });
  });

  await t.step("a connection closed while nothing is to be sent is no failure", async () => {
    const { topic, feed } = await filledTopic(bootstrap, 10);
    await using at = startSink(feed, { topic, bootstrap: `127.0.0.1:${outer}`, refreshMs: 50 });
    await feed.until(() => feed.drained && feed.acknowledged > 0);
    const reconnected = proxy.nextClient(); // by the look at the topic: the cut was noticed
    proxy.cut();
    await reconnected;
    feed.addNumbered(LANES, { rows: 10, each: 5, first: 50 });
    await feed.until(() => feed.drained);
    const parts = at.lines.filter(({ level }) => level === "error").map(({ fields }) =>
      fields!.part
    );
    assert.ok(parts.every((part) => part === "topic"), `failing: ${parts}`);
    await assertComplete(topic, { lanes: LANES, count: 100, bootstrap });
  });

  await t.step("closing waits for what is in flight, until its deadline", async () => {
    for (const deadlineMs of [30_000, 300]) {
      const { topic, feed } = await filledTopic(bootstrap, 1);
      const at = startSink(feed, { topic, bootstrap: `127.0.0.1:${outer}` });
      await feed.until(() => feed.drained && feed.acknowledged > 0);
      const release = proxy.hold();
      feed.addNumbered(LANES, { rows: 1, each: 5, first: 5 });
      while ([...(await topicOffsets(topic, bootstrap)).values()].some(({ high }) => high < 10));
      const closing = at.sink.close(deadlineMs);
      if (deadlineMs < 1_000) await closing;
      release();
      await closing;
      assert.equal(feed.drained, deadlineMs > 1_000);
    }
  });

  await t.step("a leader that can't be reached: one lane at a time tries it", async () => {
    const lanes = 12;
    const topic = await createTopic({ name: topicName("out"), partitions: lanes }, bootstrap);
    const feed = new MemoryFeed();
    feed.addNumbered(lanes, { rows: 2, each: 5 });
    // The topic can be seen all the while, its leader is behind the proxy.
    await using at = startSink(feed, { topic, bootstrap: `127.0.0.1:${inner}` });
    await feed.until(() => feed.drained && feed.acknowledged > 0);
    proxy.refuses = true;
    proxy.refused.length = 0;
    proxy.cut();
    feed.addNumbered(lanes, { rows: 3, each: 5, first: 10 });
    await at.until(() => proxy.refused.length >= 7);
    const pauses = proxy.refused.slice(2).map((time, i) => time - proxy.refused[1 + i]);
    assert.ok(pauses.every((pause) => pause > 90), pauses.join());
    assert.ok(pauses.at(-1)! > 800, pauses.join());
    proxy.refuses = false;
    await feed.until(() => feed.drained);
    assert.equal(at.count("unsure"), 0);
    assert.equal(at.sink.state(), "connected");
    await assertComplete(topic, { lanes, count: 25, bootstrap });
  });

  await t.step("a request that arrives after the same rows were sent again", async () => {
    const { topic, feed } = await filledTopic(bootstrap, 3);
    const stranded = proxy.strandProduce(); // the first one: the broker doesn't know the producer
    await using at = startSink(feed, { topic, bootstrap: `127.0.0.1:${outer}` });
    const deliver = await stranded;
    await feed.until(() => feed.drained);
    await deliver();
    await assertComplete(topic, { lanes: LANES, count: 15, bootstrap });
    feed.addNumbered(LANES, { rows: 3, each: 5, first: 15 });
    await feed.until(() => feed.drained);
    assert.equal(at.count("unsure"), 0);
    await assertComplete(topic, { lanes: LANES, count: 30, bootstrap });
  });

  await t.step("the first batch under a new producer id gets no answer", async () => {
    for (let answers = 0; answers < 12; answers++) {
      const { topic, feed } = await filledTopic(bootstrap, 4);
      void proxy.cutInsteadOfAnswer(answers);
      await using at = startSink(feed, { topic, bootstrap: `127.0.0.1:${outer}` });
      await feed.until(() => feed.drained && feed.acknowledged > 0);
      assert.equal(at.count("unsure"), 0);
      await assertComplete(topic, { lanes: LANES, count: 20, bootstrap });
    }
  });
});

/** mulberry32: the same numbers in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
}
