import { type Backlog, backlogFrom } from "./backlog.ts";
import { Gaps } from "./gaps.ts";
import {
  type JournalRow,
  type Refused,
  type RowHead,
  type StorageFeed,
  type Store,
  type Transaction,
} from "./ports.ts";
import { checkRow } from "./row_check.ts";
import { type PooledRow, type RowPool } from "./row_pool.ts";

/** Rows read from SQLite in one go while the sink is behind. */
const LOAD_BYTES = 2_000_000;
/** Dead letters in memory beyond which no more results are handed out; each counts with its answer. */
const MAX_REFUSED_BYTES = 8_000_000;
const LETTER_BYTES = 2_000;

/** A dead letter, and where its result stands. */
interface Waiting {
  readonly at: { readonly row: number; readonly record: number };
  readonly refused: Refused;
}

export interface StorageFeedOptions {
  readonly store: Store;
  readonly pool: RowPool;
  /** Bytes of rows kept in memory for the sink; what is beyond is read from SQLite again. */
  readonly memoryBytes: number;
}

/** The journal as the storage service's sink sees it: all results in the order of their rows, one cursor. */
export class JournalStorageFeed implements StorageFeed {
  readonly #options: StorageFeedOptions;
  /** Rows from the cursor on without a gap. */
  #rows: PooledRow[] = [];
  #taken = 0;
  #memory = 0;
  /** The last row in memory; rows above it are in SQLite only while `#behind`. */
  #loadedId: number;
  #behind: boolean;
  #cursor: { row: number; record: number };
  #unflushed = false;
  /** Dead letters that aren't written yet; those behind the cursor are with its next flush. */
  #refused: Waiting[] = [];
  #refusedBytes = 0;
  #wake: () => void = () => {};
  readonly gaps: Gaps;

  /** A sink that is new begins at the journal's end. */
  constructor(options: StorageFeedOptions) {
    this.#options = options;
    const { store } = options;
    this.gaps = new Gaps("storage", store.journal);
    const end = { row: store.journal.lastId() + 1, record: 0 };
    const stored = store.journal.storageCursor();
    this.#cursor = stored ?? end;
    this.#loadedId = this.#cursor.row - 1;
    this.#behind = this.#cursor.row < end.row;
    if (stored === undefined) {
      store.transact((tx) => tx.moveStorageCursor(end.row, end.record));
    }
  }

  onRows(wake: () => void): void {
    this.#wake = wake;
  }

  /** Rows that were just committed, in the order of their ids. */
  appended(rows: readonly PooledRow[]): void {
    for (const pooled of rows) {
      const bytes = pooled.row.body.length;
      if (this.#behind || this.#memory + bytes > this.#options.memoryBytes) {
        this.#behind = true;
        this.#options.pool.release(pooled);
        continue;
      }
      this.#keep(pooled);
    }
    this.#wake();
  }

  take(): { row: JournalRow; from: number } | undefined {
    if (this.#refusedBytes >= MAX_REFUSED_BYTES) return undefined;
    if (this.#taken === this.#rows.length && this.#behind) this.#load();
    const pooled = this.#rows[this.#taken];
    if (pooled === undefined) return undefined;
    this.#taken++;
    const { row } = pooled;
    return { row, from: row.id === this.#cursor.row ? this.#cursor.record : 0 };
  }

  acknowledge(row: number, record: number): void {
    const { row: atRow, record: atRecord } = this.#cursor;
    if (row < atRow || (row === atRow && record <= atRecord)) return;
    this.#cursor = { row, record };
    this.#unflushed = true;
    let done = 0;
    while (done < this.#taken && this.#isStored(this.#rows[done].row)) {
      this.#memory -= this.#rows[done].row.body.length;
      this.#options.pool.release(this.#rows[done]);
      done++;
    }
    this.#rows.splice(0, done);
    this.#taken -= done;
  }

  refuse(refused: Refused, at: { row: number; record: number }): void {
    // The row's bytes are used again once the record is acknowledged.
    this.#refused.push({ at, refused: { ...refused, bytes: refused.bytes.slice() } });
    this.#refusedBytes += refused.bytes.length + LETTER_BYTES;
  }

  flush(tx: Transaction): void {
    for (const { at, refused } of this.#refused) if (this.#isBehind(at)) tx.refuse(refused);
    if (this.#unflushed) tx.moveStorageCursor(this.#cursor.row, this.#cursor.record);
  }

  /** Nothing may have happened since `flush`. */
  flushed(): void {
    this.#unflushed = false;
    const waited = this.#refusedBytes >= MAX_REFUSED_BYTES;
    this.#refused = this.#refused.filter(({ at }) => !this.#isBehind(at));
    this.#refusedBytes = this.#refused.reduce(
      (sum, { refused }) => sum + refused.bytes.length + LETTER_BYTES,
      0,
    );
    if (waited) this.#wake();
  }

  get hasUnflushed(): boolean {
    return this.#unflushed;
  }

  /** The lowest id of a row that the sink still needs; Infinity: none. */
  oldestNeeded(): number {
    if (this.#rows.length > 0) return this.#rows[0].row.id;
    return this.#behind ? this.#cursor.row : Infinity;
  }

  /** What the storage service doesn't have; copies in between count, too. */
  backlog(): Backlog {
    return backlogFrom(this.oldestWaiting(), this.#options.store.journal, this.gaps);
  }

  oldestWaiting(): number {
    return this.oldestNeeded();
  }

  /** Rows from here on weren't handed out. */
  get dropFrom(): number {
    const next = this.#rows[this.#taken]?.row.id ?? this.#loadedId + 1;
    const { row, record } = this.#cursor;
    // The cursor's row may be stored in part.
    return Math.max(next, record > 0 ? row + 1 : row);
  }

  mayDrop(row: RowHead): boolean {
    return row.id >= this.dropFrom && row.isStored && this.gaps.at(row.id) === undefined;
  }

  needs({ id, isStored }: RowHead): boolean {
    return isStored && id >= this.oldestNeeded() && this.gaps.at(id) === undefined;
  }

  /** These rows were dropped, the oldest of those that might be. */
  dropped(rows: readonly RowHead[]): void {
    const last = rows[rows.length - 1].id;
    let end = this.#taken;
    while (end < this.#rows.length && this.#rows[end].row.id <= last) end++;
    for (const pooled of this.#rows.splice(this.#taken, end - this.#taken)) {
      this.#memory -= pooled.row.body.length;
      this.#options.pool.release(pooled);
    }
  }

  /** Rows that were just committed aren't for this sink: a gap ends with this one. */
  skipped(lastId: number): void {
    if (!this.#behind) this.#loadedId = lastId;
  }

  /** Whether the cursor, once it is flushed, lies behind this row. */
  isPast(id: number): boolean {
    return this.#cursor.row > id;
  }

  /** Whether the cursor has moved past this record. */
  #isBehind({ row, record }: Waiting["at"]): boolean {
    return row < this.#cursor.row || (row === this.#cursor.row && record < this.#cursor.record);
  }

  #isStored(row: JournalRow): boolean {
    return row.id < this.#cursor.row ||
      (row.id === this.#cursor.row && this.#cursor.record >= row.count);
  }

  #keep(pooled: PooledRow): void {
    this.#rows.push(pooled);
    this.#memory += pooled.row.body.length;
    this.#loadedId = pooled.row.id;
  }

  #load(): void {
    if (this.#memory >= this.#options.memoryBytes) return;
    const before = this.#rows.length;
    do {
      // What was dropped isn't read.
      this.#loadedId = this.gaps.at(this.#loadedId + 1)?.last ?? this.#loadedId;
      const rows = this.#options.store.journal.storageRows(this.#loadedId, LOAD_BYTES);
      this.#behind = rows.length > 0;
      for (const row of rows) {
        checkRow(row, this.#options.store);
        const gap = this.gaps.at(row.id);
        if (gap !== undefined) this.#loadedId = Math.max(this.#loadedId, gap.last);
        else if (!this.#isStored(row)) this.#keep({ row, holders: 1, buffer: null });
        else this.#loadedId = row.id;
      }
      // Only rows that are stored or dropped already: there may be more.
    } while (this.#behind && this.#rows.length === before);
  }
}
