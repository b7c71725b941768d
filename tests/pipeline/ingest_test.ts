import assert from "node:assert/strict";
import { StoreUnavailable } from "../../src/pipeline/ports.ts";
import { PARITY, PlainEngine } from "../core/result_twin.ts";
import {
  assertCounted,
  encoder,
  idsIn,
  idsOf,
  journalled,
  reading,
  resultIds,
  rig,
  START,
  topicOf,
} from "./ingest_rig.ts";
import { batchOf, InputTopic } from "./log_source.ts";

Deno.test("readings become journal rows, dead letters, counters and positions in one commit", async () => {
  const topic = new InputTopic(2);
  topic.partitions[0] = [reading("a", 99), encoder.encode("nonsense"), null];
  topic.partitions[1] = [new Uint8Array(200).fill(0x20), reading("b", 1)];
  using node = rig(topic, { maxReadingBytes: 150 });
  node.output!.open({ topicId: "out", partitions: 3 });
  const before = node.store.commits;
  await node.ingest.run();
  assert.equal(node.store.commits, before + 1);
  assert.deepEqual(resultIds(node).sort(), ["in-0-0", "in-1-1"]);
  assertCounted(node, { read: 5, results: 2, rejected: 3 });
  const letters = node.store.deadLetters({ limit: 10 }).map((
    { id, topic, partition, offset, time, reason, bytes },
  ) => ({ id, topic, partition, offset, time, reason, bytes }));
  assert.deepEqual(letters, [
    {
      id: "in-0-1",
      topic: "in",
      partition: 0,
      offset: 1,
      time: START,
      reason: `not JSON: Unexpected token 'o', "nonsense" is not valid JSON`,
      bytes: encoder.encode("nonsense"),
    },
    {
      id: "in-0-2",
      topic: "in",
      partition: 0,
      offset: 2,
      time: START,
      reason: "reading: expected a JSON object, got null (a tombstone)",
      bytes: null,
    },
    {
      id: "in-1-0",
      topic: "in",
      partition: 1,
      offset: 0,
      time: START,
      reason: "reading: expected at most 150 bytes, got 200",
      bytes: new Uint8Array(200).fill(0x20),
    },
  ]);
  assert.equal(node.store.positions.next(topic.ref(0)), 3);
  assert.equal(node.store.positions.next(topic.ref(1)), 2);
  assert.deepEqual([...node.source.told], [[0, 3], [1, 2]]);
});

Deno.test("a batch without readings moves the position", async () => {
  const topic = new InputTopic(1);
  using node = rig(topic);
  const fetches = [[batchOf([], { topic, partition: 0, asked: 0, end: 17 })]];
  const { source: log } = node;
  log.next = () => Promise.resolve(fetches.shift() ?? null);
  await node.ingest.run();
  assert.equal(node.store.positions.next(topic.ref(0)), 17);
  assert.deepEqual([...log.told], [[0, 17]]);
  assertCounted(node, { read: 0 });
});

Deno.test("a position that is elsewhere: nothing is applied, the source starts again from the store", async () => {
  const topic = topicOf(2, 12);
  using node = rig(topic);
  // Partition 1 was moved on behind the source's back: its batch isn't ours, nor is the whole fetch.
  node.store.positions.jump(topic.ref(1), 2, "committed by another member");
  await node.ingest.run();
  assert.equal(node.source.resets, 1);
  const ids = ["in-0-0", "in-0-1", "in-0-2", "in-0-3", "in-0-4", "in-0-5"];
  assert.deepEqual(
    resultIds(node).sort(),
    [...ids, "in-1-2", "in-1-3", "in-1-4", "in-1-5"],
  );
  assertCounted(node, { read: 10 });
  assert.deepEqual(idsOf(node), idsOf(node).map((_, i) => i + 1), "ids without a gap");
  assert.equal(node.totals().temperature.count, 10);
});

Deno.test("a partition that was lost between fetch and commit is left alone, the others are taken", async () => {
  const topic = topicOf(2, 8);
  using node = rig(topic);
  const fetched = (await node.source.next())!;
  const rest = [fetched];
  node.source.next = () => Promise.resolve(rest.shift() ?? null);
  node.source.owns = (batch) => batch.source.partition === 0;
  await node.ingest.run();
  assert.deepEqual(resultIds(node), ["in-0-0", "in-0-1", "in-0-2", "in-0-3"]);
  assert.equal(node.store.positions.next(topic.ref(1)), 0);
});

for (const [where, fault] of [["BEGIN", "failingBegins"], ["COMMIT", "failingCommits"]] as const) {
  Deno.test(`a store that fails at ${where}: the same rows are committed later, once`, async () => {
    const topic = topicOf(3, 30);
    using calm = rig(topic, { fetchSize: 3 });
    await calm.ingest.run();
    using node = rig(topic, { fetchSize: 3 });
    node.store[fault] = 3;
    await node.ingest.run();
    assert.equal(node.store[fault], 0);
    assert.deepEqual(journalled(node), journalled(calm));
    assert.deepEqual(idsOf(node), idsOf(calm));
    assertCounted(node, { read: 30 });
    assert.deepEqual(node.totals(), calm.totals());
    for (let i = 0; i < 5; i++) {
      assert.deepEqual(node.device("default", `d${i}`), calm.device("default", `d${i}`));
    }
    assert.equal(node.source.resets, 0);
    assert.equal(node.ingest.unavailableSince, 0);
  });
}

Deno.test("nobody else gets journal ids while a batch waits for its commit", async () => {
  const topic = topicOf(1, 5);
  using node = rig(topic, { fetchSize: 5 });
  node.store.failingCommits = 1;
  let refused: unknown;
  node.store.onFailure = () => {
    try {
      node.output!.open({ topicId: "out", partitions: 2 });
    } catch (error) {
      refused = error;
    }
  };
  await node.ingest.run();
  assert.ok(refused instanceof StoreUnavailable);
  assert.deepEqual(idsOf(node), [1]);
  node.output!.open({ topicId: "out", partitions: 2 });
  assert.equal(node.output!.laneCount, 2);
});

Deno.test("ownership lost while the commit is tried again: memory is rebuilt, nothing is counted", async () => {
  const topic = topicOf(2, 40);
  using node = rig(topic, { fetchSize: 5 });
  const commits = node.store.transact.bind(node.store);
  let batches = 0;
  node.store.transact = (work) => {
    if (++batches === 3) node.store.failingCommits = 2;
    return commits(work);
  };
  node.store.onFailure = () => {
    node.store.onFailure = () => {};
    node.source.lose(1);
  };
  await node.ingest.run();
  assert.equal(node.source.resets, 1);
  // Two fetches were committed with both partitions; the third's share of partition 0 came later.
  assert.equal(node.store.positions.next(topic.ref(0)), 20);
  assert.equal(node.store.positions.next(topic.ref(1)), 10);
  assertCounted(node, { read: 30 });
  assert.deepEqual(idsOf(node), idsOf(node).map((_, i) => i + 1));
  node.source.regain(1);
  await node.ingest.run();
  assert.deepEqual(resultIds(node).sort(), idsIn(topic).sort());
  assertSameAsAfterRestart(node, topic);
});

Deno.test("a device that can't be read in the middle of a batch: nothing is counted twice", async () => {
  const topic = topicOf(1, 40);
  // Every batch finds its devices put away.
  using node = rig(topic, { fetchSize: 10, maxFleetBytes: 1 });
  const commits = node.store.transact.bind(node.store);
  let batches = 0;
  node.store.transact = (work) => {
    if (++batches === 4) {
      node.store.failingLoads = 1;
      node.store.loadsBefore = 3;
    }
    return commits(work);
  };
  await node.ingest.run();
  assert.equal(node.store.failingLoads, 0, "a test of nothing otherwise");
  assertCounted(node, { read: 40 });
  assertSameAsAfterRestart(node, topic);
});

/** State in memory is what a fresh start makes of the store, and what the twin makes of the journal. */
function assertSameAsAfterRestart(node: ReturnType<typeof rig>, topic: InputTopic): void {
  const totals = node.totals();
  const devices = Array.from({ length: 5 }, (_, i) => node.device("default", `d${i}`));
  node.state.rebuild();
  assert.deepEqual(node.totals(), totals);
  devices.forEach((device, i) => assert.deepEqual(node.device("default", `d${i}`), device));
  const twin = new PlainEngine({ settings: () => PARITY, maxReadings: 4 });
  for (const values of topic.partitions) {
    for (const value of values) twin.apply(value!, { id: "", time: START });
  }
  for (const [key, plain] of twin.devices) {
    const [tenant, id] = JSON.parse(key);
    assert.equal(
      node.device(tenant, id)!.temperature.count,
      plain.metrics.get("temperature")!.length,
    );
  }
}
