import assert from "node:assert/strict";
import type { JournalTarget } from "../../src/pipeline/ports.ts";
import { tempFolder } from "../harness/temp.ts";
import { lane, now, open, row } from "./samples.ts";

function ids(rows: readonly { id: number }[]): number[] {
  return rows.map((row) => row.id);
}

/** Rows of one lane with ten records each, one after the other. */
function storeWithRows(dir: string, targets: readonly JournalTarget[]) {
  const store = open(dir);
  store.transact((tx) => {
    for (const [i, target] of targets.entries()) {
      tx.append(row(i + 1, { baseSequence: i * 10 }), target);
    }
  });
  return store;
}

Deno.test("a body is stored as it is, whatever buffer it is a part of, and comes back alone", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  const whole = new Uint8Array(2_000_000).map((_, i) => i * 7);
  const bodies = [whole.subarray(3, 950_003), whole.subarray(5, 6), whole.subarray(9, 9)];
  store.transact((tx) => {
    for (const [i, body] of bodies.entries()) tx.append(row(i + 1, { body }), "output");
  });
  for (const [i, { body }] of store.journal.resultRows(0, Infinity).entries()) {
    assert.equal(body.constructor, Uint8Array);
    assert.equal(Buffer.compare(body, bodies[i]), 0);
  }
  assert.deepEqual(store.journal.size(), { rows: 3, bytes: 950_001 });
  store.close();
});

Deno.test("numbers beyond 32 bits come back as they were", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  const big = row(2 ** 40, { baseSequence: 2 ** 50, time: 2 ** 41, count: 3 });
  store.transact((tx) => tx.append(big, "output"));
  assert.deepEqual(store.journal.outputRows(0, 2 ** 50 + 2, Infinity), [big]);
  assert.deepEqual(store.journal.outputRows(0, 2 ** 50 + 3, Infinity), []);
  assert.equal(store.journal.lastId(), 2 ** 40);
  store.close();
});

Deno.test("rows come out in order until the size is reached, at least one", () => {
  using folder = tempFolder();
  const store = storeWithRows(folder.path, ["output", "output", "output", "output"]);
  const { journal } = store;
  for (const [size, wanted] of [[0, 1], [100, 1], [199, 1], [200, 2], [Infinity, 4]] as const) {
    const expected = [1, 2, 3, 4].slice(0, wanted);
    assert.deepEqual(ids(journal.outputRows(0, 0, size)), expected);
    assert.deepEqual(ids(journal.resultRows(0, size)), expected);
  }
  assert.deepEqual(ids(journal.outputRows(0, 9, Infinity)), [1, 2, 3, 4]);
  assert.deepEqual(ids(journal.outputRows(0, 10, Infinity)), [2, 3, 4]);
  assert.deepEqual(ids(journal.outputRows(0, 39, Infinity)), [4]);
  assert.deepEqual(ids(journal.outputRows(0, 40, Infinity)), []);
  assert.deepEqual(ids(journal.outputRows(1, 0, Infinity)), []);
  store.close();
});

Deno.test("what goes out and what holds results, by target", () => {
  using folder = tempFolder();
  const store = storeWithRows(folder.path, ["output", "state", "reframed", "refused"]);
  assert.deepEqual(ids(store.journal.outputRows(0, -1, Infinity)), [1, 3]);
  assert.deepEqual(ids(store.journal.resultRows(0, Infinity)), [1, 2]);
  // Another target changes what goes out, never what holds results.
  store.transact((tx) => {
    tx.retarget(1, "refused");
    tx.retarget(3, "refused");
  });
  assert.deepEqual(ids(store.journal.outputRows(0, -1, Infinity)), []);
  assert.deepEqual(ids(store.journal.resultRows(0, Infinity)), [1, 2]);
  assert.throws(
    () => store.transact((tx) => tx.retarget(9, "state")),
    /retargeting a journal row: there is no row 9/,
  );
  store.close();
});

Deno.test("a row that was split: its pieces go out in its place, and hold pruning at the rows after it", () => {
  using folder = tempFolder();
  const store = storeWithRows(folder.path, ["output", "output", "output"]);
  store.transact((tx) => {
    tx.retarget(1, "state");
    tx.append(row(4, { baseSequence: 0, count: 6 }), "reframed");
    tx.append(row(5, { baseSequence: 6, count: 4 }), "reframed");
  });
  const { journal } = store;
  assert.deepEqual(ids(journal.outputRows(0, 0, Infinity)), [4, 5, 2, 3]);
  assert.deepEqual(ids(journal.outputRows(0, 6, Infinity)), [5, 2, 3]);
  assert.equal(journal.oldestUnsent([lane(0, { acknowledged: 6 })]), 2);
  assert.equal(journal.oldestUnsent([lane(0, { acknowledged: 20 })]), 3);
  assert.equal(journal.oldestUnsent([lane(0, { acknowledged: 30 })]), undefined);
  store.transact((tx) => [2, 3].forEach((id) => tx.retarget(id, "state")));
  assert.equal(journal.oldestUnsent([lane(0, { acknowledged: 0 })]), 4);
  assert.equal(journal.oldestUnsent([lane(0, { acknowledged: 6 })]), 5);
  store.close();
});

Deno.test("rows of a lane that isn't given count as unsent", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  store.transact((tx) => {
    tx.append(row(1, { lane: 0 }), "output");
    tx.append(row(2, { lane: -1, lanes: 0 }), "output");
    tx.append(row(3, { lane: -1, lanes: 0 }), "output");
  });
  assert.equal(store.journal.oldestUnsent([lane(0, { acknowledged: 10 })]), 2);
  assert.deepEqual(ids(store.journal.outputRows(-1, -1, Infinity)), [2, 3]);
  store.close();
});

Deno.test("a lane's end grows with its rows and survives everything that takes them away", () => {
  using folder = tempFolder();
  let store = open(folder.path);
  const end = () => store.journal.lanes().find(({ lane }) => lane === 0)?.end;
  store.transact((tx) => tx.saveLane(lane(0)));
  store.transact((tx) => tx.append(row(1), "output"));
  assert.equal(end(), 10);
  store.transact((tx) => tx.append(row(2, { baseSequence: 10 }), "output"));
  store.transact((tx) => tx.retarget(2, "refused"));
  assert.equal(end(), 20);
  store.transact((tx) => tx.append(row(3, { baseSequence: 20 }), "output"));
  store.transact((tx) => tx.prune(3));
  assert.equal(end(), 30);
  store.transact((tx) => tx.saveLane(lane(0, { acknowledged: 20, end: 20 })));
  store.close();
  store = open(folder.path);
  assert.equal(end(), 30);
  store.close();
});

Deno.test("a lane that is gone: its rows go nowhere and don't hold pruning", () => {
  using folder = tempFolder();
  const store = storeWithRows(folder.path, ["output", "reframed"]);
  store.transact((tx) => tx.saveLane(lane(0, { acknowledged: 20, end: 20 })));
  store.transact((tx) => tx.dropLane(0));
  assert.deepEqual(store.journal.lanes(), []);
  assert.deepEqual(store.journal.outputRows(0, -1, Infinity), []);
  assert.equal(store.journal.oldestUnsent([]), undefined);
  assert.deepEqual(ids(store.journal.resultRows(0, Infinity)), [1]);
  store.close();
});

Deno.test("a lane's identity keeps all 64 bits of the producer id", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  const lanes = [
    lane(0, { producerId: 2n ** 63n - 1n, producerEpoch: 32767, lastOffset: 2 ** 45 }),
    lane(1, { producerId: 9007199254740993n }),
    lane(7),
  ];
  store.transact((tx) => lanes.forEach((each) => tx.saveLane(each)));
  assert.deepEqual(store.journal.lanes(), lanes);
  store.close();
});

Deno.test("barriers are kept as they were saved last", () => {
  using folder = tempFolder();
  let store = open(folder.path);
  assert.deepEqual(store.journal.barriers(), new Map());
  const barriers = new Map([[0, [10, 30]], [1, [0, 7]], [4, [5, 5]]]);
  store.transact((tx) => tx.saveBarriers(new Map([[0, [1]], [9, [2]]])));
  store.transact((tx) => tx.saveBarriers(barriers));
  store.close();
  store = open(folder.path);
  assert.deepEqual(store.journal.barriers(), barriers);
  store.close();
});

Deno.test("the storage cursor: none, moved, gone; results and size from a row on", () => {
  using folder = tempFolder();
  const store = storeWithRows(folder.path, ["output", "state", "reframed", "output"]);
  const { journal } = store;
  assert.equal(journal.storageCursor(), undefined);
  store.transact((tx) => tx.moveStorageCursor(2, 4));
  store.transact((tx) => tx.moveStorageCursor(2, 7));
  assert.deepEqual(journal.storageCursor(), { row: 2, record: 7 });
  assert.equal(journal.resultsFrom({ row: 2, record: 7 }), 13);
  assert.equal(journal.resultsFrom({ row: 3, record: 0 }), 10);
  assert.equal(journal.resultsFrom({ row: 5, record: 0 }), 0);
  assert.deepEqual(journal.sizeFrom(3), { rows: 2, bytes: 200 });
  assert.deepEqual(journal.sizeFrom(5), { rows: 0, bytes: 0 });
  assert.equal(journal.timeFrom(4), now());
  assert.equal(journal.timeFrom(5), undefined);
  store.transact((tx) => tx.dropStorageCursor());
  assert.equal(journal.storageCursor(), undefined);
  store.close();
  const again = open(folder.path);
  assert.deepEqual(again.journal.sizeFrom(3), { rows: 2, bytes: 200 });
  assert.deepEqual(again.journal.size(), { rows: 4, bytes: 400 });
  again.close();
});
