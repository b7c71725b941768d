/** What keeps the file and its write-ahead log small: bounds by the disk's room, pages given back. */
import { Database } from "../../deps.ts";
import type { Log } from "../pipeline/ports.ts";
import { type DiskSpace, reserveOf, walLimit } from "./disk.ts";

export const PAGE_SIZE = 16384;
/** Free pages that stay in the file: the journal's rows come and go. */
const KEPT_PAGES = 1024;
/** Pages that weren't used for so long aren't needed. */
const IDLE_MS = 60_000;
/** One step, about 2 ms; and when a call ends. */
const STEP_PAGES = 64;
const SLICE_MS = 8;
const LOOK_AT_WAL_MS = 5_000;
const TELL_HELD_MS = 30_000;

export interface UpkeepOptions {
  readonly space: () => DiskSpace | undefined;
  /** Bytes of the write-ahead log's file. */
  readonly walBytes: () => number;
  readonly now: () => number;
  readonly log: Log;
}

export class FileUpkeep {
  readonly #db: Database.Database;
  readonly #options: UpkeepOptions;
  readonly #freePages: Database.Statement;
  #walLimit = 0;
  #lookedAt = 0;
  /** Since when somebody's open read keeps the log from being emptied; 0: nobody does. */
  #heldSince = 0;
  #heldTold = false;
  /** The fewest free pages of this stretch of time, and when it began. */
  #fewest = Infinity;
  #since: number;
  /** Pages that may go. */
  #spare = 0;
  /** Pages have gone, but the file is as long as before: only a checkpoint makes it shorter. */
  #isLong = false;

  constructor(db: Database.Database, options: UpkeepOptions) {
    this.#db = db;
    this.#options = options;
    this.#freePages = db.prepare("PRAGMA freelist_count").pluck();
    this.#since = options.now();
    this.fit();
  }

  get freeBytes(): number {
    return this.#freePages.get() as number * PAGE_SIZE;
  }

  /** Seconds that the write-ahead log couldn't be emptied because somebody reads. */
  get heldSeconds(): number {
    if (this.#heldSince === 0) return 0;
    return Math.max(0, this.#options.now() - this.#heldSince) / 1000;
  }

  /** Bounds the write-ahead log by the room that is left. */
  fit(): void {
    const space = this.#options.space();
    const limit = space === undefined ? this.#walLimit : walLimit(space);
    // Followed in steps: the room changes all the time.
    if (limit > this.#walLimit / 2 && limit < this.#walLimit * 2) return;
    this.#walLimit = limit;
    this.#db.pragma(`wal_autocheckpoint = ${Math.ceil(limit / PAGE_SIZE)}`);
    this.#db.pragma(`journal_size_limit = ${2 * limit}`);
  }

  /** A few ms of work. Throws what SQLite throws. */
  run(): void {
    this.fit();
    this.#giveBack();
    this.#lookAtWal();
  }

  /**
   * Brings the write-ahead log into the database, and frees its room and that of the pages that have
   * gone. False: somebody reads, or the disk fails; it can be tried again. Never throws.
   */
  relieve(): boolean {
    const patience = this.#db.pragma("busy_timeout", { simple: true });
    try {
      // Whoever reads is not waited for.
      this.#db.pragma("busy_timeout = 0");
      const [{ busy }] = this.#db.pragma("wal_checkpoint(TRUNCATE)") as WalState[];
      return busy === 0;
    } catch {
      return false;
    } finally {
      this.#db.pragma(`busy_timeout = ${patience}`);
    }
  }

  #giveBack(): void {
    const free = this.#freePages.get() as number;
    const space = this.#options.space();
    const { now } = this.#options;
    this.#fewest = Math.min(this.#fewest, free);
    const isTight = space !== undefined && space.free < 2 * reserveOf(space);
    if (isTight) {
      this.#spare = free;
    } else if (now() - this.#since >= IDLE_MS) {
      this.#spare = Math.max(0, this.#fewest - KEPT_PAGES);
      this.#fewest = free;
      this.#since = now();
    }
    this.#spare = Math.min(this.#spare, free);
    const started = performance.now();
    while (this.#spare > 0 && performance.now() - started < SLICE_MS) {
      const pages = Math.min(STEP_PAGES, this.#spare);
      this.#db.pragma(`incremental_vacuum(${pages})`);
      this.#spare -= pages;
      this.#fewest -= pages;
      this.#isLong = true;
    }
    // Nobody else may come by: while readings are refused for want of room nothing is written.
    if (this.#isLong && (isTight || this.#spare === 0)) this.#isLong = !this.relieve();
  }

  #lookAtWal(): void {
    const { now, walBytes, log } = this.#options;
    if (now() - this.#lookedAt < LOOK_AT_WAL_MS) return;
    this.#lookedAt = now();
    const bytes = walBytes();
    // The log's file stays as large as it was: only one that has outgrown its bound says something.
    const held = bytes > 2 * this.#walLimit && this.#isHeld();
    if (held && this.#heldSince === 0) this.#heldSince = now();
    if (held && !this.#heldTold && now() - this.#heldSince >= TELL_HELD_MS) {
      this.#heldTold = true;
      log.warn("somebody's open read of plumbline.db lets its write-ahead log grow", {
        bytes,
        seconds: Math.round(this.heldSeconds),
        todo: "end the query, or the sqlite3 that has begun a transaction",
      });
    }
    if (held) return;
    if (this.#heldTold) log.info("the write-ahead log is emptied again", { bytes });
    this.#heldSince = 0;
    this.#heldTold = false;
  }

  #isHeld(): boolean {
    const [{ log, checkpointed }] = this.#db.pragma("wal_checkpoint(PASSIVE)") as WalState[];
    return checkpointed < log;
  }
}

interface WalState {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}
