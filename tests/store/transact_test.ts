import assert from "node:assert/strict";
import type { Transaction } from "../../src/pipeline/ports.ts";
import { tempFolder } from "../harness/temp.ts";
import { blocksOf } from "./anomaly_samples.ts";
import { counts, device, lane, now, open, row, series, SOURCE } from "./samples.ts";

/** One call of every kind of write. */
const WRITES: Record<keyof Transaction, (tx: Transaction) => unknown> = {
  advance: (tx) => tx.advance(SOURCE, 0, 10),
  append: (tx) => tx.append(row(2), "output"),
  retarget: (tx) => tx.retarget(1, "state"),
  reject: (tx) => tx.reject(rejected("a")),
  refuse: (tx) =>
    tx.refuse({
      id: "a",
      sink: "output",
      tenant: "t",
      time: now(),
      reason: "r",
      status: null,
      answer: null,
      attempts: 1,
      bytes: new Uint8Array(1),
    }),
  takeLetter: (tx) => tx.takeLetter(1),
  discardLetters: (tx) => tx.discardLetters([1]),
  markLetters: (tx) => tx.markLetters([1], true),
  moveLetterCopy: (tx) => tx.moveLetterCopy(1, { sent: 1, tooLarge: 0 }),
  keepAnomalies: (tx) => tx.keepAnomalies(blocksOf([{}], { time: now() })),
  count: (tx) => tx.count(counts({ read: 1, results: 1 })),
  saveDevice: (tx) => tx.saveDevice(device("a")),
  saveGlobal: (tx) =>
    tx.saveGlobal({
      journalId: 1,
      lastProcessed: 5,
      temperature: series(1),
      humidity: series(2),
      metrics: [{ name: "co2", series: series(3) }],
    }),
  moveCheckpoint: (tx) => tx.moveCheckpoint(7),
  saveLane: (tx) => tx.saveLane(lane(0, { acknowledged: 5, end: 10 })),
  saveBarriers: (tx) => tx.saveBarriers(new Map([[0, [3]]])),
  dropLane: (tx) => tx.dropLane(1),
  moveStorageCursor: (tx) => tx.moveStorageCursor(1, 2),
  dropStorageCursor: (tx) => tx.dropStorageCursor(),
  prune: (tx) => tx.prune(1),
  deleteRows: (tx) => tx.deleteRows([1, 7]),
  dropOutgoing: (tx) => tx.dropOutgoing([1]),
  saveGap: (tx) => tx.saveGap("storage", { first: 1, last: 1, rows: 1, bytes: 1 }),
  removeGap: (tx) => tx.removeGap("output", 1),
  countDropped: (tx) => tx.countDropped("output", 1),
  saveTenantStretch: (tx) => tx.saveTenantStretch({ tenant: "t", first: 1, last: 2, bytes: 3 }),
  dropTenantStretch: (tx) => tx.dropTenantStretch("t", 1),
  saveOutputTopic: (tx) => tx.saveOutputTopic("out"),
};

function rejected(id: string) {
  return { id, topic: "t", partition: 0, offset: 5, time: now(), reason: "r", bytes: null };
}

/** A store with something in every table that a write may change. */
function filled(dir: string) {
  const store = open(dir);
  store.positions.jump(SOURCE, 0, "first start");
  store.transact((tx) => {
    tx.append(row(1, { lane: 1, lanes: 3 }), "output");
    tx.saveLane(lane(1, { end: 10 }));
    tx.moveStorageCursor(1, 0);
    tx.reject(rejected("first"));
    tx.saveGap("output", { first: 1, last: 2, rows: 1, bytes: 5 });
    tx.saveTenantStretch({ tenant: "t", first: 1, last: 1, bytes: 2 });
  });
  return store;
}

function everything(store: ReturnType<typeof open>) {
  const { journal, devices } = store;
  return {
    position: store.positions.next(SOURCE),
    rows: journal.resultRows(0, Infinity),
    goingOut: [0, 1].map((lane) => journal.outputRows(lane, -1, Infinity).map((row) => row.id)),
    size: journal.size(),
    lastId: journal.lastId(),
    lanes: journal.lanes(),
    barriers: journal.barriers(),
    cursor: journal.storageCursor(),
    checkpoint: journal.checkpoint(),
    counters: store.counters(),
    devices: devices.page({ limit: 10 }),
    global: devices.loadGlobal(),
    deadLetters: store.deadLetters({ limit: 10 }).length,
    letterCounts: store.letters.counts(),
    anomalies: store.anomalies.counts(),
    marked: store.letters.marked(10),
    totals: store.deadLetterTotals(),
    gaps: [journal.gaps("output"), journal.gaps("storage")],
    tenantStretches: journal.tenantStretches(),
    dropped: store.resultsDropped(),
    outputTopic: journal.outputTopic(),
  };
}

for (const [name, write] of Object.entries(WRITES)) {
  Deno.test(`${name}: written when the work returns, rolled back when it throws, dead afterwards`, () => {
    using folder = tempFolder();
    const store = filled(folder.path);
    const before = everything(store);
    const failure = new Error("the work failed");
    assert.throws(
      () =>
        store.transact((tx) => {
          write(tx);
          assert.notDeepEqual(everything(store), before);
          throw failure;
        }),
      failure,
    );
    assert.deepEqual(everything(store), before);
    let kept: Transaction | undefined;
    store.transact((tx) => {
      kept = tx;
      write(tx);
    });
    const after = everything(store);
    assert.notDeepEqual(after, before);
    assert.throws(() => write(kept!), /the transaction must be running, it has ended/);
    // Not even inside another transaction.
    store.transact(() => assert.throws(() => write(kept!), /it has ended/));
    assert.deepEqual(everything(store), after);
    store.close();
    const again = open(folder.path);
    assert.deepEqual(everything(again), after);
    again.close();
  });
}

Deno.test("transact answers what the work answers", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  assert.equal(store.transact(() => 5), 5);
  store.close();
});

Deno.test("a transaction within a transaction is refused; the outer one is rolled back or goes on", () => {
  using folder = tempFolder();
  const store = filled(folder.path);
  const before = everything(store);
  const nested = () => store.transact((tx) => tx.moveCheckpoint(9));
  assert.throws(
    () =>
      store.transact((tx) => {
        tx.append(row(2), "output");
        nested();
      }),
    /at most 1 at a time/,
  );
  assert.deepEqual(everything(store), before);
  store.transact((tx) => {
    tx.append(row(2), "output");
    assert.throws(nested, /at most 1 at a time/);
    assert.throws(() => store.positions.jump(SOURCE, 5, "first start"), /at most 1 at a time/);
  });
  assert.equal(store.journal.size().rows, 2);
  assert.equal(store.journal.checkpoint(), 0);
  store.close();
});

Deno.test("work that awaits is refused and rolled back, and its rest can't write", async () => {
  using folder = tempFolder();
  const store = filled(folder.path);
  const before = everything(store);
  let rest: Promise<void> | undefined;
  assert.throws(
    () =>
      store.transact((tx) => {
        tx.moveCheckpoint(3);
        rest = (async () => {
          await Promise.resolve();
          tx.moveCheckpoint(4);
        })();
        return rest;
      }),
    /the work must be synchronous, got a promise/,
  );
  await assert.rejects(rest!, /it has ended/);
  assert.deepEqual(everything(store), before);
  store.close();
});

Deno.test("an id that was ever committed is refused, also after pruning and opening again", () => {
  using folder = tempFolder();
  const first = open(folder.path);
  first.transact((tx) => {
    tx.append(row(6), "output");
    tx.append(row(5), "output"); // within a transaction the order is free
  });
  first.transact((tx) => tx.prune(6));
  assert.equal(first.journal.lastId(), 6);
  first.close();
  const second = open(folder.path);
  assert.equal(second.journal.lastId(), 6);
  assert.deepEqual(second.journal.size(), { rows: 0, bytes: 0 });
  for (const id of [5, 6]) {
    assert.throws(
      () => second.transact((tx) => tx.append(row(id), "output")),
      new RangeError(`appending to the journal: the id must be above 6, is ${id}`),
    );
  }
  second.transact((tx) => tx.append(row(7), "output"));
  second.close();
});
