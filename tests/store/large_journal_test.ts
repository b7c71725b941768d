/** A start doesn't look at what waits: counted by what is read, not by time. */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { JournalTable } from "../../src/store/journal.ts";
import { tempFolder } from "../harness/temp.ts";
import { writeBacklog } from "../bench/backlog.ts";
import { open } from "./samples.ts";

const MIB = 1024 ** 2;

/** Pages that SQLite reads from the file for this, with an empty cache of its own. */
function pagesRead(file: string, work: (db: Database.Database) => void): number {
  const db = new Database(file, { readonly: true });
  // dbstat would read everything: the process's own reads are looked at.
  const before = readChars();
  work(db);
  const read = readChars() - before;
  db.close();
  return read / 16384;
}

function readChars(): number {
  return Number(/^rchar: (\d+)$/m.exec(Deno.readTextFileSync("/proc/self/io"))![1]);
}

for (const [what, rowBytes] of [["large", 900 * 1024], ["small", 4096]] as const) {
  Deno.test(`a journal of many ${what} rows is opened by reading a small part of it`, () => {
    using folder = tempFolder();
    const dir = `${folder.path}/data`;
    const rows = writeBacklog(dir, { bytes: 96 * MIB, rowBytes });
    const file = `${dir}/plumbline.db`;
    let size = { rows: 0, bytes: 0 };
    const pages = pagesRead(file, (db) => {
      const journal = new JournalTable(db);
      size = journal.size();
      journal.oldestUnsent(journal.lanes());
      journal.barriers();
      journal.timeFrom(1);
      journal.sizeFrom(rows >> 1);
    });
    assert.equal(size.rows, rows);
    assert.ok(Math.abs(size.bytes - 96 * MIB) < 2 * MIB, `${size.bytes} bytes`);
    const all = Deno.statSync(file).size / 16384;
    assert.ok(pages < all / 50, `${pages} of ${all} pages`);

    // And it is as right as row by row.
    const store = open(dir);
    const { bytes } = store.journal.sizeFrom(rows >> 1);
    assert.ok(Math.abs(bytes - size.bytes / 2) < 2 * MIB, `${bytes} bytes`);
    const through = rows - 10;
    store.transact((tx) => tx.prune(through));
    assert.equal(store.journal.size().rows, 10);
    store.close();
    const again = open(dir);
    assert.equal(again.journal.size().rows, 10);
    assert.deepEqual(again.journal.size(), again.journal.sizeFrom(through + 1));
    again.close();
    const db = new Database(file, { readonly: true });
    const stretches = db.prepare("SELECT count(*) FROM journal_stretches").pluck().get() as number;
    assert.ok(stretches <= 11, `${stretches} stretches`);
    db.close();
  });
}
