import assert from "node:assert/strict";
import { settleRemovedSinks, UnsentResults } from "../../src/pipeline/removed_sinks.ts";
import { tempFolder } from "../harness/temp.ts";
import { SILENT } from "../store/samples.ts";
import { type Node, startNode } from "./node.ts";

/** A folder in which a node with both sinks has left some readings. */
function folderWith(
  work: (node: Node, submit: (count: number) => Promise<void>) => Promise<void>,
) {
  const folder = tempFolder();
  const start = (sinks: { output: boolean; storage: boolean }) =>
    startNode({ dir: folder.path, clock: { time: 1.7e12 }, ...sinks });
  return {
    start,
    dropped() {
      const node = start({ output: true, storage: false });
      try {
        return node.dropped();
      } finally {
        node.crash();
      }
    },
    async begin(): Promise<void> {
      const node = start({ output: true, storage: true });
      await work(node, (count) => submit(node, count));
      node.stop();
    },
    /** What a start with these sinks says about the ones that are gone. */
    settle(output: boolean | string, hasStorage: boolean, discard: string[] = []): void {
      const node = start({ output: true, storage: false });
      try {
        const outputTopic = typeof output === "string" ? output : output ? "out" : "";
        settleRemovedSinks({ store: node.store, log: SILENT, outputTopic, hasStorage, discard });
      } finally {
        node.crash();
      }
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

async function submit(node: Node, count: number): Promise<void> {
  const bodies = Array.from({ length: count }, (_, i) => `{"device_id":"d${i}"}`);
  await Promise.all(bodies.map((body) => node.ingest.submit(new TextEncoder().encode(body))));
}

function refusal(sink: string, count: number, setting: string) {
  return (error: unknown) => {
    assert.ok(error instanceof UnsentResults);
    assert.match(error.message, new RegExp(`${setting}: ${count} results .*=${sink}$`));
    return true;
  };
}

function sendAll(node: Node): number {
  let sent = 0;
  for (const { lane } of node.output!.lanes()) {
    for (let row = node.output!.take(lane); row !== undefined; row = node.output!.take(lane)) {
      node.output!.acknowledge(lane, row.baseSequence + row.count, -1);
      sent += row.count;
    }
  }
  return sent;
}

Deno.test("results that wait for a sink that is gone: no start, unless they are given up", async () => {
  using folder = folderWith(async (node, submit) => {
    node.output!.open({ topicId: "t", partitions: 2 });
    await submit(10);
    node.output!.identify(0, { topicId: "t", producerId: 5n, producerEpoch: 0 });
    const row = node.output!.take(0)!;
    node.output!.acknowledge(0, row.baseSequence + row.count, 1);
    await submit(10);
    node.storage!.take();
    node.storage!.acknowledge(1, 1);
  });
  await folder.begin();
  const store = folder.start({ output: true, storage: true });
  const waiting = store.output!.lanes().reduce(
    (sum, { acknowledged, end }) => sum + end - acknowledged,
    0,
  );
  store.crash();
  assert.throws(() => folder.settle(false, true), refusal("output", waiting, "OUTPUT_TOPIC"));
  assert.throws(() => folder.settle(true, false), refusal("storage", 19, "STORAGE_SERVICE_URL"));
  assert.throws(() => folder.settle(false, true, ["storage"]), UnsentResults);
  folder.settle(true, true);
  folder.settle(false, true, ["output"]);
  folder.settle(false, true);
  folder.settle(true, false, ["storage"]);
  assert.deepEqual(folder.dropped(), { output: waiting, storage: 19 }, "discards are counted");
  folder.settle(true, false);

  const node = folder.start({ output: true, storage: true });
  for (const lane of node.output!.lanes()) {
    assert.equal(lane.acknowledged, lane.end);
    assert.equal(lane.producerId, -1n, "a gap on purpose takes a new producer id");
  }
  await submit(node, 10);
  assert.equal(sendAll(node), 10, "what was given up never comes again");
  const taken = node.storage!.take()!;
  assert.equal(taken.row.id > 4, true);
  node.crash();
});

Deno.test("results of a topic that was never found wait too", async () => {
  using folder = folderWith((_, submit) => submit(7));
  await folder.begin();
  assert.throws(() => folder.settle(false, true), refusal("output", 7, "OUTPUT_TOPIC"));
  folder.settle(false, true, ["output"]);
  folder.settle(false, true);
  const node = folder.start({ output: true, storage: true });
  node.output!.open({ topicId: "t", partitions: 2 });
  await submit(node, 3);
  assert.equal(sendAll(node), 3, "what was given up never comes again");
  node.crash();
});

Deno.test("nothing waits: a sink may go", async () => {
  using folder = folderWith(async (node, submit) => {
    node.output!.open({ topicId: "t", partitions: 3 });
    await submit(10);
    sendAll(node);
    for (let taken = node.storage!.take(); taken !== undefined; taken = node.storage!.take()) {
      node.storage!.acknowledge(taken.row.id, taken.row.count);
    }
  });
  await folder.begin();
  folder.settle(false, false);
});

Deno.test("without the output topic results are kept for the state alone", async () => {
  const folder = tempFolder();
  const start = (output: boolean) =>
    startNode({ dir: folder.path, clock: { time: 1.7e12 }, output });
  let node = start(false);
  await submit(node, 5);
  node.crash();
  node = start(true);
  assert.equal(node.totals().lastProcessed, 1.7e12);
  node.output!.open({ topicId: "t", partitions: 2 });
  await submit(node, 4);
  assert.equal(sendAll(node), 4);
  node.crash();
  folder[Symbol.dispose]();
});

Deno.test("an output topic with another name: no start with results of the old one, unless they are given up", async () => {
  using folder = folderWith(async (it, submit) => {
    settleRemovedSinks({
      store: it.store,
      log: SILENT,
      outputTopic: "old",
      hasStorage: true,
      discard: [],
    });
    it.output!.open({ topicId: "t", partitions: 2 });
    it.output!.identify(0, { topicId: "t", producerId: 5n, producerEpoch: 0 });
    await submit(6);
  });
  await folder.begin();
  folder.settle("old", true);
  assert.throws(
    () => folder.settle("new", true),
    (error) =>
      error instanceof UnsentResults &&
      /^starting with OUTPUT_TOPIC=new in place of old: 6 results still wait for it; set it to old again, or .*=output$/
        .test(error.message),
  );
  folder.settle("old", true);
  assert.deepEqual(folder.dropped(), { output: 0, storage: 0 });
  // Two things are wrong: neither is settled by half.
  assert.throws(
    () => folder.settle("new", false, ["output"]),
    refusal("storage", 6, "STORAGE_SERVICE_URL"),
  );
  assert.throws(() => folder.settle("new", true), UnsentResults);

  folder.settle("new", true, ["output"]);
  folder.settle("new", true);
  assert.deepEqual(folder.dropped(), { output: 6, storage: 0 });
  const node = folder.start({ output: true, storage: true });
  assert.deepEqual(node.output!.lanes().map(({ producerId }) => producerId), [-1n, -1n]);
  await submit(node, 3);
  assert.equal(sendAll(node), 3, "what was given up never comes again");
  node.ingest.maintain();
  node.crash();
  folder.settle("newest", true);
});

Deno.test("a folder that is older than the topic's name takes the one that is set", async () => {
  using folder = folderWith(async (node, submit) => {
    node.output!.open({ topicId: "t", partitions: 1 });
    await submit(4);
  });
  await folder.begin();
  folder.settle("first", true);
  assert.throws(() => folder.settle("second", true), UnsentResults);
  folder.settle("first", true);
});
