import { anomalyMarks } from "../core/anomaly_marks.ts";
import {
  type JournalRow,
  type Store,
  type Tail,
  type TailPosition,
  type TailRow,
  type TailStep,
} from "./ports.ts";
import { checkRow } from "./row_check.ts";
import { type PooledRow } from "./row_pool.ts";

/** Newest rows that stay in memory while somebody looks on. */
const MEMORY_BYTES = 16 << 20;
/** For whoever comes back: rows are kept for so long after the last one has left. */
const KEEP_MS = 60_000;
/** What a row takes beside its body. */
const ROW_BYTES = 400;
/** Rows read from SQLite that stay in memory: readers that are behind take a row in pieces. */
const MAX_READ = 4;
/** Rows whose heads may be read to find out how many results are missing: a few ms. */
const MAX_COUNTED = 5_000;

export interface ResultTailOptions {
  readonly store: Store;
  /** Results of all time, as of the last commit. */
  readonly results: () => number;
  /** ms. */
  readonly now: () => number;
  /** Bytes of rows in memory; 16 MiB unless told. */
  readonly memoryBytes?: number;
}

/** A row in memory. */
interface KeptRow {
  readonly row: TailRow;
  /** Between this id and its own there is no other result. */
  readonly follows: number;
}

/** The results that were just committed, for those who look on. While nobody does it costs a few steps a batch. */
export class ResultTail implements Tail {
  readonly folder: string;
  readonly #options: ResultTailOptions;
  readonly #memoryBytes: number;
  #kept: KeptRow[] = [];
  #keptBytes = 0;
  readonly #read = new Map<number, TailRow>();
  /** Behind the last row with results that this process has committed; 0: it has committed none. */
  #behind = 0;
  #watchers = 0;
  #keepUntil = -Infinity;
  #wake: () => void = () => {};

  constructor(options: ResultTailOptions) {
    this.#options = options;
    this.#memoryBytes = options.memoryBytes ?? MEMORY_BYTES;
    this.folder = options.store.positions.folderId;
  }

  /** Bytes of rows in memory. */
  get bytes(): number {
    return this.#keptBytes;
  }

  onRows(wake: () => void): void {
    this.#wake = wake;
  }

  watch(): Disposable {
    this.#watchers++;
    let looksOn = true;
    return {
      [Symbol.dispose]: () => {
        if (!looksOn) return;
        looksOn = false;
        if (--this.#watchers === 0) this.#keepUntil = this.#options.now() + KEEP_MS;
      },
    };
  }

  /**
   * Rows with results that were just committed, in the order of their ids; `results` lay before them.
   * Their buffers may be used for something else afterwards.
   */
  appended(rows: readonly PooledRow[], { results }: { results: number }): void {
    const kept = this.#watchers > 0 || this.#options.now() < this.#keepUntil;
    let before = results;
    for (const { row, buffer } of rows) {
      const follows = this.#behind === 0 ? row.id : this.#behind;
      this.#behind = row.id + 1;
      if (kept) this.#keep({ row: tailRow(buffer === null ? row : copied(row), before), follows });
      before += row.count;
    }
    if (!kept && this.#kept.length > 0) this.#forget(this.#kept.length);
    if (this.#watchers > 0 && rows.length > 0) this.#wake();
  }

  end(): TailPosition {
    const { store, results } = this.#options;
    return { row: store.journal.lastId() + 1, record: 0, results: results() };
  }

  next(at: TailPosition): TailStep | undefined {
    if (this.#behind > 0 && at.row >= this.#behind) return undefined;
    const kept = this.#kept[this.#firstKept(at.row)];
    if (kept !== undefined && this.#comesNext(kept, at)) return { kind: "row", row: kept.row };
    return this.#behindMemory(at, kept?.row);
  }

  #comesNext({ row, follows }: KeptRow, at: TailPosition): boolean {
    return row.id === at.row || (at.record === 0 && follows <= at.row);
  }

  /** From SQLite, or the first row in memory if nothing before it is left there. */
  #behindMemory(at: TailPosition, kept: TailRow | undefined): TailStep | undefined {
    const { store: { journal } } = this.#options;
    const end = this.end();
    if (at.row >= end.row) return undefined;
    const stored = this.#stored(at);
    const row = stored === undefined || (kept !== undefined && kept.id <= stored.id)
      ? kept
      : stored;
    if (row?.id === at.row) return { kind: "row", row };
    const through = (row?.id ?? end.row) - 1;
    // What is there is a copy: a row with results would have been found.
    const whole = at.record === 0 &&
      journal.rowsBetween(at.row, through) === through - at.row + 1;
    if (whole) return row === undefined ? skip(end, 0) : { kind: "row", row };
    const results = row === undefined ? end.results : row.results ?? this.#resultsBefore(row.id);
    const missed = results === undefined || at.results === undefined
      ? undefined
      : Math.max(0, results - at.results);
    if (row === undefined) return skip(end, missed);
    return missed === 0 ? { kind: "row", row } : skip({ row: row.id, record: 0, results }, missed);
  }

  /** The first row with results from the position on that is in the journal. */
  #stored({ row: id }: TailPosition): TailRow | undefined {
    const found = this.#read.get(id);
    if (found !== undefined) return found;
    const { store } = this.#options;
    const [row] = store.journal.resultRows(id - 1, 0);
    if (row === undefined) return undefined;
    checkRow(row, store);
    // What a reader says of its position isn't kept: others read the same row.
    const read = tailRow(row, undefined);
    this.#read.set(row.id, read);
    for (const oldest of this.#read.keys()) {
      if (this.#read.size <= MAX_READ) break;
      this.#read.delete(oldest);
    }
    return read;
  }

  #resultsBefore(id: number): number | undefined {
    const { store: { journal }, results } = this.#options;
    if (journal.sizeFrom(id).rows > MAX_COUNTED) return undefined;
    return Math.max(0, results() - journal.ownResultsFrom(id));
  }

  /** Index of the first row in memory from this id on. */
  #firstKept(id: number): number {
    let low = 0, high = this.#kept.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#kept[middle].row.id < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #keep(row: KeptRow): void {
    this.#kept.push(row);
    this.#keptBytes += bytesOf(row);
    let surplus = 0, bytes = this.#keptBytes;
    while (bytes > this.#memoryBytes) bytes -= bytesOf(this.#kept[surplus++]);
    if (surplus > 0) this.#forget(surplus);
  }

  /** Lets go of the oldest ones. */
  #forget(count: number): void {
    for (const row of this.#kept.splice(0, count)) this.#keptBytes -= bytesOf(row);
  }
}

function bytesOf({ row }: KeptRow): number {
  return row.body.length + ROW_BYTES;
}

/** A buffer has room for much more than most rows: kept by a row, it would take many times the row's bytes. */
function copied(row: JournalRow): JournalRow {
  return { ...row, body: row.body.slice() };
}

function skip(next: TailPosition, missed: number | undefined): TailStep {
  return { kind: "skip", next, missed };
}

function tailRow({ id, count, body }: JournalRow, results: number | undefined): TailRow {
  let marks: readonly number[] | undefined;
  return { id, count, body, results, anomalies: () => marks ??= anomalyMarks(body) };
}
