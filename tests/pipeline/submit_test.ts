import assert from "node:assert/strict";
import { type RecordSource, StoreUnavailable } from "../../src/pipeline/ports.ts";
import { PARITY } from "../core/result_twin.ts";
import { tempFolder } from "../harness/temp.ts";
import { assertCounted, encoder, journalled, reading, rig, START, topicOf } from "./ingest_rig.ts";
import { InputTopic } from "./log_source.ts";
import { startNode } from "./node.ts";

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
