import assert from "node:assert/strict";
import { tempFolder } from "../harness/temp.ts";
import { type LogLine, memoryLog } from "../kafka/memory_log.ts";
import { rig, START, topicOf } from "./ingest_rig.ts";
import { type Node, startNode } from "./node.ts";

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

Deno.test("at the backlog's limit reading pauses again and again: told once, and once when there is room", async () => {
  const lines: LogLine[] = [];
  const clock = { time: START };
  const topic = topicOf(1, 400);
  using node = rig(topic, { maxBacklogBytes: 30_000, clock, log: memoryLog(lines) });
  node.output!.open({ topicId: "t", partitions: 1 });
  let reading = true;
  const run = node.ingest.run().then(() => reading = false);
  let acknowledged = 0, pauses = 0;
  while (reading) {
    if (node.ingest.backlogFull) {
      pauses++;
      // One row goes, and there is room for one.
      const row = node.output!.take(0)!;
      acknowledged = row.baseSequence + row.count;
      node.output!.acknowledge(0, acknowledged, acknowledged - 1);
      clock.time += 10_000;
      node.ingest.maintain();
    }
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await run;
  assert.ok(pauses > 10, `${pauses} pauses`);
  const told = () =>
    lines.filter(({ message }) => message.includes("backlog")).map(({ level }) => level);
  assert.deepEqual(told(), ["warn"]);
  node.output!.acknowledge(0, 400, 399);
  clock.time += 10_000;
  node.ingest.maintain();
  topic.partitions[0].push(topic.partitions[0][0]);
  await node.ingest.run();
  assert.deepEqual(told(), ["warn", "info"]);
});
