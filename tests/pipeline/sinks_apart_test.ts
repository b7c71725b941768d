/** Output topic and storage service move on their own, over a real store: neither waits for the other. */
import assert from "node:assert/strict";
import { type LogLine, memoryLog } from "../kafka/memory_log.ts";
import { idsIn, rig, START, topicOf } from "./ingest_rig.ts";
import { type Node } from "./node.ts";
import { decodeRecords, textOf } from "../core/record_twin.ts";

const RECORDS = 400;

/** A sink that takes everything at once, as it comes. */
function alive(node: Node, sink: "output" | "storage"): string[] {
  const ids: string[] = [];
  const keep = (row: Parameters<typeof decodeRecords>[0]) =>
    ids.push(...decodeRecords(row).map(({ value }) => JSON.parse(textOf(value)).id));
  const { output, storage } = node;
  if (sink === "output") {
    output!.onRows(() => {
      for (let row; (row = output!.take(0)) !== undefined;) {
        keep(row);
        output!.acknowledge(0, row.baseSequence + row.count, -1);
      }
    });
  } else {
    storage!.onRows(() => {
      for (let taken; (taken = storage!.take()) !== undefined;) {
        keep(taken.row);
        storage!.acknowledge(taken.row.id, taken.row.count);
      }
    });
  }
  return ids;
}

/** A sink that takes rows and never answers. */
function dead({ output, storage }: Node, sink: "output" | "storage"): void {
  if (sink === "output") output!.onRows(() => void output!.take(0));
  else storage!.onRows(() => void storage!.take());
}

for (const [deadOne, living] of [["output", "storage"], ["storage", "output"]] as const) {
  for (const [where, memoryBytes] of [["memory", 1e9], ["SQLite", 1]] as const) {
    Deno.test(`a dead ${deadOne} neither stops reading nor keeps anything from the ${living}: from ${where}`, async () => {
      const topic = topicOf(1, RECORDS);
      using node = rig(topic, {
        storage: true,
        memoryBytes,
        maxBacklogBytes: 1e9,
        // The broker is there, it just doesn't answer.
        outputHealthy: () => true,
      });
      node.output!.open({ topicId: "t", partitions: 1 });
      dead(node, deadOne);
      const ids = alive(node, living);
      await node.ingest.run();
      assert.deepEqual(ids.sort(), idsIn(topic).sort());
      assert.equal(node[living]!.backlog().rows, 0);
      assert.equal(node[deadOne]!.backlog().rows, RECORDS / 4);
    });
  }

  Deno.test(`a dead ${deadOne}: reading goes on to the limit and no further; the ${living} has all of it`, async () => {
    const topic = topicOf(1, RECORDS);
    const limit = 50_000;
    using node = rig(topic, { storage: true, limits: { [deadOne]: { maxBytes: limit } } });
    node.output!.open({ topicId: "t", partitions: 1 });
    dead(node, deadOne);
    const ids = alive(node, living);
    const run = node.ingest.run();
    while (!node.ingest.backlogFull) await new Promise((resolve) => setTimeout(resolve, 0));
    const { bytes, rows } = node[deadOne]!.backlog();
    assert.ok(bytes > limit && bytes < limit + bytes / rows * 2, `${bytes} bytes in ${rows} rows`);
    assert.equal(ids.length, node.store.counters().results);
    assert.equal(node.ingest.batches, rows);
    await node.ingest.stop();
    await run;
  });
}

Deno.test("an output topic that is there and answers nothing holds reading up for a second, not for ever", async () => {
  const topic = topicOf(1, 60_000);
  let time = START;
  const clock = {
    get time() {
      return time += 10;
    },
    set time(to) {
      time = to;
    },
  };
  using node = rig(topic, { fetchSize: 5_000, clock, outputHealthy: () => true });
  node.output!.open({ topicId: "t", partitions: 1 });
  dead(node, "output");
  await node.ingest.run();
  assert.equal(node.store.counters().read, 60_000);
  assert.ok(
    node.output!.memoryBytes > 24_000_000,
    "more than reading waits for a sink that keeps up",
  );
});

Deno.test("a start with a full backlog takes nothing before there is room", async () => {
  const topic = topicOf(1, 8);
  const lines: LogLine[] = [];
  using node = rig(topic, { maxBacklogBytes: 1000, fetchSize: 4, log: memoryLog(lines) });
  node.output!.open({ topicId: "t", partitions: 1 });
  const first = node.ingest.run();
  while (!node.ingest.backlogFull) await new Promise((resolve) => setTimeout(resolve, 0));
  await node.ingest.stop();
  await first;
  assert.equal(node.store.counters().read, 4);

  using again = rig(topic, { maxBacklogBytes: 1000, after: node });
  const run = again.ingest.run();
  assert.equal(again.ingest.backlogFull, true);
  // A fetch is there at once: it would be taken in the next microtasks.
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(again.store.counters().read, 4);
  const row = again.output!.take(0)!;
  again.output!.acknowledge(0, row.baseSequence + row.count, 0);
  while (again.store.counters().read < 8) await new Promise((resolve) => setTimeout(resolve, 0));
  await again.ingest.stop();
  await run;
});

Deno.test("what HTTP brought while Kafka was silent counts, too: the next fetch waits", async () => {
  const topic = topicOf(1, 4);
  using node = rig(topic, { maxBacklogBytes: 1000 });
  node.output!.open({ topicId: "t", partitions: 1 });
  let release = () => {};
  const silent = new Promise<void>((resolve) => release = resolve);
  const next = node.source.next.bind(node.source);
  node.source.next = async () => {
    await silent;
    return next();
  };
  const run = node.ingest.run();
  while (!node.ingest.backlogFull) {
    await node.ingest.submit(new TextEncoder().encode('{"device_id":"a"}'));
  }
  const { read } = node.store.counters();
  release();
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(node.store.counters().read, read);
  await node.ingest.stop();
  await run;
});

Deno.test("cursors are written with the batches: no transaction of their own while there are any", async () => {
  const topic = topicOf(1, RECORDS);
  using node = rig(topic, { storage: true, clock: { time: START } });
  node.output!.open({ topicId: "t", partitions: 1 });
  alive(node, "output");
  alive(node, "storage");
  const { commits } = node.store;
  await node.ingest.run();
  assert.equal(node.store.commits - commits, RECORDS / 4);
  const [lane] = node.store.journal.lanes();
  const cursor = node.store.journal.storageCursor()!;
  const lastId = node.store.journal.lastId();
  assert.deepEqual(
    [lane.acknowledged, cursor],
    [RECORDS - 4, { row: lastId - 1, record: 4 }],
    "all but what the last batch brought",
  );
  node.ingest.maintain();
  assert.equal(node.store.commits - commits, RECORDS / 4 + 1, "both cursors in one");
});
