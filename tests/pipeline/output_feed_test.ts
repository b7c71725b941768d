import assert from "node:assert/strict";
import { StoreUnavailable } from "../../src/pipeline/ports.ts";
import { partitionOf } from "../oracle/murmur2.ts";
import { decodeRecords, textOf } from "../core/record_twin.ts";
import { tempFolder } from "../harness/temp.ts";
import { type Node, type NodeOptions, startNode } from "./node.ts";

const encoder = new TextEncoder();
const DEVICES = Array.from({ length: 12 }, (_, i) => `d${i}`);

/** A node that can be started again over the same folder. */
function rig(options: Partial<NodeOptions> = {}) {
  const folder = tempFolder();
  const start = () => startNode({ dir: folder.path, clock: { time: 1.7e12 }, ...options });
  let node = start();
  let next = 0;
  return {
    get node(): Node {
      return node;
    },
    get feed() {
      return node.output!;
    },
    restart(): void {
      node.crash();
      node = start();
    },
    /** One reading of every device; the temperature counts up. */
    async fill(rounds = 1): Promise<void> {
      for (let i = 0; i < rounds; i++) {
        const temperature = next++;
        await Promise.all(DEVICES.map((device_id) => {
          const text = JSON.stringify({ device_id, temperature });
          return node.ingest.submit(encoder.encode(text));
        }));
      }
    },
    get rounds(): number {
      return next;
    },
    [Symbol.dispose]() {
      node.crash();
      folder[Symbol.dispose]();
    },
  };
}

interface Sent {
  lane: number;
  device: string;
  temperature: number;
  sequence: number;
}

/** Takes and acknowledges everything that is handed out, lanes in turn, one row at a time. */
function drain(feed: Node["output"], limit = Infinity): Sent[] {
  const sent: Sent[] = [];
  const lanes = feed!.lanes().length;
  for (let idle = 0, lane = 0; idle < lanes && sent.length < limit; lane = (lane + 1) % lanes) {
    const row = feed!.take(lane);
    if (row === undefined) {
      idle++;
      continue;
    }
    idle = 0;
    assert.equal(row.lane, lane);
    decodeRecords(row).forEach(({ key, value }, i) => {
      const { temperature } = JSON.parse(textOf(value));
      sent.push({ lane, device: textOf(key), temperature, sequence: row.baseSequence + i });
    });
    feed!.acknowledge(lane, row.baseSequence + row.count, -1);
  }
  return sent;
}

/** Every device's readings came once each, in their order. */
function assertAllOnce(sent: readonly Sent[], rounds: number): void {
  for (const device of DEVICES) {
    const temperatures = sent.filter((it) => it.device === device).map((it) => it.temperature);
    assert.deepEqual(temperatures, Array.from({ length: rounds }, (_, i) => i), device);
  }
}

/** Sequences of a lane follow one another without a gap from `from` on. */
function assertConsecutive(sent: readonly Sent[], from: (lane: number) => number = () => 0): void {
  for (const lane of new Set(sent.map((it) => it.lane))) {
    const sequences = sent.filter((it) => it.lane === lane).map((it) => it.sequence);
    assert.deepEqual(sequences, sequences.map((_, i) => from(lane) + i), `lane ${lane}`);
  }
}

function laneOf(device: string, lanes: number): number {
  return partitionOf(encoder.encode(device), lanes);
}

for (const [mode, memoryBytes] of [["memory", 1e9], ["SQLite", 1], ["both", 6000]] as const) {
  Deno.test(`every row is handed out once, in order, from ${mode}`, async () => {
    using it = rig({ memoryBytes });
    it.feed.open({ topicId: "t", partitions: 3 });
    const sent: Sent[] = [];
    for (let i = 0; i < 6; i++) {
      await it.fill(3);
      sent.push(...drain(it.feed, i % 2 === 0 ? 5 : Infinity));
    }
    sent.push(...drain(it.feed));
    assertAllOnce(sent, it.rounds);
    assertConsecutive(sent);
    for (const { lane, device } of sent) assert.equal(lane, laneOf(device, 3));
    assert.equal(it.feed.memoryBytes, 0);
    assert.equal(it.feed.oldestNeeded(), Infinity);
    const { rows, bytes } = it.feed.backlog();
    assert.deepEqual([rows, bytes], [0, 0]);
  });

  Deno.test(`what isn't acknowledged comes again after a rewind, from ${mode}`, async () => {
    using it = rig({ memoryBytes });
    it.feed.open({ topicId: "t", partitions: 1 });
    await it.fill(6);
    const rows = Array.from({ length: 6 }, () => it.feed.take(0)!);
    assert.equal(it.feed.take(0), undefined);
    it.feed.acknowledge(0, rows[1].baseSequence + rows[1].count, 23);
    it.feed.rewind(0);
    const again = Array.from({ length: 4 }, () => it.feed.take(0)!);
    assert.deepEqual(again, rows.slice(2));
    assert.equal(it.feed.take(0), undefined);
    // An acknowledgement never moves back.
    it.feed.acknowledge(0, rows[0].baseSequence + rows[0].count, 11);
    const [state] = it.feed.lanes();
    assert.deepEqual([state.acknowledged, state.lastOffset], [24, 23]);
  });

  Deno.test(`a restart goes on at the cursor that was flushed last, from ${mode}`, async () => {
    using it = rig({ memoryBytes });
    it.feed.open({ topicId: "t", partitions: 2 });
    await it.fill(4);
    const before = drain(it.feed, 12);
    it.node.ingest.maintain();
    assert.equal(it.feed.hasUnflushed, false);
    const lost = drain(it.feed, 6);
    assert.equal(it.feed.hasUnflushed, true);
    it.restart();
    const after = drain(it.feed);
    assert.deepEqual(after.filter(({ device }) => device === lost[0].device)[0], lost[0]);
    assertAllOnce([...before, ...after], it.rounds);
    assertConsecutive([...before, ...after]);
  });
}

Deno.test("rows that were written before the topic was found are framed for its lanes", async () => {
  using it = rig();
  await it.fill(2);
  it.restart();
  await it.fill(2);
  assert.equal(it.feed.laneCount, 0);
  assert.equal(it.feed.take(0), undefined);
  assert.ok(it.feed.backlog().rows >= 2);
  it.feed.open({ topicId: "t", partitions: 5 });
  await it.fill(2);
  const first = drain(it.feed, 20);
  it.node.ingest.maintain();
  it.restart();
  const sent = [...first, ...drain(it.feed)];
  assertAllOnce(sent, 6);
  assertConsecutive(sent);
  for (const { lane, device } of sent) assert.equal(lane, laneOf(device, 5));
});

for (const restart of [false, true]) {
  const when = restart ? ", over a restart" : "";

  Deno.test(`partitions are added: old rows go first, all of them${when}`, async () => {
    using it = rig();
    it.feed.open({ topicId: "t", partitions: 2 });
    await it.fill(3);
    const sent = drain(it.feed, 6);
    it.node.ingest.maintain();
    it.feed.open({ topicId: "t", partitions: 5 });
    await it.fill(3);
    if (restart) it.restart();
    // Lane 0 has nothing old left in front of its new rows, others have.
    for (;;) {
      const row = it.feed.take(0);
      if (row === undefined) break;
      assert.equal(row.lanes, 2, "a row of the new count before the others' old ones");
    }
    it.feed.rewind(0);
    sent.push(...drain(it.feed));
    assertAllOnce(sent, 6);
    assertConsecutive(sent);
    for (const { lane, device, temperature } of sent) {
      assert.equal(lane, laneOf(device, temperature < 3 ? 2 : 5));
    }
  });

  Deno.test(`the topic comes back with fewer partitions: nothing is lost, nothing stands still${when}`, async () => {
    using it = rig();
    it.feed.open({ topicId: "t", partitions: 5 });
    await it.fill(3);
    const sent = drain(it.feed, 6);
    it.node.ingest.maintain();
    it.feed.open({ topicId: "t2", partitions: 2 });
    await it.fill(3);
    if (restart) it.restart();
    // Old rows of both lanes go before anything that was framed for two.
    for (const lane of [0, 1]) {
      for (let row; (row = it.feed.take(lane)) !== undefined;) assert.equal(row.lanes, 5);
      it.feed.rewind(lane);
    }
    sent.push(...drain(it.feed));
    assert.ok(sent.slice(-36).every(({ lane }) => lane < 2));
    assertAllOnce(sent, 6);
  });
}

Deno.test("added and taken away again: what waits for lanes that are gone is framed anew", async () => {
  using it = rig({ memoryBytes: 6000 });
  const sent: Sent[] = [];
  for (const partitions of [2, 4, 1, 3]) {
    it.feed.open({ topicId: `t${partitions}`, partitions });
    await it.fill(2);
    sent.push(...drain(it.feed));
  }
  assertAllOnce(sent, 8);
  assert.equal(it.feed.memoryBytes, 0);
});

Deno.test("a lane that is gone stays gone, though its cursor wasn't written yet", async () => {
  using it = rig();
  it.feed.open({ topicId: "t", partitions: 4 });
  await it.fill(1);
  const sent = drain(it.feed);
  assert.equal(it.feed.hasUnflushed, true);
  it.feed.open({ topicId: "t2", partitions: 1 });
  await it.fill(1);
  it.restart();
  assert.deepEqual(it.feed.lanes().map(({ lane }) => lane), [0]);
  await it.fill(1);
  sent.push(...drain(it.feed));
  assertAllOnce(sent, 3);
});

Deno.test("a row is split: the same records under the same sequences, before later rows", async () => {
  for (const memoryBytes of [1e9, 1]) {
    using it = rig({ memoryBytes });
    it.feed.open({ topicId: "t", partitions: 1 });
    await it.fill(4);
    const first = it.feed.take(0)!;
    const maxBytes = Math.ceil(first.body.length / 3);
    it.feed.split(first, maxBytes);
    const pieces = [it.feed.take(0)!, it.feed.take(0)!];
    assert.ok(pieces.every(({ body }) => body.length <= maxBytes));
    assert.deepEqual(pieces[0].baseSequence, 0);
    it.feed.rewind(0);
    await it.fill(1);
    it.restart();
    const sent = drain(it.feed);
    assertAllOnce(sent, 5);
    assertConsecutive(sent);
  }
});

for (const memoryBytes of [1, 1e9]) {
  const from = memoryBytes === 1 ? "SQLite" : "memory";
  Deno.test(`a split row's pieces have new ids: older rows behind them aren't pruned, from ${from}`, async () => {
    using it = rig({ memoryBytes });
    it.feed.open({ topicId: "t", partitions: 1 });
    await it.fill(30);
    it.feed.split(it.feed.take(0)!, 1000);
    const sent = drain(it.feed, 3);
    assert.ok(it.feed.take(0)!.id > 30, "a test of nothing otherwise");
    assert.equal(it.feed.oldestNeeded(), 2);
    // A checkpoint that includes everything: only the sinks keep rows.
    it.node.ingest.checkpointAll();
    it.restart();
    sent.push(...drain(it.feed));
    assertAllOnce(sent, 30);
    assert.equal(it.feed.oldestNeeded(), Infinity);
  });
}

Deno.test("a refused record is a dead letter, and the lane goes on behind it", async () => {
  using it = rig({ storage: true });
  it.feed.open({ topicId: "t", partitions: 1 });
  await it.fill(2);
  it.feed.split(it.feed.take(0)!, 1);
  const [first, second] = [it.feed.take(0)!, it.feed.take(0)!];
  assert.deepEqual([first.count, second.count], [1, 1]);
  it.feed.acknowledge(0, 1, 5);
  it.feed.rewind(0);
  const refused = it.feed.take(0)!;
  assert.deepEqual(refused, second);
  it.feed.refuse(refused, { reason: "too large for the topic", answer: "no", attempts: 3 });
  const [letter] = it.node.store.deadLetters({ limit: 9 });
  const [{ value, headers }] = decodeRecords(refused);
  assert.equal(letter.reason, "too large for the topic");
  assert.deepEqual([letter.answer, letter.attempts], ["no", 3]);
  assert.equal(letter.id, headers[0].value);
  assert.deepEqual(letter.bytes, value);
  assert.equal(it.feed.refused, 1);
  it.restart();
  const sent = drain(it.feed);
  assert.equal(sent.length, 22);
  assertConsecutive(sent, () => 2);
  // It is a result all the same: counted, replayed, and for the storage service.
  assert.equal(it.node.store.counters().results, 24);
  assert.equal(it.node.device("default", "d1")!.temperature.count, 2);
  const results = it.node.store.journal.resultRows(0, 1e9);
  assert.equal(results.reduce((sum, { count }) => sum + count, 0), 24);
});

Deno.test("an identity is there after a restart, with everything else of its lane", async () => {
  using it = rig();
  it.feed.open({ topicId: "t", partitions: 2 });
  await it.fill(1);
  drain(it.feed);
  it.feed.identify(1, { topicId: "t", producerId: 2n ** 62n + 1n, producerEpoch: 3 });
  const [, before] = structuredClone(it.feed.lanes());
  it.restart();
  const [, after] = it.feed.lanes();
  assert.deepEqual(after, before);
  assert.equal(after.producerId, 2n ** 62n + 1n);
  it.feed.acknowledge(1, after.end, 9);
  it.feed.identify(1, { topicId: "other", producerId: 7n, producerEpoch: 0 });
  assert.equal(it.feed.lanes()[1].lastOffset, -1, "another topic's offset means nothing");
});

Deno.test("what can't be stored isn't done: open, split, refuse and identify leave all as it was", async () => {
  using it = rig();
  it.feed.open({ topicId: "t", partitions: 2 });
  await it.fill(3);
  const row = it.feed.take(0)!;
  it.feed.rewind(0);
  const before = structuredClone(it.feed.lanes());
  const identity = { topicId: "u", producerId: 5n, producerEpoch: 0 };
  const calls = [
    () => it.feed.open({ topicId: "u", partitions: 1 }),
    () => it.feed.open({ topicId: "u", partitions: 3 }),
    () => it.feed.split(row, 100),
    () => it.feed.refuse(row, { reason: "no", answer: null, attempts: 0 }),
    () => it.feed.identify(0, identity),
  ];
  for (const call of calls) {
    it.node.store.failingCommits = 1;
    assert.throws(call, StoreUnavailable);
    assert.deepEqual(it.feed.lanes(), before);
  }
  await it.fill(1);
  const sent = drain(it.feed);
  assertAllOnce(sent, 4);
  assertConsecutive(sent);
  assert.equal(it.feed.refused, 0);
});

Deno.test("many lanes that are far behind don't fill the memory", async () => {
  using it = rig({ memoryBytes: 20_000 });
  it.feed.open({ topicId: "t", partitions: 10 });
  await it.fill(60);
  it.restart();
  let most = 0;
  const sent: Sent[] = [];
  for (let lane = 0; lane < 10; lane++) it.feed.take(lane);
  most = it.feed.memoryBytes;
  for (let lane = 0; lane < 10; lane++) it.feed.rewind(lane);
  sent.push(...drain(it.feed));
  assertAllOnce(sent, 60);
  // A lane gets one row at least.
  assert.ok(most < 2 * 20_000, `${most} bytes in memory`);
});
