/** What happens at a backlog's limits, over a real store. */
import assert from "node:assert/strict";
import { BacklogFull } from "../../src/pipeline/ports.ts";
import { type BacklogLimits } from "../../src/pipeline/sink_backlog.ts";
import { decodeRecords, textOf } from "../core/record_twin.ts";
import { tempFolder } from "../harness/temp.ts";
import { type LogLine, memoryLog } from "../kafka/memory_log.ts";
import { START } from "./ingest_rig.ts";
import { type Node, type NodeOptions, startNode } from "./node.ts";

type Limits = { output?: Partial<BacklogLimits>; storage?: Partial<BacklogLimits> };

/** About what a commit of one reading adds to the journal. */
const ROW = 470;

function rig(limits: Limits, options: Partial<NodeOptions> = {}) {
  const folder = tempFolder();
  const clock = { time: START };
  const lines: LogLine[] = [];
  let submitted = 0;
  const start = () =>
    startNode({
      dir: folder.path,
      clock,
      limits,
      storage: limits.storage !== undefined,
      log: memoryLog(lines),
      newId: () => `r${submitted++}`,
      ...options,
    });
  let node = start();
  node.output?.open({ topicId: "t", partitions: 1 });
  return {
    clock,
    lines,
    get node(): Node {
      return node;
    },
    restart(): void {
      node.crash();
      node = start();
    },
    /** Commits of one reading each, a second apart. */
    async submit(commits: number): Promise<void> {
      for (let i = 0; i < commits; i++) {
        await node.ingest.submit(new TextEncoder().encode(`{"device_id":"d","temperature":1}`));
        clock.time += 1000;
      }
    },
    /** As the engine does it four times a second; time enough for a checkpoint. */
    maintain(): void {
      for (let i = 0; i < 3; i++) {
        clock.time += 6000;
        node.ingest.maintain();
      }
    },
    told: (message: RegExp) => lines.filter((line) => message.test(line.message)),
    [Symbol.dispose]() {
      node.crash();
      folder[Symbol.dispose]();
    },
  };
}

function idsOf(row: { body: Uint8Array; count: number }): string[] {
  return decodeRecords(row as Parameters<typeof decodeRecords>[0])
    .map(({ value }) => JSON.parse(textOf(value)).id);
}

/** The sink takes what there is, and acknowledges it. */
function send({ output }: Node, rows = Infinity): string[] {
  const ids: string[] = [];
  for (let row; rows-- > 0 && (row = output!.take(0)) !== undefined;) {
    ids.push(...idsOf(row));
    output!.acknowledge(0, row.baseSequence + row.count, -1);
  }
  return ids;
}

function post({ storage }: Node, rows = Infinity): string[] {
  const ids: string[] = [];
  for (let taken; rows-- > 0 && (taken = storage!.take()) !== undefined;) {
    ids.push(...idsOf(taken.row));
    storage!.acknowledge(taken.row.id, taken.row.count);
  }
  return ids;
}

const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `r${from + i}`);

for (const [sink, drain] of [["output", send], ["storage", post]] as const) {
  Deno.test(`${sink}, drop_oldest: the newest within the limit arrive, the rest is counted`, async () => {
    using it = rig({ [sink]: { policy: "drop_oldest", maxBytes: 5 * ROW } }, {
      output: sink === "output",
    });
    await it.submit(20);
    it.maintain();
    const { [sink]: dropped } = it.node.dropped();
    assert.ok(dropped >= 15 && dropped <= 16, `${dropped} dropped`);
    assert.equal(it.node.ingest.backlogFull, false, "reading goes on");
    it.restart();
    assert.equal(it.node.dropped()[sink], dropped);
    assert.ok(it.node[sink]!.backlog().bytes <= 5 * ROW);
    assert.deepEqual(drain(it.node), ids(dropped, 20));
    const { read, results, dropped: readings } = it.node.store.counters();
    assert.deepEqual([read, results, readings], [20, 20, 0], "a dropped result stays a result");
  });

  Deno.test(`${sink}, drop_newest: the oldest within the limit arrive, the rest is counted`, async () => {
    using it = rig({ [sink]: { policy: "drop_newest", maxBytes: 5 * ROW } }, {
      output: sink === "output",
    });
    await it.submit(20);
    const { [sink]: dropped } = it.node.dropped();
    assert.ok(dropped >= 13 && dropped <= 15, `${dropped} dropped`);
    it.restart();
    it.maintain();
    const came = drain(it.node);
    assert.deepEqual(came, ids(0, 20 - dropped));
    it.node.ingest.maintain();
    await it.submit(2);
    assert.deepEqual(drain(it.node), ids(20, 22), "with room again it gets new ones");
    assert.equal(it.node.dropped()[sink], dropped);
  });

  Deno.test(`${sink}: older than its limit is dropped, whatever room there is`, async () => {
    using it = rig({ [sink]: { policy: "drop_oldest", maxAgeMs: 8_500 } }, {
      output: sink === "output",
    });
    await it.submit(20);
    it.node.ingest.maintain();
    assert.equal(it.node.dropped()[sink], 12);
    assert.deepEqual(drain(it.node), ids(12, 20));
  });

  for (const policy of ["drop_oldest", "drop_newest"] as const) {
    Deno.test(`${sink}, ${policy}: the journal doesn't grow while the sink is dead for ever`, async () => {
      const other = sink === "output" ? "storage" : "output";
      using it = rig({ [sink]: { policy, maxBytes: 5 * ROW }, [other]: {} });
      // It has something in hand, and never answers.
      await it.submit(2);
      if (sink === "output") it.node.output!.take(0);
      else it.node.storage!.take();
      const others: string[] = [];
      for (let round = 0; round < 10; round++) {
        await it.submit(20);
        others.push(...(sink === "output" ? post : send)(it.node));
        it.maintain();
        const { bytes } = it.node.store.journal.size();
        assert.ok(bytes <= 8 * ROW, `round ${round}: ${bytes} bytes`);
      }
      assert.deepEqual(others, ids(0, 202), "the other sink has them all");
      assert.equal(it.node.device("default", "d")!.temperature.count, 202);
      it.restart();
      assert.equal(it.node.device("default", "d")!.temperature.count, 202);
      const { [sink]: dropped, [other]: none } = it.node.dropped();
      assert.equal(none, 0);
      const came = (sink === "output" ? send : post)(it.node);
      assert.equal(came.length + dropped, 202);
      assert.equal(came[0], "r0", "what was in hand isn't dropped");
      (sink === "output" ? post : send)(it.node);
      it.maintain();
      assert.deepEqual(it.node.store.journal.size(), { rows: 0, bytes: 0 });
      assert.deepEqual(it.node.store.journal.gaps(sink), []);
    });
  }

  Deno.test(`${sink}: what a recovery needs stays, though it was dropped`, async () => {
    using it = rig({ [sink]: { policy: "drop_oldest", maxBytes: ROW } }, {
      output: sink === "output",
    });
    await it.submit(4);
    it.node.ingest.maintain();
    assert.equal(it.node.store.journal.checkpoint(), 0);
    assert.ok(it.node.dropped()[sink] >= 2);
    it.restart();
    assert.equal(it.node.device("default", "d")!.temperature.count, 4);
    assert.equal(drain(it.node).length, 4 - it.node.dropped()[sink]);
  });

  Deno.test(`${sink}: a drop that can't be committed drops nothing, and is done later`, async () => {
    using it = rig({ [sink]: { policy: "drop_oldest", maxBytes: 5 * ROW } }, {
      output: sink === "output",
    });
    await it.submit(10);
    it.node.store.failingCommits = 1;
    it.clock.time += 1000;
    it.node.ingest.maintain();
    assert.equal(it.node.dropped()[sink], 0);
    assert.equal(it.told(/store can't be written/).length, 1);
    it.node.ingest.maintain();
    const { [sink]: dropped } = it.node.dropped();
    assert.ok(dropped >= 5, `${dropped} dropped`);
    assert.deepEqual(drain(it.node), ids(dropped, 10));
  });
}

Deno.test("a gap in a lane: the cursor passes it with what was before, and the producer id goes", async () => {
  using it = rig({ output: { policy: "drop_oldest", maxBytes: 5 * ROW } });
  const { output } = it.node;
  output!.identify(0, { topicId: "t", producerId: 5n, producerEpoch: 0 });
  await it.submit(1);
  const inHand = output!.take(0)!;
  await it.submit(19);
  it.maintain();
  const { output: dropped } = it.node.dropped();
  const next = output!.take(0)!;
  assert.equal(
    next.baseSequence,
    dropped + 1,
    "the sequences of what was dropped are used by nothing",
  );
  assert.equal(output!.lanes()[0].producerId, 5n, "what was sent under it isn't acknowledged");
  output!.rewind(0);
  assert.equal(output!.take(0), inHand);
  output!.acknowledge(0, 1, 0);
  output!.rewind(0);
  assert.equal(output!.take(0)!.baseSequence, dropped + 1);
  const [{ producerId, acknowledged }] = output!.lanes();
  assert.deepEqual([producerId, acknowledged], [-1n, dropped + 1]);
  it.node.ingest.maintain();
  it.restart();
  const [stored] = it.node.store.journal.lanes();
  assert.deepEqual([stored.producerId, stored.acknowledged], [-1n, dropped + 1]);
});

Deno.test("a producer id that was taken for a gap begins behind it, and stays", async () => {
  using it = rig({ output: { policy: "drop_oldest", maxBytes: 5 * ROW } });
  const { output } = it.node;
  output!.identify(0, { topicId: "t", producerId: 5n, producerEpoch: 0 });
  await it.submit(1);
  output!.take(0);
  await it.submit(19);
  it.maintain();
  const { output: dropped } = it.node.dropped();
  // The row behind the gap is handed out while the one before it is under way.
  assert.equal(output!.take(0)!.baseSequence, dropped + 1);
  output!.acknowledge(0, 1, 0);
  output!.identify(0, { topicId: "t", producerId: 6n, producerEpoch: 0 });
  assert.equal(it.node.store.journal.lanes()[0].acknowledged, dropped + 1);
  output!.rewind(0);
  assert.equal(output!.take(0)!.baseSequence, dropped + 1);
  assert.equal(output!.lanes()[0].producerId, 6n);
});

Deno.test("rows that wait for those of an older partition count go on when these were dropped", async () => {
  using it = rig({ output: { policy: "drop_oldest", maxAgeMs: 5_000 } });
  const { output, ingest } = it.node;
  await it.submit(3);
  output!.open({ topicId: "t2", partitions: 2 });
  it.clock.time += 10_000;
  ingest.maintain();
  assert.equal(it.node.dropped().output, 3);
  const devices = Array.from({ length: 8 }, (_, i) => `{"device_id":"d${i}"}`);
  await Promise.all(devices.map((body) => ingest.submit(new TextEncoder().encode(body))));
  let woken = 0;
  output!.onRows(() => woken++);
  assert.equal(output!.take(1), undefined, "lane 0 has an older row, as far as is known");
  assert.ok(output!.take(0));
  assert.equal(woken, 1, "the sink looks again");
  assert.ok(output!.take(1));
});

Deno.test("what an earlier process may have sent isn't dropped", async () => {
  using it = rig({ output: { policy: "drop_oldest", maxBytes: 2 * ROW } });
  it.node.output!.identify(0, { topicId: "t", producerId: 5n, producerEpoch: 0 });
  await it.submit(20);
  it.restart();
  it.maintain();
  const { output: dropped } = it.node.dropped();
  assert.ok(dropped > 0);
  assert.deepEqual(send(it.node), [...ids(0, 5), ...ids(5 + dropped, 20)]);
});

Deno.test("what was dropped is told by the ids of its first and last result, once a minute", async () => {
  using it = rig({ storage: { policy: "drop_newest", maxBytes: 3 * ROW } }, { output: false });
  await it.submit(50);
  const told = it.told(/results were dropped/);
  assert.equal(told.length, 1);
  const { sink, count, first_id } = told[0].fields!;
  assert.deepEqual([told[0].level, sink, count, first_id], ["error", "storage", 1, "r4"]);
  it.clock.time += 60_000;
  it.node.ingest.maintain();
  const [, second, ...more] = it.told(/results were dropped/);
  assert.deepEqual(more, []);
  const { fields } = second;
  assert.deepEqual([fields!.count, fields!.first_id, fields!.last_id], [45, "r5", "r49"]);
  await it.submit(1);
  it.node.backlogs.close();
  assert.equal(it.told(/results were dropped/).length, 3);
});

Deno.test("block: older than its limit, no more is taken until it has arrived", async () => {
  using it = rig({ output: { maxAgeMs: 5_000 } });
  await it.submit(3);
  it.node.ingest.maintain();
  assert.equal(it.node.ingest.backlogFull, false);
  it.clock.time += 3_000;
  it.node.ingest.maintain();
  assert.equal(it.node.ingest.backlogFull, true);
  assert.equal(
    it.node.backlogs.reason("output"),
    "the oldest result has waited for 6 s, the limit is 5 s",
  );
  await assert.rejects(() => it.submit(1), BacklogFull);
  assert.equal(send(it.node).length, 3);
  it.node.ingest.maintain();
  assert.equal(it.node.backlogs.reason("output"), undefined);
  await it.submit(1);
});

Deno.test("a sink whose results are dropped isn't well for a minute", async () => {
  using it = rig({ storage: { policy: "drop_oldest", maxBytes: 3 * ROW } }, { output: false });
  await it.submit(10);
  it.node.ingest.maintain();
  assert.match(it.node.backlogs.reason("storage")!, /^results were dropped: /);
  it.clock.time += 60_000;
  assert.equal(it.node.backlogs.reason("storage"), undefined);
});
