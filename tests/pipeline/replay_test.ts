import assert from "node:assert/strict";
import { RecordReader } from "../../src/core/record.ts";
import { BacklogFull, type DeadLetter, StoreUnavailable } from "../../src/pipeline/ports.ts";
import { LetterDesk, markingReplayer } from "../../src/pipeline/letter_desk.ts";
import { decodeRecords, textOf } from "../core/record_twin.ts";
import { PARITY } from "../core/result_twin.ts";
import { tempFolder } from "../harness/temp.ts";
import { assertCounted } from "./ingest_rig.ts";
import { type Node, type NodeOptions, startNode } from "./node.ts";

const encoder = new TextEncoder();
const LONG = `{"device_id":"long","temperature":20,"note":"${"x".repeat(200)}"}`;
const DRY = { dryRun: true };
const DO = { dryRun: false };

function rig(options: Partial<NodeOptions> = {}) {
  const folder = tempFolder();
  const clock = { time: 1.7e12 };
  const start = (more: Partial<NodeOptions> = {}) =>
    startNode({
      dir: folder.path,
      clock,
      storage: true,
      maxReadingBytes: 100,
      ...options,
      ...more,
    });
  let node = start();
  return {
    clock,
    get node(): Node {
      return node;
    },
    /** As after SIGKILL, with other settings. */
    restart(more: Partial<NodeOptions> = {}): Node {
      node.crash();
      return node = start(more);
    },
    letters(): DeadLetter[] {
      return node.store.deadLetters({ limit: 999 });
    },
    submit(body: string) {
      return node.ingest.submit(encoder.encode(body));
    },
    [Symbol.dispose]() {
      node.crash();
      folder[Symbol.dispose]();
    },
  };
}

/** All that goes out of the output topic's lanes now, and is acknowledged. */
function sent(node: Node) {
  return node.output!.lanes().flatMap(({ lane }) => {
    const records = [];
    for (let row; (row = node.output!.take(lane)) !== undefined;) {
      records.push(...decodeRecords(row).map((record) => ({ ...record, lane })));
      node.output!.acknowledge(lane, row.baseSequence + row.count, -1);
    }
    return records;
  });
}

/** All that goes to the storage service now; the first `refused` results are refused, the rest is stored. */
function posted(node: Node, refused = 0): string[] {
  const values: string[] = [];
  for (let taken; (taken = node.storage!.take()) !== undefined;) {
    const { row, from } = taken;
    const records = new RecordReader(row);
    while (records.next()) {
      if (records.index - 1 < from) continue;
      const text = (from: number, to: number) => textOf(row.body.subarray(from, to));
      const bytes = row.body.subarray(records.valueStart, records.valueEnd);
      if (refused-- > 0) {
        node.storage!.refuse({
          id: text(records.idStart, records.idEnd),
          sink: "storage",
          tenant: text(records.tenantStart, records.tenantEnd),
          time: row.time,
          reason: "status 422",
          status: 422,
          answer: "no",
          attempts: 1,
          bytes,
        }, { row: row.id, record: records.index - 1 });
      } else values.push(textOf(bytes));
      node.storage!.acknowledge(row.id, records.index);
    }
  }
  return values;
}

Deno.test("a rejected reading that is replayed is read once more, by the settings of now, under its id", async () => {
  using it = rig();
  await it.submit(LONG);
  const [letter] = it.letters();
  assertCounted(it.node, { read: 1, results: 0, rejected: 1 });

  it.restart({ maxReadingBytes: 1000 });
  const done = await it.node.letters.replay({ sequences: [letter.sequence] }, DO);
  assert.deepEqual([done.matched, done.done, done.rejected, done.left], [1, 1, 0, 0]);
  assertCounted(it.node, { read: 2, results: 1, rejected: 1 });
  assert.deepEqual(it.letters(), []);
  it.restart();
  assertCounted(it.node, { read: 2, results: 1, rejected: 1 });
  assert.equal(it.node.device("default", "long")!.temperature.count, 1);
  it.node.output!.open({ topicId: "t", partitions: 1 });
  const [record] = sent(it.node);
  assert.equal(JSON.parse(textOf(record.value)).id, letter.id);
  assert.deepEqual(posted(it.node), [textOf(record.value)]);
});

Deno.test("one that is rejected again is a dead letter again: a new number and reason, all else as it was", async () => {
  using it = rig();
  it.node.store.transact((tx) =>
    tx.reject({
      id: "in-3-7",
      topic: "in",
      partition: 3,
      offset: 7,
      time: 1,
      reason: "old",
      bytes: encoder.encode("{}"),
    })
  );
  it.clock.time += 5000;
  const done = await it.node.letters.replay({ filter: {} }, DO);
  assert.deepEqual([done.matched, done.done, done.rejected], [1, 1, 1]);
  const [{ sequence, id, topic, partition, offset, reason, storedAt, bytes }, ...rest] = it
    .letters();
  assert.deepEqual(rest, []);
  assert.deepEqual([sequence, id, topic, partition, offset], [2, "in-3-7", "in", 3, 7]);
  assert.match(reason, /^device_id: /);
  assert.equal(storedAt, it.clock.time);
  assert.deepEqual(bytes, encoder.encode("{}"));
  assertCounted(it.node, { read: 1, results: 0, rejected: 1 });
});

Deno.test("a replayed reading may be sampled out", async () => {
  using it = rig();
  await it.submit(LONG);
  it.restart({
    maxReadingBytes: 1000,
    settings: () => ({ threshold: 2, sampling: 0, detectors: [] }),
  });
  assert.equal((await it.node.letters.replay({ filter: {} }, DO)).done, 1);
  assertCounted(it.node, { read: 2, results: 0, rejected: 1, sampledOut: 1 });
  assert.deepEqual(it.letters(), []);
});

/** Two results, the second refused by the output topic, both by the storage service if so wanted. */
async function refusedByTopic(it: ReturnType<typeof rig>, partitions = 3) {
  it.node.output!.open({ topicId: "t", partitions });
  await it.submit('{"device_id":"é/1","temperature":1}');
  const before = sent(it.node);
  await it.submit('{"device_id":"é/1","temperature":2}');
  const { lane } = before[0];
  const row = it.node.output!.take(lane)!;
  it.node.output!.refuse(row, { reason: "too large for it", answer: null, attempts: 1 });
  return { lane, record: decodeRecords(row)[0] };
}

Deno.test("a result that the topic refused goes to the topic again, as it was, and nowhere else", async () => {
  using it = rig();
  const { lane, record } = await refusedByTopic(it);
  assert.equal(posted(it.node).length, 2);
  const before = it.node.device("default", "é/1");
  const counts = it.node.store.counters();

  const done = await it.node.letters.replay({ filter: { sink: "output" } }, DO);
  assert.deepEqual([done.matched, done.done, done.left], [1, 1, 0]);
  assert.deepEqual(it.letters(), []);
  // Not yet acknowledged when the process dies: it is sent after the next start.
  assert.ok(it.node.output!.take(lane) !== undefined);
  it.restart();
  const [again, ...more] = sent(it.node);
  assert.deepEqual(more, []);
  assert.deepEqual(again, { ...record, lane });
  assert.deepEqual(posted(it.node), []);
  assert.deepEqual(it.node.store.counters(), counts);
  assert.deepEqual(it.node.device("default", "é/1"), before);
  it.node.ingest.maintain();
  it.restart();
  assert.deepEqual(sent(it.node), []);
});

Deno.test("one that the topic refuses again is a dead letter again", async () => {
  using it = rig();
  const { lane } = await refusedByTopic(it);
  await it.node.letters.replay({ filter: {} }, DO);
  it.node.output!.refuse(it.node.output!.take(lane)!, {
    reason: "again",
    answer: null,
    attempts: 1,
  });
  const [{ id, reason, sequence }] = it.letters();
  assert.deepEqual([id.startsWith("submitted-"), reason, sequence], [true, "again", 2]);
  assert.equal(it.node.store.letters.counts().refused, 2);
  assert.deepEqual(sent(it.node), []);
  assert.equal(posted(it.node).length, 2);
});

Deno.test("results that the storage service refused go there again, and nowhere else, whatever dies", async () => {
  using it = rig();
  it.node.output!.open({ topicId: "t", partitions: 2 });
  for (let i = 0; i < 4; i++) await it.submit(`{"device_id":"d${i}","temperature":${i}}`);
  const values = sent(it.node).map(({ value }) => textOf(value)).sort();
  assert.equal(posted(it.node, 3).length, 1);
  it.node.ingest.maintain();
  const refused = it.letters().map(({ bytes }) => textOf(bytes!));
  const counts = it.node.store.counters();
  const done = await it.node.letters.replay({ filter: { reason: "status" } }, DO);
  assert.deepEqual([done.matched, done.done], [3, 3]);
  it.restart();
  const again = posted(it.node);
  assert.deepEqual(again, refused);
  assert.ok(again.every((value) => values.includes(value)));
  assert.deepEqual(sent(it.node), []);
  assert.deepEqual([it.letters(), it.node.store.counters()], [[], counts]);
  it.node.ingest.checkpointAll();
  assert.deepEqual(it.node.store.journal.size(), { rows: 0, bytes: 0 });
});

Deno.test("results from before a start come again from memory and from SQLite alike", async () => {
  for (const memoryBytes of [1, 1e9]) {
    using it = rig({ memoryBytes });
    await it.submit('{"device_id":"a","temperature":1}');
    posted(it.node, 1);
    it.node.ingest.maintain();
    await it.node.letters.replay({ filter: {} }, DO);
    await it.submit('{"device_id":"b","temperature":2}');
    assert.deepEqual(posted(it.node).map((value) => JSON.parse(value).device_id), ["a", "b"]);
  }
});

Deno.test("a sink that is off, or not found yet, keeps its letters; so do tombstones and what is no result", async () => {
  using it = rig();
  await refusedByTopic(it);
  posted(it.node, 1);
  it.node.ingest.maintain();
  it.node.store.transact((tx) => {
    const origin = { topic: "in", partition: 0, offset: 1, time: 1, reason: "null" };
    tx.reject({ ...origin, id: "in-0-1", bytes: null });
    const [letter] = it.letters();
    tx.refuse({
      ...letter,
      id: "strange",
      sink: "storage",
      tenant: "t",
      bytes: encoder.encode("[]"),
    });
  });
  const before = it.letters();
  it.restart({ output: false, storage: false });
  for (const options of [DRY, DO]) {
    const done = await it.node.letters.replay({ filter: { tenant: "default" } }, options);
    assert.deepEqual([done.matched, done.done, done.left], [2, 0, 2]);
    assert.match(done.reason!, /switched off/);
  }
  it.restart();
  const tombstone = await it.node.letters.replay({ sequences: [3] }, DO);
  const strange = await it.node.letters.replay({ sequences: [4] }, DO);
  assert.deepEqual([tombstone.left, strange.left, strange.done], [1, 1, 0]);
  assert.match(strange.reason!, /nothing can be made/);
  assert.deepEqual(it.letters(), before);
  assertCounted(it.node, { read: 2, results: 2 });
});

Deno.test("readings over their tenant's quotas stay dead letters, and are replayed when there is room", async () => {
  using it = rig();
  for (let i = 0; i < 3; i++) await it.submit(`[${LONG}]`);
  const before = it.letters().length;
  it.node.store.transact((tx) => {
    for (let i = 0; i < 3; i++) {
      const origin = { topic: "in", partition: 0, offset: i, time: 1, reason: "quota: no" };
      tx.reject({ ...origin, id: `in-0-${i}`, bytes: encoder.encode('{"device_id":"q"}') });
    }
  });
  const quotas = { readingsPerSecond: 1, burst: 2, over: "dead_letter" as const };
  it.restart({ settings: () => ({ ...PARITY, quotas }) });
  const filter = { reason: "quota" };
  const first = await it.node.letters.replay({ filter }, DO);
  assert.deepEqual([first.matched, first.done, first.rejected, first.left], [3, 2, 0, 1]);
  assert.match(first.reason!, /^quota: /);
  assertCounted(it.node, { read: before + 2, results: 2, rejected: before });
  it.clock.time += 2000;
  const second = await it.node.letters.replay({ filter }, DO);
  assert.deepEqual([second.matched, second.done, second.left], [1, 1, 0]);
  assert.equal(it.letters().length, before);
});

Deno.test("a dry run tells how many and the first five, and changes nothing", async () => {
  using it = rig();
  for (let i = 0; i < 7; i++) await it.submit(LONG);
  const before = it.letters();
  for (const work of ["replay", "discard"] as const) {
    const done = await it.node.letters[work]({ filter: { sink: "" } }, DRY);
    assert.deepEqual([done.matched, done.done], [7, 0]);
    assert.deepEqual(done.examples.map(({ sequence }) => sequence), [1, 2, 3, 4, 5]);
  }
  assert.deepEqual(it.letters(), before);
});

Deno.test("many are replayed in transactions of a hundred, and only those that were there", async () => {
  using it = rig();
  const { store, letters } = it.node;
  const count = 1150;
  store.transact((tx) => {
    for (let i = 0; i < count; i++) {
      const origin = { topic: "in", partition: 0, offset: i, time: 1, reason: "old" };
      tx.reject({ ...origin, id: `in-0-${i}`, bytes: encoder.encode("{}") });
    }
  });
  const before = store.commits;
  const done = await letters.replay({ filter: {} }, DO);
  assert.deepEqual([done.matched, done.done, done.rejected], [count, count, count]);
  assert.equal(store.commits - before, 12);
  assert.equal(store.letters.heads({ after: 0, limit: 1, filter: {} }).letters[0].sequence, 1151);
  assertCounted(it.node, { read: count, results: 0, rejected: count });
});

Deno.test("discarding takes what it is told to, and counts it", async () => {
  using it = rig();
  for (let i = 0; i < 5; i++) await it.submit("{}");
  const done = await it.node.letters.discard({ sequences: [2, 4, 4, 99] }, DO);
  assert.deepEqual([done.matched, done.done], [2, 2]);
  assert.deepEqual(it.letters().map(({ sequence }) => sequence), [1, 3, 5]);
  await it.node.letters.discard({ filter: {} }, DO);
  assert.deepEqual([it.letters(), it.node.store.letters.counts().discarded], [[], 5]);
  assertCounted(it.node, { read: 5, results: 0, rejected: 5 });
});

Deno.test("while the disk is full a replay waits, and is done once; a full backlog stops it", async () => {
  using it = rig();
  await it.submit(LONG);
  it.restart({ maxReadingBytes: 1000 });
  it.node.store.failingCommits = 3;
  const done = await it.node.letters.replay({ filter: {} }, DO);
  assert.deepEqual([done.done, done.stopped], [1, undefined]);
  assertCounted(it.node, { read: 2, results: 1, rejected: 1 });
  await it.submit("{}");
  it.restart({ maxBacklogBytes: 0 });
  const stopped = await it.node.letters.replay({ filter: {} }, DO);
  assert.ok(stopped.stopped instanceof BacklogFull);
  assert.deepEqual([stopped.done, it.letters().length], [0, 1]);
});

Deno.test("a letter that goes while its replay waits for the disk isn't replayed: it would be there twice", async () => {
  using it = rig();
  await it.submit(LONG);
  const { store, letters } = it.restart({ maxReadingBytes: 1000 });
  store.failingCommits = 1;
  store.onFailure = () => {
    store.onFailure = () => {};
    store.transact((tx) => tx.discardLetters([1]));
  };
  const done = await letters.replay({ filter: {} }, DO);
  assert.ok(done.stopped instanceof StoreUnavailable);
  assert.match(done.stopped.message, /dead letter 1 is gone/);
  assertCounted(it.node, { read: 1, results: 0, rejected: 1 });
  assert.equal(it.node.device("default", "long"), undefined);
  it.node.ingest.maintain();
  assert.equal((await it.submit('{"device_id":"next"}')).kind, "result");
});

Deno.test("two replays at once: each letter comes once", async () => {
  using it = rig();
  await it.submit(LONG);
  it.restart({ maxReadingBytes: 1000 });
  const both = await Promise.all([1, 2].map(() => it.node.letters.replay({ filter: {} }, DO)));
  assert.deepEqual(both.map(({ done }) => done), [1, 0]);
  assertCounted(it.node, { read: 2, results: 1, rejected: 1 });
});

Deno.test("letters marked at rest are replayed by the next start; those of a sink that is off lose their mark", async () => {
  using it = rig();
  await it.submit(LONG);
  await refusedByTopic(it);
  const { store } = it.node;
  const atRest = new LetterDesk(store, markingReplayer(store));
  assert.equal((await atRest.replay({ filter: {} }, DRY)).marked, 0);
  const marked = await atRest.replay({ filter: {} }, DO);
  assert.deepEqual([marked.matched, marked.marked, marked.done], [2, 2, 0]);
  assert.equal(it.letters().length, 2);

  it.restart({ maxReadingBytes: 1000, output: false });
  const done = (await it.node.letters.replayMarked())!;
  assert.deepEqual([done.matched, done.done, done.left], [2, 1, 1]);
  assert.deepEqual(it.letters().map(({ sink }) => sink), ["output"]);
  assertCounted(it.node, { read: 4, results: 3, rejected: 1 });
  assert.equal(await it.node.letters.replayMarked(), undefined);
});
