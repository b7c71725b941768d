/** The disk under the data folder: how much room is left, and what the store makes of it. */
import { statfsSync } from "node:fs";
import { DiskLow } from "../pipeline/ports.ts";

const MIB = 1024 ** 2;
/** Kept for cursors, checkpoints and the giving back of pages: a sixteenth of the disk, within these. */
const LEAST_RESERVE = 2 * MIB;
const MOST_RESERVE = 64 * MIB;
/** There must be so much more than the reserve before reading goes on. */
const ROOM_AGAIN = 1.25;
const LEAST_WAL = MIB;
/** Larger ones gain nothing, measured. */
const MOST_WAL = 64_000_000;

export interface DiskSpace {
  readonly free: number;
  readonly total: number;
}

/** undefined: it can't be found out. */
export function diskSpace(dir: string): DiskSpace | undefined {
  try {
    const { bavail, blocks, bsize } = statfsSync(dir);
    return { free: bavail * bsize, total: blocks * bsize };
  } catch {
    return undefined;
  }
}

/** Size of the write-ahead log at which it is brought into the database: on a small disk it must not fill it. */
export function walLimit({ free }: DiskSpace): number {
  return Math.max(LEAST_WAL, Math.min(MOST_WAL, Math.floor(free / 16)));
}

export function reserveOf({ total }: DiskSpace): number {
  return Math.max(LEAST_RESERVE, Math.min(MOST_RESERVE, Math.floor(total / 16)));
}

/**
 * Tells when the disk is too full to take more. The reserve that is left then is what the engine helps
 * itself with: results that arrive are pruned, and their pages given back.
 */
export class DiskWatch {
  readonly #space: () => DiskSpace | undefined;
  readonly #freeInFile: () => number;
  #isLow = false;
  /** What this transaction adds to the journal. */
  #added = 0;
  /** What a transaction wanted that was refused: it comes again. */
  #wanted = 0;

  /** `freeInFile`: bytes of the database that hold nothing. */
  constructor(of: { space: () => DiskSpace | undefined; freeInFile: () => number }) {
    this.#space = of.space;
    this.#freeInFile = of.freeInFile;
  }

  /** Why no more should be taken; undefined: there is room, or that isn't known. */
  low(): string | undefined {
    const space = this.#space();
    if (space === undefined) return undefined;
    const reserve = reserveOf(space);
    const wanted = (this.#isLow ? reserve * ROOM_AGAIN : reserve) + this.#wanted;
    this.#isLow = space.free < wanted;
    if (this.#isLow) return tooFull(space.free, reserve);
    this.#wanted = 0;
    return undefined;
  }

  /** A transaction begins. */
  begin(): void {
    this.#added = 0;
  }

  /** It adds so many bytes. Throws `DiskLow` where they, and the log that they pass, would take the reserve. */
  add(bytes: number): void {
    this.#added += bytes;
    const space = this.#space();
    if (space === undefined) return;
    const kept = reserveOf(space) / 2;
    if (space.free >= kept + 2 * this.#added) return;
    const growth = Math.max(0, this.#added - this.#freeInFile());
    if (space.free >= kept + this.#added + growth) return;
    this.#wanted = this.#added + growth;
    throw new DiskLow(tooFull(space.free, reserveOf(space)));
  }
}

function tooFull(free: number, reserve: number): string {
  return `the disk of DATA_DIR is nearly full: ${free} bytes are left, the last ${reserve} are kept ` +
    "to get out of this";
}
