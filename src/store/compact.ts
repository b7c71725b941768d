/** Rebuilds a data folder's database without the pages that hold nothing. Only while no engine uses it. */
import { Database } from "../../deps.ts";
import { checkSmallTables, damaged, DamageMark } from "./damage.ts";
import { diskSpace, reserveOf } from "./disk.ts";
import { fileSize, lockFolder } from "./folder.ts";
import { migrations, schemaVersion } from "./migrations.ts";

export interface Compacted {
  /** False: there was no room for it; pages without contents were given back only. */
  readonly rebuilt: boolean;
  /** Of the database and its write-ahead log. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Without contents. */
  readonly freeBytesBefore: number;
}

const BUSY_TIMEOUT_MS = 5000;
/** Given back in one go: the log holds what one step moves. */
const STEP_PAGES = 1024;

/**
 * SQLite's own VACUUM: a kill at any moment leaves the file as it was, or rebuilt. `onBegin` is told what
 * is about to be done. Throws `DataFolderInUse`, `SchemaTooNew`, where the file is damaged (it stays as it
 * is, and the next start sets it aside), and what SQLite throws.
 */
export function compactFolder(dir: string, onBegin: (rebuilding: boolean) => void): Compacted {
  const path = `${dir}/plumbline.db`;
  // Opening would make what is missing.
  Deno.statSync(path);
  const lock = lockFolder(dir);
  const mark = new DamageMark(dir);
  try {
    const known = mark.read();
    if (known !== undefined) throw isDamaged(dir, known);
    // A temporary file of the database's size: not in a small /tmp, nor in memory.
    Deno.env.set("SQLITE_TMPDIR", dir);
    const bytesBefore = sizeOf(path);
    const { rebuilt, freeBytesBefore } = compact(dir, onBegin);
    return { rebuilt, freeBytesBefore, bytesBefore, bytesAfter: sizeOf(path) };
  } catch (error) {
    const found = damaged(error);
    if (found === undefined) throw error;
    // A rebuild reads more than a start does: without the mark the engine would go on with this file.
    mark.set(found.message);
    throw isDamaged(dir, found.message);
  } finally {
    lock.release();
  }
}

function isDamaged(dir: string, fault: string): Error {
  return new Error(`compacting ${dir}: ${fault}; start the engine: it sets the file aside`);
}

function compact(
  dir: string,
  onBegin: (rebuilding: boolean) => void,
): { rebuilt: boolean; freeBytesBefore: number } {
  const db = new Database(`${dir}/plumbline.db`, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  try {
    schemaVersion(db, migrations.length);
    checkSmallTables(db);
    db.pragma("synchronous = FULL");
    empty(db);
    const [size, pages, free] = ["page_size", "page_count", "freelist_count"]
      .map((name) => db.pragma(name, { simple: true }) as number);
    const space = diskSpace(dir);
    // The new contents stand in a temporary file and in the write-ahead log at the same time.
    const wanted = 2 * size * (pages - free);
    const rebuilt = space === undefined || space.free >= wanted + reserveOf(space);
    onBegin(rebuilt);
    if (rebuilt) db.exec("VACUUM");
    else giveBack(db, free);
    empty(db);
    return { rebuilt, freeBytesBefore: size * free };
  } finally {
    db.close();
  }
}

function giveBack(db: Database.Database, pages: number): void {
  for (let left = pages; left > 0; left -= STEP_PAGES) {
    db.pragma(`incremental_vacuum(${STEP_PAGES})`);
    empty(db);
  }
}

/** Brings the write-ahead log into the database. */
function empty(db: Database.Database): void {
  db.pragma("wal_checkpoint(TRUNCATE)");
}

function sizeOf(path: string): number {
  return fileSize(path) + fileSize(`${path}-wal`);
}
