import assert from "node:assert/strict";
import { RecordReader } from "../../src/core/record.ts";
import { type Refused } from "../../src/pipeline/ports.ts";
import { tempFolder } from "../harness/temp.ts";
import { type Node, type NodeOptions, startNode } from "./node.ts";

const encoder = new TextEncoder();

function rig(options: Partial<NodeOptions> = {}) {
  const folder = tempFolder();
  const start = () =>
    startNode({ dir: folder.path, clock: { time: 1.7e12 }, storage: true, ...options });
  let node = start();
  let next = 0;
  return {
    get node(): Node {
      return node;
    },
    get feed() {
      return node.storage!;
    },
    restart(): void {
      node.crash();
      node = start();
    },
    /** Commits of three readings each; the temperature counts up. */
    async fill(commits: number): Promise<void> {
      for (let i = 0; i < commits; i++) {
        const bodies = [0, 1, 2].map(() => `{"device_id":"d","temperature":${next++}}`);
        await Promise.all(bodies.map((body) => node.ingest.submit(encoder.encode(body))));
      }
    },
    get readings(): number {
      return next;
    },
    [Symbol.dispose]() {
      node.crash();
      folder[Symbol.dispose]();
    },
  };
}

/** Takes rows and acknowledges record by record; the temperatures that came, until `limit` of them. */
function drain(feed: Node["storage"], limit = Infinity): number[] {
  const came: number[] = [];
  for (;;) {
    if (came.length >= limit) return came;
    const taken = feed!.take();
    if (taken === undefined) return came;
    const { row, from } = taken;
    const records = new RecordReader(row);
    while (records.next() && came.length < limit) {
      if (records.index - 1 < from) continue;
      const value = row.body.subarray(records.valueStart, records.valueEnd);
      came.push(JSON.parse(new TextDecoder().decode(value)).temperature);
      feed!.acknowledge(row.id, records.index);
    }
  }
}

function upTo(end: number, from = 0): number[] {
  return Array.from({ length: end - from }, (_, i) => from + i);
}

for (const [mode, memoryBytes] of [["memory", 1e9], ["SQLite", 1], ["both", 4000]] as const) {
  Deno.test(`every result is handed out once, in journal order, from ${mode}`, async () => {
    using it = rig({ memoryBytes });
    it.node.output!.open({ topicId: "t", partitions: 1 });
    const came: number[] = [];
    for (let i = 0; i < 6; i++) {
      await it.fill(4);
      if (i % 2 === 0) came.push(...drain(it.feed));
    }
    came.push(...drain(it.feed));
    assert.deepEqual(came, upTo(72));
    assert.equal(it.feed.oldestNeeded() > 24, true);
    const { rows, bytes } = it.feed.backlog();
    assert.deepEqual([rows, bytes], [0, 0]);
    // What was behind is read from memory again once it has caught up.
    await it.fill(1);
    assert.deepEqual(drain(it.feed), [72, 73, 74]);
  });

  Deno.test(`a restart goes on at the record that was flushed last, from ${mode}`, async () => {
    using it = rig({ memoryBytes });
    await it.fill(5);
    assert.deepEqual(drain(it.feed, 7), upTo(7));
    it.node.ingest.maintain();
    assert.equal(it.feed.hasUnflushed, false);
    it.restart();
    assert.deepEqual(drain(it.feed, 4), upTo(11, 7));
    assert.equal(it.feed.hasUnflushed, true);
    it.restart();
    await it.fill(1);
    assert.deepEqual(drain(it.feed), upTo(18, 7));
  });
}

Deno.test("an acknowledgement never moves back, and frees what is behind it", async () => {
  using it = rig();
  await it.fill(4);
  const rows = [it.feed.take()!.row, it.feed.take()!.row, it.feed.take()!.row];
  it.feed.acknowledge(rows[1].id, 2);
  it.feed.acknowledge(rows[0].id, 3);
  it.feed.acknowledge(rows[1].id, 1);
  assert.equal(it.feed.oldestNeeded(), rows[1].id);
  assert.equal(it.feed.backlog().rows, 3);
  it.node.ingest.checkpointAll();
  assert.deepEqual(it.node.store.journal.storageCursor(), { row: rows[1].id, record: 2 });
  it.restart();
  assert.deepEqual(drain(it.feed), upTo(12, 5));
});

Deno.test("a sink that is new begins at the journal's end; one that stays, at its cursor", async () => {
  const folder = tempFolder();
  const start = (storage: boolean) =>
    startNode({ dir: folder.path, clock: { time: 1.7e12 }, storage });
  const submit = (node: Node, temperature: number) =>
    node.ingest.submit(encoder.encode(`{"device_id":"d","temperature":${temperature}}`));
  let node = start(false);
  await submit(node, 0);
  node.crash();
  node = start(true);
  await submit(node, 1);
  node.crash();
  node = start(true);
  await submit(node, 2);
  assert.deepEqual(drain(node.storage), [1, 2]);
  node.crash();
  folder[Symbol.dispose]();
});

Deno.test("copies of rows for other lanes aren't results: they are never handed out", async () => {
  using it = rig({ memoryBytes: 1 });
  await it.fill(2);
  it.node.output!.open({ topicId: "t", partitions: 2 });
  await it.fill(2);
  for (const { lane } of it.node.output!.lanes()) {
    const row = it.node.output!.take(lane);
    if (row !== undefined) it.node.output!.split(row, 1);
  }
  await it.fill(1);
  it.restart();
  assert.deepEqual(drain(it.feed), upTo(15));
});

Deno.test("dead letters that can't be written hold up what comes after 8 MB of them", async () => {
  using it = rig();
  await it.fill(10);
  const bytes = new Uint8Array(1_000_000);
  const refuse = (id: string, row: number) =>
    it.feed.refuse({
      id,
      sink: "storage",
      tenant: "default",
      time: 1,
      reason: "status 400",
      status: 400,
      answer: "",
      attempts: 1,
      bytes,
    }, { row, record: 0 });
  const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
  it.feed.onRows(wake);
  for (let n = 0; n < 8; n++) {
    const taken = it.feed.take();
    assert.ok(taken !== undefined, `nothing after ${n} MB`);
    refuse(`big-${n}`, taken.row.id);
    it.feed.acknowledge(taken.row.id, taken.row.count);
  }
  assert.equal(it.feed.take(), undefined);
  it.node.store.failingCommits = 1;
  it.node.ingest.maintain();
  assert.equal(it.feed.take(), undefined, "the disk was full");
  await woken; // the transaction is tried again by itself
  assert.ok(it.feed.take() !== undefined);
  assert.equal(it.node.store.deadLetters({ limit: 20 }).length, 8);
});

function letterOf(id: string): Refused {
  return {
    id,
    sink: "storage",
    tenant: "default",
    time: 1,
    reason: "status 400",
    status: 400,
    answer: "",
    attempts: 1,
    bytes: new Uint8Array([1]),
  };
}

Deno.test("a refused result's dead letter and the cursor behind it are one transaction", async () => {
  using it = rig();
  await it.fill(1);
  const { row } = it.feed.take()!;
  const letter = letterOf("a");
  it.feed.refuse(letter, { row: row.id, record: 0 });
  it.feed.acknowledge(row.id, 1);
  it.restart();
  assert.deepEqual(it.node.store.deadLetters({ limit: 9 }), []);
  assert.equal(it.feed.take()!.from, 0);
  it.feed.refuse(letter, { row: row.id, record: 0 });
  it.feed.acknowledge(row.id, 1);
  it.node.ingest.maintain();
  it.restart();
  assert.deepEqual(it.node.store.deadLetters({ limit: 9 }).map(({ id }) => id), ["a"]);
  assert.equal(it.feed.take()!.from, 1);
  assert.equal(it.node.store.counters().results, 3);
});

Deno.test("a result refused ahead of the cursor is no dead letter yet: it may be stored after a kill", async () => {
  using it = rig();
  await it.fill(1);
  const { row } = it.feed.take()!;
  it.feed.acknowledge(row.id, 1);
  const letter = letterOf("third");
  it.feed.refuse(letter, { row: row.id, record: 2 });
  it.node.ingest.maintain();
  assert.deepEqual(it.node.store.deadLetters({ limit: 9 }), []);
  it.feed.acknowledge(row.id, 3);
  it.node.ingest.maintain();
  assert.deepEqual(it.node.store.deadLetters({ limit: 9 }).map(({ id }) => id), ["third"]);
  it.feed.refuse({ ...letter, id: "lost" }, { row: row.id + 1, record: 0 });
  it.node.ingest.maintain();
  it.restart();
  assert.deepEqual(it.node.store.deadLetters({ limit: 9 }).map(({ id }) => id), ["third"]);
});
