import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { tempFolder } from "../harness/temp.ts";
import { now, open, SOURCE } from "./samples.ts";

Deno.test("a position moves only from where it is, and only forward", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  const advance = (asked: number, end: number, source = SOURCE) =>
    store.transact((tx) => tx.advance(source, asked, end));
  assert.equal(advance(0, 5), false); // a first start is a jump first
  assert.equal(store.positions.next(SOURCE), undefined);
  store.positions.jump(SOURCE, 2 ** 40, "first start");
  assert.equal(advance(2 ** 40, 2 ** 40 + 5), true);
  assert.equal(advance(2 ** 40, 2 ** 40 + 9), false);
  assert.equal(store.positions.next(SOURCE), 2 ** 40 + 5);
  assert.equal(advance(2 ** 40 + 5, 2 ** 40 + 5), true);
  assert.throws(
    () => advance(2 ** 40 + 5, 2 ** 40),
    new RangeError(`advancing readings-3: the end must be at least ${2 ** 40 + 5}, is ${2 ** 40}`),
  );
  for (const other of [{ clusterId: "x" }, { topicId: "x" }, { partition: 4 }]) {
    assert.equal(advance(2 ** 40 + 5, 2 ** 40 + 6, { ...SOURCE, ...other }), false);
  }
  store.close();
});

Deno.test("jumps are kept with both ends and their reason, the newest thousand; all are counted", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  const { positions } = store;
  assert.deepEqual(store.jumps(), new Map());
  positions.jump(SOURCE, 7, "first start");
  for (let i = 0; i < 1000; i++) positions.jump(SOURCE, 10 + i, "committed by another member");
  positions.jump(SOURCE, 3, "offset out of range");
  assert.equal(positions.next(SOURCE), 3);
  assert.deepEqual(
    store.jumps(),
    new Map([
      ["committed by another member", 1000],
      ["first start", 1],
      ["offset out of range", 1],
    ]),
  );
  store.close();
  const db = new Database(`${folder.path}/plumbline.db`, { readonly: true });
  const jumps = db.prepare(
    "SELECT time, topic, partition, previous, next, reason FROM position_jumps ORDER BY id",
  ).raw().all() as unknown[][];
  db.close();
  const kept = [now(), "readings", 3];
  assert.equal(jumps.length, 1000);
  assert.deepEqual(jumps[0], [...kept, 10, 11, "committed by another member"]);
  assert.deepEqual(jumps[999], [...kept, 1009, 3, "offset out of range"]);
});

Deno.test("the first jump of a position comes from nowhere", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  store.positions.jump(SOURCE, 7, "first start");
  store.close();
  const db = new Database(`${folder.path}/plumbline.db`, { readonly: true });
  assert.equal(db.prepare("SELECT previous FROM position_jumps").pluck().get(), null);
  db.close();
});

Deno.test("a recreated topic is the next generation of its name in its cluster", () => {
  using folder = tempFolder();
  let store = open(folder.path);
  const generation = (clusterId: string, topic: string, topicId: string) =>
    store.positions.generation({ clusterId, topic, topicId });
  assert.equal(generation("c", "t", "1"), 0);
  assert.equal(generation("c", "t", "2"), 1);
  assert.equal(generation("c", "t", "1"), 0);
  assert.equal(generation("c", "other", "3"), 0);
  assert.equal(generation("d", "t", "4"), 0);
  store.close();
  store = open(folder.path);
  assert.equal(generation("c", "t", "5"), 2);
  assert.equal(generation("c", "t", "2"), 1);
  store.close();
});

Deno.test("a group's member id is the last one saved", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  assert.equal(store.positions.memberId("g"), undefined);
  store.positions.saveMemberId("g", "one");
  store.positions.saveMemberId("g", "two");
  store.positions.saveMemberId("h", "three");
  assert.equal(store.positions.memberId("g"), "two");
  assert.equal(store.positions.memberId("h"), "three");
  store.close();
});
