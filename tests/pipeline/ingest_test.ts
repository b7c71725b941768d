import assert from "node:assert/strict";
import { type RecordSource, StoreUnavailable } from "../../src/pipeline/ports.ts";
import { decodeRecords, textOf } from "../core/record_twin.ts";
import { PARITY, PlainEngine } from "../core/result_twin.ts";
import { tempFolder } from "../harness/temp.ts";
import { batchOf, InputTopic, LogSource } from "./log_source.ts";
import { type Node, type NodeOptions, startNode } from "./node.ts";

const encoder = new TextEncoder();
const START = 1_770_000_000_000;

function reading(device: string, temperature: number): Uint8Array {
  return encoder.encode(JSON.stringify({ device_id: device, temperature, humidity: 50 }));
}

function topicOf(partitions: number, records: number): InputTopic {
  const topic = new InputTopic(partitions);
  for (let i = 0; i < records; i++) {
    topic.partitions[i % partitions].push(reading(`d${i % 5}`, i));
  }
  return topic;
}

/** A node with a source over this topic, in a folder of its own. */
function rig(
  topic: InputTopic,
  { fetchSize, ...options }: Partial<NodeOptions> & { fetchSize?: number } = {},
) {
  const folder = tempFolder();
  let source!: LogSource;
  const node = startNode({
    dir: folder.path,
    clock: { time: START },
    ...options,
    source: (store) => source = new LogSource(topic, { store, fetchSize: () => fetchSize ?? 4 }),
  });
  return {
    ...node,
    source,
    [Symbol.dispose]() {
      node.crash();
      folder[Symbol.dispose]();
    },
  };
}

/** What stands in the journal, in order. */
function journalled(node: Pick<Node, "store">): string[] {
  return node.store.journal.resultRows(0, Infinity).flatMap((row) =>
    decodeRecords(row).map(({ value }) => textOf(value))
  );
}

function idsOf(node: Pick<Node, "store">): number[] {
  return node.store.journal.resultRows(0, Infinity).map(({ id }) => id);
}

/** Ids and values of what a topic makes, partition by partition. */
function expected(topic: InputTopic): string[] {
  return topic.partitions.flatMap((values, partition) =>
    values.map((_, offset) => `in-${partition}-${offset}`)
  );
}

function resultIds(node: Pick<Node, "store">): string[] {
  return journalled(node).map((value) => JSON.parse(value).id);
}

/** Invariant 5, and that memory knows what the store knows. */
function assertCounted(
  node: Pick<Node, "store" | "state">,
  counts: { read: number; results?: number; rejected?: number; sampledOut?: number },
): void {
  const { read, results = read, rejected = 0, sampledOut = 0 } = counts;
  const all = { read, results, rejected, sampledOut, dropped: 0, passedOn: 0 };
  assert.deepEqual(node.store.counters(), all);
  assert.deepEqual(node.state.counters, all);
}

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
    { sequence: _, storedAt: __, ...it },
  ) => it);
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
  assert.deepEqual(resultIds(node).sort(), expected(topic).sort());
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

Deno.test("a device that can't be read for a submitted reading: it is taken once, later", async () => {
  using node = rig(new InputTopic(1), { maxFleetBytes: 1 });
  await Promise.all(["a", "b"].map((id) => node.ingest.submit(reading(id, 1))));
  node.store.failingLoads = 1;
  node.store.loadsBefore = 1;
  const outcomes = await Promise.all(["a", "b"].map((id) => node.ingest.submit(reading(id, 3))));
  assert.equal(node.store.failingLoads, 0);
  assert.deepEqual(outcomes.map(({ kind }) => kind), ["result", "result"]);
  assertCounted(node, { read: 4 });
  for (const id of ["a", "b"]) assert.equal(node.device("default", id)!.temperature.sum, 4);
  assert.equal(node.totals().temperature.count, 4);
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

Deno.test("submitted readings: every outcome, many share one commit, ids are theirs", async () => {
  const settings = (tenant: string) => ({ ...PARITY, sampling: tenant === "none" ? 0 : 1 });
  using node = rig(new InputTopic(1), { settings, maxReadingBytes: 300 });
  node.output!.open({ topicId: "out", partitions: 2 });
  const commits = node.store.commits;
  const bodies = [
    reading("a", 20),
    encoder.encode('{"device_id":"a","temperature":"hot"}'),
    encoder.encode('{"device_id":"a","tenant_id":"none"}'),
    new Uint8Array(301),
    ...Array.from({ length: 100 }, (_, i) => reading(`d${i}`, i)),
  ];
  const outcomes = await Promise.all(bodies.map((body) => node.ingest.submit(body)));
  assert.equal(node.store.commits, commits + 1);
  const kinds = outcomes.map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(0, 4), ["result", "rejected", "sampled out", "rejected"]);
  assert.ok(kinds.slice(4).every((kind) => kind === "result"));
  assert.deepEqual(outcomes[1], {
    kind: "rejected",
    reason: 'temperature: expected a number, got the string "hot"',
  });
  assert.deepEqual(outcomes[3], {
    kind: "rejected",
    reason: "reading: expected at most 300 bytes, got 301",
  });
  const values = outcomes.flatMap((outcome) => outcome.kind === "result" ? [outcome.value] : []);
  assert.deepEqual(values.toSorted(), journalled(node).sort());
  assert.equal(new Set(values.map((value) => JSON.parse(value).id)).size, 101);
  assert.equal(JSON.parse(values[0]).device_id, "a");
  assertCounted(node, { read: 104, results: 101, rejected: 2, sampledOut: 1 });
});

Deno.test("a submitted reading whose commit fails is answered when it is committed", async () => {
  using node = rig(new InputTopic(1));
  node.store.failingCommits = 2;
  const outcome = await node.ingest.submit(reading("a", 20));
  assert.equal(outcome.kind, "result");
  assert.equal(node.store.failingCommits, 0);
  assertCounted(node, { read: 1 });
});

Deno.test("while the store can't be written, nothing more is submitted", async () => {
  using node = rig(new InputTopic(1));
  node.store.failingCommits = 1;
  let late: Promise<unknown> | undefined;
  node.store.onFailure = () => {
    late = node.ingest.submit(reading("b", 20));
    late.catch(() => {});
  };
  await node.ingest.submit(reading("a", 20));
  await assert.rejects(late!, StoreUnavailable);
  assert.equal((await node.ingest.submit(reading("b", 20))).kind, "result");
  assertCounted(node, { read: 2 });
});

Deno.test("a full backlog refuses submitted readings, with Kafka or without", async () => {
  for (const source of [undefined, () => null as unknown as RecordSource]) {
    const folder = tempFolder();
    const node = startNode({
      dir: folder.path,
      clock: { time: START },
      maxBacklogBytes: 5000,
      storage: true,
      source,
    });
    let taken = 0;
    await assert.rejects(async () => {
      for (; taken < 100; taken++) await node.ingest.submit(reading("a", taken));
    }, /backlog is full/);
    assert.ok(taken > 5 && taken < 20, `${taken} were taken`);
    assert.equal(node.state.counters.read, taken);
    node.crash();
    folder[Symbol.dispose]();
  }
});

Deno.test("a full backlog pauses reading until there is room, and nobody has to come by for it", async () => {
  const topic = topicOf(1, 60);
  const clock = { time: START };
  using node = rig(topic, { fetchSize: 10, maxBacklogBytes: 4000, clock, output: false });
  let finished = false;
  const reading = node.ingest.run().then(() => finished = true);
  // No sink: only the checkpoint keeps rows back.
  for (let turn = 0; !finished; turn++) {
    assert.ok(turn < 1000, "it stands still for ever");
    clock.time += 6000;
    node.ingest.maintain();
    await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 1))]);
  }
  assertCounted(node, { read: 60 });
});

Deno.test("stopping: what was submitted is committed, nothing more is taken", async () => {
  using node = rig(new InputTopic(1));
  const submitted = node.ingest.submit(reading("a", 20));
  const stopped = node.ingest.stop();
  await assert.rejects(node.ingest.submit(reading("b", 20)), /stopping/);
  await stopped;
  assert.equal((await submitted).kind, "result");
  assertCounted(node, { read: 1 });
});

Deno.test("stopping with a full disk ends, and leaves no trace of what wasn't committed", async () => {
  const topic = topicOf(1, 10);
  using node = rig(topic, { fetchSize: 5 });
  const commits = node.store.transact.bind(node.store);
  let batches = 0;
  node.store.transact = (work) => {
    if (++batches === 2) node.store.failingCommits = Infinity;
    return commits(work);
  };
  const failed = new Promise<void>((resolve) => node.store.onFailure = resolve);
  const reading = node.ingest.run();
  await failed;
  await node.ingest.stop();
  await reading;
  assert.equal(node.store.positions.next(topic.ref(0)), 5);
  node.store.failingCommits = 0;
  node.ingest.checkpointAll();
  assertCounted(node, { read: 5 });
  assert.equal(node.totals().temperature.count, 5);
  node.state.rebuild();
  assert.equal(node.totals().temperature.count, 5);
});

Deno.test("stopping with a full disk refuses what was submitted", async () => {
  using node = rig(new InputTopic(1));
  node.store.failingCommits = Infinity;
  const submitted = node.ingest.submit(reading("a", 20));
  const refused = assert.rejects(submitted, StoreUnavailable);
  await node.ingest.stop();
  await refused;
  node.store.failingCommits = 0;
  node.ingest.checkpointAll();
  assertCounted(node, { read: 0 });
  assert.equal(node.device("default", "a"), undefined);
  assert.equal(node.totals().temperature.count, 0);
});
