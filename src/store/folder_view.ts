/** A data folder as somebody else sees it: read, never written, whether an engine uses it or not. */
import { Database } from "../../deps.ts";
import { diskSpace } from "./disk.ts";
import { fileSize, isFolderInUse } from "./folder.ts";

export interface FolderView extends Disposable {
  /** Read-only. */
  readonly db: Database.Database;
  /** A process holds the folder. */
  readonly inUse: boolean;
  /** Whether the file was left alone since it was opened; a folder in use may change as it likes. */
  isStill(): boolean;
}

/** Somebody's transaction is waited for so long. */
const BUSY_TIMEOUT_MS = 1000;

/**
 * Opens the folder's database for reading. SQLite itself would leave files in a folder at rest (a
 * write-ahead log and its index), so there the database is opened under a second name in a folder of
 * its own: hard links, or copies where the file systems differ. That folder is gone again when this
 * returns: a look that is broken off leaves nothing. Throws what the file system or SQLite throws, and
 * where a copy has no room.
 */
export function viewFolder(dir: string): FolderView {
  const path = Deno.realPathSync(`${dir}/plumbline.db`);
  // While it is in use all readers have to meet at the one index.
  if (isFolderInUse(dir)) {
    const db = openReadOnly(path);
    return { db, inUse: true, isStill: () => true, [Symbol.dispose]: () => db.close() };
  }
  const before = stampOf(path);
  const db = openTwin(path);
  return {
    db,
    inUse: false,
    isStill: () => !isFolderInUse(dir) && stampOf(path) === before,
    [Symbol.dispose]: () => db.close(),
  };
}

function openTwin(path: string): Database.Database {
  const twin = secondName(path);
  try {
    const db = openReadOnly(`${twin}/plumbline.db`);
    openLog(db);
    return db;
  } finally {
    Deno.removeSync(twin, { recursive: true });
  }
}

/** The first read opens the write-ahead log and its index: from then on no name is needed any more. */
function openLog(db: Database.Database): void {
  try {
    db.pragma("schema_version");
  } catch {
    // Damaged: whoever reads next is told.
  }
}

function openReadOnly(path: string): Database.Database {
  return new Database(path, { readonly: true, timeout: BUSY_TIMEOUT_MS });
}

/** A folder with the database and its write-ahead log, and nothing else. */
function secondName(path: string): string {
  const parent = path.split("/").slice(0, -2).join("/") || "/";
  for (const dir of [undefined, parent]) {
    try {
      return filled({ dir, path, put: Deno.linkSync });
    } catch (error) {
      // Another file system, or a folder that this user may not write: the next way.
      if (error instanceof Deno.errors.NotFound) throw error;
    }
  }
  return filled({ dir: undefined, path, put: copyWithRoom });
}

function filled(
  of: { dir: string | undefined; path: string; put: (from: string, to: string) => void },
): string {
  const { dir, path, put } = of;
  const twin = Deno.makeTempDirSync({ dir, prefix: "plumbline-" });
  try {
    put(path, `${twin}/plumbline.db`);
    if (fileSize(`${path}-wal`) > 0) put(`${path}-wal`, `${twin}/plumbline.db-wal`);
    return twin;
  } catch (error) {
    Deno.removeSync(twin, { recursive: true });
    throw error;
  }
}

function copyWithRoom(from: string, to: string): void {
  const free = diskSpace(to.replace(/[^/]*$/, ""))?.free ?? Infinity;
  const size = fileSize(from);
  if (free < size) {
    throw new Error(
      `reading ${from}: it must be copied to be left as it is; that needs ${size} bytes, ${free} are ` +
        "free; set TMPDIR to a folder on the disk of DATA_DIR",
    );
  }
  Deno.copyFileSync(from, to);
}

function stampOf(path: string): string {
  return [path, `${path}-wal`].map((file) => {
    try {
      const { size, mtime } = Deno.statSync(file);
      return `${size} ${mtime?.getTime()}`;
    } catch {
      return "none";
    }
  }).join();
}
