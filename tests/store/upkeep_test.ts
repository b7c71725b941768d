import assert from "node:assert/strict";
import Database from "better-sqlite3";
import type { Log } from "../../src/pipeline/ports.ts";
import { DiskLow } from "../../src/pipeline/ports.ts";
import { DiskWatch, reserveOf, walLimit } from "../../src/store/disk.ts";
import { openStore } from "../../src/store/open.ts";
import { FileUpkeep, PAGE_SIZE } from "../../src/store/upkeep.ts";
import { tempFolder } from "../harness/temp.ts";
import { row, SILENT } from "./samples.ts";

const MIB = 1024 ** 2;

Deno.test("a drained backlog: what stays free for a minute goes back to the disk, a slice at a time", () => {
  using folder = tempFolder();
  const clock = { time: 1e12 };
  const store = openStore({ dir: folder.path, log: SILENT, now: () => clock.time });
  const body = new Uint8Array(900_000);
  store.transact((tx) => {
    for (let id = 1; id <= 100; id++) tx.append(row(id, { body, baseSequence: id * 10 }), "output");
  });
  store.transact((tx) => tx.prune(100));
  const free = store.fileState().freeBytes;
  assert.ok(free > 85 * MIB, `${free}`);
  clock.time += 59_000;
  store.maintain();
  assert.equal(store.fileState().freeBytes, free, "too early");
  clock.time += 1_000;
  store.maintain();
  assert.ok(store.fileState().freeBytes < free);
  let calls = 1;
  for (let last = free; store.fileState().freeBytes < last; calls++) {
    last = store.fileState().freeBytes;
    store.maintain();
  }
  const left = store.fileState().freeBytes;
  assert.ok(left <= 16 * MIB && left > 15 * MIB, `${left} are kept for the next rows`);
  assert.ok(calls > 3, `in ${calls} slices`);
  store.close();
  assert.ok(Deno.statSync(`${folder.path}/plumbline.db`).size < 20 * MIB);
});

Deno.test("on a disk that is nearly full pages that are free go back while the file is open", () => {
  using folder = tempFolder();
  const file = `${folder.path}/plumbline.db`;
  const db = new Database(file);
  db.pragma(`page_size = ${PAGE_SIZE}`);
  db.pragma("auto_vacuum = INCREMENTAL");
  db.pragma("journal_mode = WAL");
  db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
  for (let id = 1; id <= 20; id++) {
    db.prepare("INSERT INTO t VALUES (?, zeroblob(900000))").run(id);
  }
  db.pragma("wal_checkpoint(TRUNCATE)");
  const bytes = () => Deno.statSync(file).size + Deno.statSync(`${file}-wal`).size;
  const full = bytes();
  assert.ok(full > 18_000_000, `${full}`);
  const upkeep = new FileUpkeep(db, {
    space: () => ({ free: 0, total: 1e9 }),
    walBytes: () => 0,
    now: () => 0,
    log: SILENT,
  });
  db.exec("DELETE FROM t WHERE id > 2");
  // Nobody else writes: nothing but the upkeep itself can bring the log into the file.
  for (let last = Infinity; upkeep.freeBytes < last;) {
    last = upkeep.freeBytes;
    upkeep.run();
  }
  assert.equal(upkeep.freeBytes, 0);
  assert.ok(bytes() < 3_000_000, `${bytes()} of ${full} bytes are still taken`);
  db.close();
});

Deno.test("the write-ahead log's bound follows the room on the disk", () => {
  assert.equal(walLimit({ free: 1e12, total: 1e12 }), 64_000_000);
  assert.equal(walLimit({ free: 64 * MIB, total: 1e9 }), 4 * MIB);
  assert.equal(walLimit({ free: 0, total: 1e9 }), MIB);
  using folder = tempFolder();
  const db = new Database(`${folder.path}/a.db`);
  const space = { free: 1e12, total: 1e12 };
  const upkeep = new FileUpkeep(db, {
    space: () => space,
    walBytes: () => 0,
    now: () => 0,
    log: SILENT,
  });
  const pages = () => db.pragma("wal_autocheckpoint", { simple: true });
  assert.equal(pages(), Math.ceil(64_000_000 / PAGE_SIZE));
  space.free = 32 * MIB;
  upkeep.run();
  assert.equal(pages(), 128);
  assert.equal(db.pragma("journal_size_limit", { simple: true }), 4 * MIB);
  db.close();
});

Deno.test("somebody's open read lets the log grow: that is told once, and when it is over", () => {
  using folder = tempFolder();
  const file = `${folder.path}/plumbline.db`;
  const clock = { time: 1e12 };
  const told: string[] = [];
  const tell = (message: string) => void told.push(message);
  const log: Log = { ...SILENT, info: tell, warn: tell };
  const db = new Database(file);
  db.pragma("journal_mode = WAL");
  db.exec("CREATE TABLE t (a)");
  const reader = new Database(file, { readonly: true });
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM t").get();
  const upkeep = new FileUpkeep(db, {
    space: () => ({ free: 0, total: 1e9 }),
    walBytes: () => Deno.statSync(`${file}-wal`).size,
    now: () => clock.time,
    log,
  });
  for (let i = 0; i < 4; i++) db.prepare("INSERT INTO t VALUES (zeroblob(1000000))").run();
  for (let i = 0; i < 8; i++) {
    clock.time += 6_000;
    upkeep.run();
  }
  assert.equal(upkeep.heldSeconds, 42);
  assert.deepEqual(told, ["somebody's open read of plumbline.db lets its write-ahead log grow"]);
  reader.close();
  clock.time += 6_000;
  upkeep.run();
  assert.equal(upkeep.heldSeconds, 0);
  assert.equal(told.at(-1), "the write-ahead log is emptied again");
  db.prepare("INSERT INTO t VALUES (1)").run();
  assert.ok(Deno.statSync(`${file}-wal`).size <= 2 * MIB);
  db.close();
});

Deno.test("a disk that is nearly full takes no rows, until there is more than the reserve again", () => {
  const space = { free: 100 * MIB, total: 320 * MIB };
  assert.equal(reserveOf(space), 20 * MIB);
  const watch = new DiskWatch({ space: () => space, freeInFile: () => 5 * MIB });
  assert.equal(watch.low(), undefined);
  space.free = 20 * MIB - 1;
  assert.match(watch.low()!, /nearly full: 20971519 bytes are left, the last 20971520/);
  space.free = 24 * MIB;
  assert.notEqual(watch.low(), undefined, "not at once");
  space.free = 25 * MIB;
  assert.equal(watch.low(), undefined);
  // A transaction counts its rows twice: in the log, and in the file as far as that must grow.
  watch.begin();
  watch.add(9 * MIB);
  assert.throws(() => watch.add(2 * MIB), DiskLow);
  assert.notEqual(watch.low(), undefined, "it would be refused again");
  space.free = 100 * MIB;
  assert.equal(watch.low(), undefined);
});
