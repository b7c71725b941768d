/**
 * A consistent copy of a data folder's database, made by a process of its own while the engine goes on:
 * SQLite's backup of one read transaction. Readers hold up no writer; the write-ahead log can't be emptied
 * meanwhile, so the copy is given up before that fills the disk.
 */
import { Database } from "../../deps.ts";
import { DamageMark, removeIfThere } from "./damage.ts";
import { type DiskSpace, diskSpace, reserveOf } from "./disk.ts";
import { isFolderInUse } from "./folder.ts";
import { isDiskFull } from "./transactor.ts";

/** It can't be done, in words; nothing was left behind. */
export class BackupRefused extends Error {
  override readonly name = "BackupRefused";
}

export interface BackupOptions {
  /** The data folder. */
  readonly dir: string;
  /** A file that isn't there yet. */
  readonly target: string;
  /** Gives it up; nothing is left behind. */
  readonly stop: AbortSignal;
  /** Told how many bytes are about to be copied. */
  readonly onBegin?: (bytes: number) => void;
  /** By default those of the disk that a file is on. */
  readonly space?: (path: string) => DiskSpace | undefined;
}

export interface BackupDone {
  readonly bytes: number;
  /** An engine had the folder. */
  readonly inUse: boolean;
  readonly folderId: string;
  readonly schema: number;
  /** Readings that were counted in it. */
  readonly read: number;
}

const BUSY_TIMEOUT_MS = 5000;
/** 4 MiB: between two steps the room is looked at, and whether it is to be given up. */
const STEP_PAGES = 256;

/**
 * Copies the folder's database to the target, which is complete when it is there, or isn't there. Throws
 * `BackupRefused`, and what SQLite or the file system throws.
 */
export async function backUp(options: BackupOptions): Promise<BackupDone> {
  const { dir, target } = options;
  if (exists(target)) {
    throw new BackupRefused(`backing up to ${target}: it exists, and stays as it is`);
  }
  const mark = new DamageMark(dir).read();
  if (mark !== undefined) throw damagedSource(mark);
  // A backup of what isn't there would make it.
  Deno.statSync(`${dir}/plumbline.db`);
  using partial = takePartial(target);
  const inUse = isFolderInUse(dir);
  try {
    await copy(options, partial.path);
    const about = settle(partial.path);
    const { mode } = Deno.statSync(`${dir}/plumbline.db`);
    if (mode !== null) Deno.chmodSync(partial.path, mode & 0o777);
    partial.sync();
    // A signal that came meanwhile is heard of now.
    await new Promise((resolve) => setTimeout(resolve));
    checkStop(options);
    publish(partial.path, target);
    return { ...about, bytes: Deno.statSync(target).size, inUse };
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw new BackupRefused(`backing up to ${target}: its disk is full`, { cause: error });
  }
}

async function copy(options: BackupOptions, partial: string): Promise<void> {
  const { dir, target, onBegin = () => {}, space = diskSpace } = options;
  const path = `${dir}/plumbline.db`;
  const db = new Database(path, { readonly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    // Held to the end: without it every commit of the engine would make the copy begin anew.
    db.exec("BEGIN");
    const pages = db.pragma("page_count", { simple: true }) as number;
    const bytes = pages * (db.pragma("page_size", { simple: true }) as number);
    checkRoom({ bytes, target, partial, sameDisk: disk(path) === disk(partial), space });
    onBegin(bytes);
    await db.backup(partial, {
      progress() {
        checkStop(options);
        checkGrowth(dir, space(dir));
        return STEP_PAGES;
      },
    });
    db.exec("COMMIT");
  } finally {
    db.close();
  }
}

function checkStop({ stop, target }: BackupOptions): void {
  if (stop.aborted) throw new BackupRefused(`backing up to ${target}: interrupted`);
}

function checkRoom(of: {
  bytes: number;
  target: string;
  partial: string;
  sameDisk: boolean;
  space: (path: string) => DiskSpace | undefined;
}): void {
  const { bytes, target, partial, sameDisk, space } = of;
  const room = space(partial);
  if (room === undefined) return;
  // An engine stops reading at its reserve: a backup must not be what brings it there.
  const wanted = bytes + (sameDisk ? 2 * reserveOf(room) : 0);
  if (room.free >= wanted) return;
  throw new BackupRefused(
    `backing up to ${target}: its disk needs ${wanted} bytes of room` +
      `${sameDisk ? ", some of them kept for the engine," : ""} and has ${room.free}`,
  );
}

/** The write-ahead log grows while the copy is made. */
function checkGrowth(dir: string, space: DiskSpace | undefined): void {
  if (space === undefined || space.free >= 1.5 * reserveOf(space)) return;
  throw new BackupRefused(
    `backing up ${dir}: given up, its disk has ${space.free} bytes left; the engine's write-ahead log ` +
      "grows until a backup ends: try it when less comes in, or make room",
  );
}

/** Makes the copy a file that needs no other, and looks through it. */
function settle(path: string): Omit<BackupDone, "bytes" | "inUse"> {
  const db = new Database(path, { fileMustExist: true });
  try {
    db.pragma("journal_mode = DELETE");
    const [{ quick_check: found }] = db.pragma("quick_check(1)") as { quick_check: string }[];
    if (found !== "ok") throw damagedSource(found.replaceAll("\n", "; "));
    return {
      schema: db.pragma("user_version", { simple: true }) as number,
      folderId: db.prepare("SELECT folder_id FROM meta").pluck().get() as string,
      read: db.prepare("SELECT read FROM counters").pluck().get() as number,
    };
  } finally {
    db.close();
  }
}

function damagedSource(fault: string): BackupRefused {
  return new BackupRefused(
    `backing up: the database is damaged, and so would the copy be: ${fault}; a new start of the ` +
      "engine sets the damaged file aside",
  );
}

/** Puts the file in its place, durably, unless something has come there meanwhile. */
function publish(partial: string, target: string): void {
  try {
    Deno.linkSync(partial, target);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new BackupRefused(`backing up to ${target}: it exists by now, and stays as it is`);
    }
    // Not every file system has links: the ones on sticks don't.
    if (exists(target)) throw error;
    Deno.renameSync(partial, target);
  }
  removeIfThere(partial);
  using folder = Deno.openSync(target.replace(/[^/]*$/, "") || ".", { read: true });
  folder.syncSync();
}

/** The unfinished file, which belongs to this process; what a killed one has left is thrown away. */
function takePartial(target: string) {
  const path = `${target}.partial`;
  const file = Deno.openSync(path, { create: true, read: true, write: true });
  if (!file.tryLockSync(true)) {
    file.close();
    throw new BackupRefused(`backing up to ${target}: another backup to it is being made`);
  }
  file.truncateSync(0);
  removeIfThere(`${path}-journal`);
  return {
    path,
    sync: () => file.syncSync(),
    [Symbol.dispose]() {
      for (const part of ["", "-journal", "-wal", "-shm"]) removeIfThere(path + part);
      file.close();
    },
  };
}

function disk(path: string): number {
  return Deno.statSync(path).dev;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
