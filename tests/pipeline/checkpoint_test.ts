import assert from "node:assert/strict";
import { type CheckpointSlice, writeSlice } from "../../src/pipeline/checkpoint.ts";
import { tempFolder } from "../harness/temp.ts";
import { type Node, startNode } from "./node.ts";

const START = 1_770_000_000_000;

function rig() {
  const folder = tempFolder();
  const clock = { time: START };
  const rounds: number[] = [];
  const checkpointed = (seconds: number) => rounds.push(seconds);
  const node = startNode({ dir: folder.path, clock, output: false, checkpointed });
  return {
    ...node,
    clock,
    /** How long each checkpoint took, in seconds. */
    rounds,
    [Symbol.dispose]() {
      node.crash();
      folder[Symbol.dispose]();
    },
  };
}

/** A commit with one reading of each of these devices. */
async function submit(node: Pick<Node, "ingest">, devices: number, first = 0): Promise<void> {
  const bodies = Array.from({ length: devices }, (_, i) => `{"device_id":"d${first + i}"}`);
  await Promise.all(bodies.map((body) => node.ingest.submit(new TextEncoder().encode(body))));
}

function write(node: Pick<Node, "store" | "checkpoint">, slice: CheckpointSlice): void {
  node.store.transact((tx) => writeSlice(tx, slice));
  node.checkpoint.written(slice);
}

Deno.test("a checkpoint is due some seconds after the last one, if there is something to write", async () => {
  using node = rig();
  assert.equal(node.checkpoint.due, false);
  assert.equal(node.checkpoint.ageSeconds, 0);
  node.clock.time += 60_000;
  assert.equal(node.checkpoint.due, false);
  await submit(node, 3);
  assert.equal(node.checkpoint.due, false, "5 s from when there was nothing to write");
  node.clock.time += 4_999;
  assert.equal(node.checkpoint.due, false);
  node.clock.time += 1;
  assert.equal(node.checkpoint.due, true);
  assert.equal(node.checkpoint.ageSeconds, 5);
  write(node, node.checkpoint.slice());
  assert.equal(node.checkpoint.due, false);
  assert.equal(node.checkpoint.ageSeconds, 0);
  assert.equal(node.checkpoint.durableId, 1);
  assert.equal(node.store.journal.checkpoint(), 1);
});

Deno.test("a checkpoint is due after so many bytes of journal", async () => {
  using node = rig();
  await submit(node, 1);
  node.checkpoint.appended(63_000_000);
  assert.equal(node.checkpoint.due, false);
  node.checkpoint.appended(1_000_000);
  assert.equal(node.checkpoint.due, true);
  write(node, node.checkpoint.slice());
  await submit(node, 1);
  assert.equal(node.checkpoint.due, false, "the bytes are counted anew");
});

Deno.test("a round goes in slices, longest behind first, and no slice claims what isn't written", async () => {
  using node = rig();
  // New devices are written with their batch; those here are known and fall behind one after the other.
  await submit(node, 10);
  for (let i = 0; i < 10; i++) await submit(node, 1, i);
  assert.equal(node.state.includedId, 11);
  node.clock.time += 5_000;
  const ids: number[] = [];
  const devices: string[] = [];
  for (let turn = 0; node.checkpoint.due; turn++) {
    assert.ok(turn < 10);
    const slice = node.checkpoint.slice(3);
    assert.equal(slice.totals !== null, turn === 0, "the totals come with the first one");
    devices.push(...slice.devices.map(({ device }) => device));
    assert.ok(slice.devices.every(({ journalId }) => journalId === 11));
    assert.ok(node.checkpoint.durableId < slice.checkpointId, "durable only once it is written");
    write(node, slice);
    assert.equal(node.checkpoint.durableId, slice.checkpointId);
    ids.push(slice.checkpointId);
  }
  assert.deepEqual(devices, Array.from({ length: 10 }, (_, i) => `d${i}`));
  // The device that fell behind by row 5 isn't written by the first slice: rows from 5 on are needed.
  assert.deepEqual(ids, [4, 7, 10, 11]);
});

Deno.test("a round's time is told when its last slice is committed", async () => {
  using node = rig();
  await submit(node, 3);
  // What is new was written with its batch.
  await submit(node, 3);
  const first = node.checkpoint.slice(2);
  write(node, first);
  node.clock.time += 1_500;
  const last = node.checkpoint.slice(2);
  assert.deepEqual(node.rounds, []);
  node.clock.time += 500;
  write(node, last);
  assert.deepEqual(node.rounds, [2]);
});

Deno.test("a round ends, though devices fall behind all the while: each batch carries a slice", async () => {
  using node = rig();
  await submit(node, 10);
  await submit(node, 10);
  node.clock.time += 5_000;
  write(node, node.checkpoint.slice(4));
  assert.equal(node.checkpoint.due, true, "six devices are left");
  await submit(node, 10);
  assert.equal(node.checkpoint.due, false);
  assert.equal(node.store.journal.checkpoint(), 2);
  // All ten fell behind again, by the batch that carried the slice.
  assert.equal(node.state.engine.dirty.next(99).length, 10);
  node.state.rebuild();
  assert.equal(node.totals().lastProcessed, START + 5_000);
});

Deno.test("maintenance writes a checkpoint and prunes what nobody needs, and then is still", async () => {
  using node = rig();
  for (let i = 0; i < 20; i++) await submit(node, 2);
  assert.equal(node.store.journal.size().rows, 20);
  node.ingest.maintain();
  assert.equal(node.store.journal.size().rows, 20);
  node.clock.time += 5_000;
  node.ingest.maintain();
  assert.deepEqual(node.store.journal.size(), { rows: 0, bytes: 0 });
  const { commits } = node.store;
  node.clock.time += 60_000;
  node.ingest.maintain();
  assert.equal(node.store.commits, commits, "an idle engine writes nothing");
  assert.equal(node.store.journal.lastId(), 20);
});

Deno.test("a maintenance whose commit fails writes the same slice later", async () => {
  using node = rig();
  await submit(node, 5);
  await submit(node, 5);
  const before = node.totals();
  node.clock.time += 5_000;
  node.store.failingCommits = 2;
  node.ingest.maintain();
  assert.equal(node.store.journal.checkpoint(), 0);
  while (node.ingest.unavailableSince > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(node.store.journal.checkpoint(), 2);
  node.state.rebuild();
  assert.deepEqual(node.totals(), before);
  for (let i = 0; i < 5; i++) {
    assert.equal(node.store.devices.load("default", `d${i}`)!.journalId, 2);
  }
});

Deno.test("a maintenance that stopping cuts short loses no device", async () => {
  using node = rig();
  await submit(node, 5);
  await submit(node, 5);
  const before = node.device("default", "d3");
  node.clock.time += 5_000;
  node.store.failingCommits = Infinity;
  node.ingest.maintain();
  await node.ingest.stop();
  node.store.failingCommits = 0;
  node.ingest.checkpointAll();
  assert.equal(node.store.devices.load("default", "d3")!.journalId, 2);
  assert.deepEqual(node.device("default", "d3"), before);
});
