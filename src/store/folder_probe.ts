/** Whether a data folder can be used: what is in it, its disk, how long a write takes. */
import { accessSync, constants } from "node:fs";
import { DamageMark } from "./damage.ts";
import { diskSpace, reserveOf } from "./disk.ts";
import { viewFolder } from "./folder_view.ts";
import { migrations, schemaVersion } from "./migrations.ts";

export interface FolderFacts {
  /** Undefined: there is no database yet. */
  readonly schema: { readonly file: number; readonly program: number } | undefined;
  readonly inUse: boolean;
  /** What an engine has found. */
  readonly damage: string | undefined;
}

export interface DiskFacts {
  /** Where it was tried: the data folder, or the first one above it that is there. */
  readonly dir: string;
  /** undefined: it can't be found out. */
  readonly space:
    | { readonly free: number; readonly total: number; readonly reserve: number }
    | undefined;
  /** ms: the middle one of some writes, each brought to the disk; undefined: the folder isn't there yet. */
  readonly syncMs: number | undefined;
}

const WRITES = 15;
const PAGE = 4096;

/** Changes nothing. Throws `SchemaTooNew`, and what SQLite or the file system throws. */
export function probeFolder(dir: string): FolderFacts {
  const damage = new DamageMark(dir).read();
  try {
    using view = viewFolder(dir);
    const file = schemaVersion(view.db, migrations.length);
    return { schema: { file, program: migrations.length }, inUse: view.inUse, damage };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { schema: undefined, inUse: false, damage };
  }
}

/** Writes a small file of its own into the folder, and removes it. Throws where that can't be done. */
export function probeDisk(dir: string): DiskFacts {
  const there = existing(dir);
  const space = diskSpace(there);
  const facts = {
    dir: there,
    space: space && { ...space, reserve: reserveOf(space) },
  };
  if (there === dir) return { ...facts, syncMs: syncTime(dir) };
  accessSync(there, constants.W_OK | constants.X_OK);
  return { ...facts, syncMs: undefined };
}

function syncTime(dir: string): number {
  const times: number[] = [];
  const path = Deno.makeTempFileSync({ dir, prefix: "plumbline-check-" });
  try {
    using file = Deno.openSync(path, { write: true });
    const page = new Uint8Array(PAGE);
    for (let i = 0; i < WRITES; i++) {
      const begun = performance.now();
      file.writeSync(page);
      file.syncDataSync();
      times.push(performance.now() - begun);
    }
  } finally {
    Deno.removeSync(path);
  }
  return times.sort((a, b) => a - b)[WRITES >> 1];
}

function existing(dir: string): string {
  try {
    Deno.statSync(dir);
    return dir;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const parent = dir.replace(/\/+$/, "").replace(/\/?[^/]*$/, "");
    if (parent !== "") return existing(parent);
    return dir.startsWith("/") ? "/" : ".";
  }
}
