import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { StoreUnavailable } from "../../src/pipeline/ports.ts";
import { Transactor } from "../../src/store/transactor.ts";
import { tempFolder } from "../harness/temp.ts";

function unavailable(code: string) {
  return (error: Error) => {
    assert(error instanceof StoreUnavailable, `${error}`);
    assert.match(error.message, new RegExp(`^writing to the database: .*\\(${code}\\)$`));
    assert.equal((error.cause as { code: string }).code, code);
    return true;
  };
}

Deno.test("a full database: unavailable, all rolled back, the same work succeeds once there is room", () => {
  using folder = tempFolder();
  const db = new Database(`${folder.path}/a.db`);
  db.pragma("journal_mode = WAL");
  db.exec("CREATE TABLE t (a)");
  const transactor = new Transactor(db);
  const insert = db.prepare("INSERT INTO t VALUES (?)");
  const work = () => {
    for (let i = 0; i < 10; i++) insert.run(new Uint8Array(10_000));
  };
  db.pragma("max_page_count = 10");
  for (let i = 0; i < 3; i++) assert.throws(() => transactor.run(work), unavailable("SQLITE_FULL"));
  assert.equal(db.inTransaction, false);
  const count = db.prepare("SELECT count(*) FROM t").pluck();
  assert.equal(count.get(), 0);
  db.pragma("max_page_count = 1000");
  transactor.run(work);
  assert.equal(count.get(), 10);
  db.close();
});

Deno.test("a file that another connection holds: unavailable, and free again afterwards", () => {
  using folder = tempFolder();
  const holder = new Database(`${folder.path}/a.db`);
  holder.pragma("journal_mode = WAL");
  holder.exec("CREATE TABLE t (a); BEGIN IMMEDIATE");
  const db = new Database(`${folder.path}/a.db`, { timeout: 0 });
  const transactor = new Transactor(db);
  assert.throws(() => transactor.run(() => {}), unavailable("SQLITE_BUSY"));
  holder.exec("COMMIT");
  assert.equal(transactor.run(() => 1), 1);
  db.close();
  holder.close();
});

Deno.test("a file that can't be written: unavailable", () => {
  using folder = tempFolder();
  new Database(`${folder.path}/a.db`).exec("CREATE TABLE t (a)").close();
  const db = new Database(`${folder.path}/a.db`, { readonly: true });
  const transactor = new Transactor(db);
  const insert = db.prepare("INSERT INTO t VALUES (1)");
  assert.throws(() => transactor.run(() => insert.run()), unavailable("SQLITE_READONLY"));
  assert.equal(db.inTransaction, false);
  db.close();
});

Deno.test("other faults are thrown as they are", () => {
  const db = new Database(":memory:");
  db.exec("CREATE TABLE t (a UNIQUE)");
  const insert = db.prepare("INSERT INTO t VALUES (1)");
  const twice = () => {
    insert.run();
    insert.run();
  };
  assert.throws(() => new Transactor(db).run(twice), { code: "SQLITE_CONSTRAINT_UNIQUE" });
  assert.equal(db.prepare("SELECT count(*) FROM t").pluck().get(), 0);
  db.close();
});
