import assert from "node:assert/strict";
import { tempFolder } from "../harness/temp.ts";
import { type Node, startNode } from "./node.ts";

const START = 1_770_000_000_000;

/** One commit of a reading a second, `commits` of them. */
async function fill(node: Node, { clock, commits }: { clock: { time: number }; commits: number }) {
  for (let i = 0; i < commits; i++) {
    await node.ingest.submit(new TextEncoder().encode(`{"device_id":"d","temperature":${i}}`));
    clock.time += 1000;
  }
}

function since(
  feed: Node["output"] | Node["storage"],
): [rows: number, seconds: number | undefined] {
  const { rows, bytes, since } = feed!.backlog();
  assert.equal(bytes > 0, rows > 0);
  return [rows, since === undefined ? undefined : (since - START) / 1000];
}

Deno.test("each sink's backlog: how much, and since when the oldest of it waits", async () => {
  using folder = tempFolder();
  const clock = { time: START };
  const options = { dir: folder.path, clock, storage: true };
  let node = startNode(options);
  assert.deepEqual([since(node.output), since(node.storage)], [[0, undefined], [0, undefined]]);
  node.output!.open({ topicId: "t", partitions: 1 });
  await fill(node, { clock, commits: 3 });
  assert.deepEqual([since(node.output), since(node.storage)], [[3, 0], [3, 0]]);

  node.output!.acknowledge(0, 1, 0);
  const { row } = node.storage!.take()!;
  node.storage!.take();
  node.storage!.acknowledge(row.id, 1);
  node.storage!.acknowledge(row.id + 1, 1);
  assert.deepEqual([since(node.output), since(node.storage)], [[2, 1], [1, 2]]);

  node.stop();
  node = startNode(options);
  assert.equal(node.storage!.take()!.row.id, row.id + 2);
  assert.deepEqual([since(node.output), since(node.storage)], [[2, 1], [1, 2]]);
  node.output!.acknowledge(0, 3, 2);
  assert.deepEqual(since(node.output), [0, undefined]);
  node.crash();
});

Deno.test("results wait for an output topic that wasn't found yet, and other rows don't", async () => {
  using folder = tempFolder();
  const clock = { time: START };
  let node = startNode({ dir: folder.path, clock, output: false });
  await fill(node, { clock, commits: 2 });
  node.crash();
  node = startNode({ dir: folder.path, clock });
  assert.deepEqual(since(node.output), [0, undefined]);
  await fill(node, { clock, commits: 2 });
  assert.deepEqual(since(node.output), [2, 2]);
  node.crash();
});
