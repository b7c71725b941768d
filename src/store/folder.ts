/** The data folder: it exists, it can be written, and it belongs to one process. */

import { StoreUnavailable } from "../pipeline/ports.ts";

/** Another process holds the data folder. */
export class DataFolderInUse extends Error {
  override readonly name = "DataFolderInUse";
}

export interface FolderLock {
  /** What `note` wrote last, in this process or an earlier one; empty: nothing. */
  readonly noted: string;
  /** Writes the folder's id into the lock's file: it outlives a damaged database. Never throws. */
  note(folderId: string): void;
  release(): void;
}

/**
 * Makes the folder where it is missing and takes its lock, which the operating system holds on a
 * file of its own: it ends with the process, however that ends, and other programs can read the
 * database meanwhile. Never waits. Throws `DataFolderInUse`, `StoreUnavailable` where the disk is
 * full, or an error that says what to do.
 */
export function lockFolder(dir: string): FolderLock {
  const path = lockOf(dir);
  let file: Deno.FsFile;
  try {
    Deno.mkdirSync(dir, { recursive: true });
    file = Deno.openSync(path, { create: true, read: true, write: true });
  } catch (error) {
    throw isFull(error) ? diskFull(dir, error) : unusable(dir, error);
  }
  let locked: boolean;
  try {
    locked = file.tryLockSync(true);
  } catch (error) {
    file.close();
    throw unusable(dir, error);
  }
  if (!locked) {
    file.close();
    throw new DataFolderInUse(
      `opening the data folder ${dir}: one process at a time may use it, another one holds ${path}; ` +
        "stop that one or set DATA_DIR to another folder",
    );
  }
  const noted = readNote(file);
  return {
    noted,
    note: (folderId) => {
      if (folderId !== noted) writeNote(file, folderId);
    },
    release: () => file.close(),
  };
}

/**
 * Whether a process holds the folder. The lock is tried and given back at once; a start that asks in the
 * same microseconds would be told that the folder is in use.
 */
export function isFolderInUse(dir: string): boolean {
  try {
    using file = Deno.openSync(lockOf(dir), { read: true });
    return !file.tryLockSync(false);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function lockOf(dir: string): string {
  return `${dir}/plumbline.lock`;
}

/** In bytes; 0: there is none. */
export function fileSize(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Longer than any id. */
const MAX_NOTE = 200;

function readNote(file: Deno.FsFile): string {
  const bytes = new Uint8Array(MAX_NOTE);
  return new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0)).trim();
}

function writeNote(file: Deno.FsFile, text: string): void {
  try {
    file.truncateSync(0);
    file.seekSync(0, Deno.SeekMode.Start);
    file.writeSync(new TextEncoder().encode(`${text}\n`));
  } catch {
    // A full disk: the next start writes it.
  }
}

/** The error for a folder or a file in it that can't be made, read or written. */
export function unusable(dir: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Error(
    `opening the data folder ${dir}: it must be a folder that this user may write, but: ${reason}; ` +
      "change its owner or set DATA_DIR to another folder",
    { cause },
  );
}

/** The error where there is no room for a file: it may go by itself. */
export function diskFull(dir: string, cause: unknown): StoreUnavailable {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StoreUnavailable(`opening the data folder ${dir}: the disk is full: ${reason}`, {
    cause,
  });
}

/** ENOSPC or EDQUOT. */
function isFull(error: unknown): boolean {
  return error instanceof Error && /os error (28|122)\b/.test(error.message);
}
