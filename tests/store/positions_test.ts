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
  positions.jump(SOURCE, 2000, "offset out of range");
  positions.jump(SOURCE, 3, "log truncated");
  assert.equal(positions.next(SOURCE), 3);
  assert.equal(store.skippedRecords(), 991);
  assert.deepEqual(
    store.jumps(),
    new Map([
      ["committed by another member", 1000],
      ["first start", 1],
      ["log truncated", 1],
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
  assert.deepEqual(jumps[0], [...kept, 11, 12, "committed by another member"]);
  assert.deepEqual(jumps[998], [...kept, 1009, 2000, "offset out of range"]);
  assert.deepEqual(jumps[999], [...kept, 2000, 3, "log truncated"]);
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

Deno.test("a topic's generation counts those of its name over all clusters", () => {
  using folder = tempFolder();
  let store = open(folder.path);
  const generation = (clusterId: string, topic: string, topicId: string) => {
    const { number, recreated } = store.positions.generation({ clusterId, topic, topicId });
    return [number, recreated];
  };
  assert.deepEqual(generation("c", "t", "1"), [0, false]);
  assert.deepEqual(generation("c", "t", "2"), [1, true]);
  assert.deepEqual(generation("c", "t", "1"), [0, false]);
  assert.deepEqual(generation("c", "other", "3"), [0, false]);
  assert.deepEqual(generation("d", "t", "4"), [2, false], "the first in its cluster");
  store.close();
  store = open(folder.path);
  assert.deepEqual(generation("c", "t", "5"), [3, true]);
  assert.deepEqual(generation("c", "t", "2"), [1, true]);
  assert.deepEqual(generation("d", "t", "4"), [2, false]);
  store.close();
});

Deno.test("a higher generation of the group is adopted, unless the folder has used it", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  const generation = (topicId: string, agreed: number) =>
    store.positions.generation({ clusterId: "c", topic: "t", topicId, agreed }).number;
  assert.equal(generation("1", 4), 4);
  assert.equal(generation("1", -1), 4);
  assert.equal(generation("1", 3), 4);
  assert.equal(generation("2", 0), 5);
  assert.equal(generation("1", 5), 6, "5 is the other topic's");
  assert.equal(generation("2", 5), 5);
  assert.equal(generation("3", -1), 7);
  store.close();
});

Deno.test("a folder of an earlier version keeps its generations, equal ones of two clusters too", () => {
  using folder = tempFolder();
  open(folder.path).close();
  const db = new Database(`${folder.path}/plumbline.db`);
  db.exec(`INSERT INTO topics (cluster_id, topic, topic_id, generation) VALUES
    ('c', 't', '1', 0), ('c', 't', '2', 1), ('d', 't', '3', 0), ('d', 't', '4', 1)`);
  db.close();
  const store = open(folder.path);
  const generation = (clusterId: string, topicId: string) =>
    store.positions.generation({ clusterId, topic: "t", topicId }).number;
  assert.deepEqual(
    [generation("c", "1"), generation("c", "2"), generation("d", "3"), generation("d", "4")],
    [0, 1, 0, 1],
  );
  assert.equal(generation("e", "5"), 2);
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
