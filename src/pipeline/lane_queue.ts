import { type JournalRow, type LaneState } from "./ports.ts";
import { type PooledRow } from "./row_pool.ts";

/** A lane's rows in memory: from its cursor on without a gap, up to `loadedEnd`; what follows is in SQLite only. */
export class LaneQueue {
  readonly state: LaneState;
  /**
   * A sequence for each change of the partition count, ascending: rows of this lane below it go before
   * rows beyond it, in any lane. As many in every lane.
   */
  barriers: number[] = [];
  #rows: PooledRow[] = [];
  /** How many of the rows are handed out. */
  #taken = 0;
  /** The rows' ids grow with their sequences; those of a split row's pieces don't. */
  #ordered = true;
  /** Sequence after the last row in memory, or after a gap behind it: records that were dropped. */
  loadedEnd: number;
  /** Sequence below which records may be under way; -1: an earlier process may have sent some, it isn't known how many. */
  handedOut: number;

  constructor(state: LaneState) {
    this.state = state;
    this.loadedEnd = state.acknowledged;
    this.handedOut = state.producerId < 0n ? state.acknowledged : -1;
  }

  /** The lowest id of a row that isn't acknowledged; undefined: memory doesn't have them all. */
  get lowestId(): number | undefined {
    if (this.loadedEnd < this.state.end || this.#rows.length === 0) return undefined;
    if (this.#ordered) return this.#rows[0].row.id;
    return this.#rows.reduce((lowest, { row }) => Math.min(lowest, row.id), Infinity);
  }

  /** The next row to hand out, as far as memory has it. */
  peek(): JournalRow | undefined {
    return this.#rows[this.#taken]?.row;
  }

  advance(): void {
    const row = this.#rows[this.#taken++].row;
    this.handedOut = Math.max(this.handedOut, row.baseSequence + row.count);
  }

  /** Where the lane goes on if the records at its cursor were dropped; undefined: they weren't, as far as is known. */
  get endOfGap(): number | undefined {
    const next = this.#rows[0]?.row.baseSequence ?? this.loadedEnd;
    return next > this.state.acknowledged ? next : undefined;
  }

  get hasHandedOut(): boolean {
    return this.#taken > 0;
  }

  rewind(): void {
    this.#taken = 0;
  }

  /** Takes the row into memory if it follows on what is there; false: it stays in SQLite. */
  append(pooled: PooledRow): boolean {
    return pooled.row.baseSequence <= this.loadedEnd && this.load(pooled);
  }

  /** Takes the lane's next row in SQLite; what lies before it and isn't in memory was dropped. */
  load(pooled: PooledRow): boolean {
    const { row } = pooled;
    const end = row.baseSequence + row.count;
    if (end <= this.loadedEnd) return false;
    const last = this.#rows.at(-1);
    this.#ordered = last === undefined || (this.#ordered && last.row.id < row.id);
    this.#rows.push(pooled);
    this.loadedEnd = end;
    return true;
  }

  /** Moves the cursor; the rows that aren't needed any more. */
  acknowledge(sequence: number): PooledRow[] {
    this.state.acknowledged = sequence;
    let done = 0;
    while (done < this.#rows.length) {
      const { row } = this.#rows[done];
      if (row.baseSequence + row.count > sequence) break;
      done++;
    }
    this.#taken = Math.max(0, this.#taken - done);
    this.loadedEnd = Math.max(this.loadedEnd, sequence);
    return this.#rows.splice(0, done);
  }

  /** Forgets the rows from this sequence on, none of which is handed out. */
  cutFrom(sequence: number): PooledRow[] {
    const kept = this.#rows.findIndex(({ row }) => row.baseSequence >= sequence);
    if (kept < 0) return [];
    const gone = this.#rows.splice(kept);
    const last = this.#rows.at(-1)?.row;
    this.loadedEnd = last === undefined ? this.state.acknowledged : last.baseSequence + last.count;
    return gone;
  }

  /** Forgets all rows in memory. */
  clear(): PooledRow[] {
    const rows = this.#rows;
    this.#rows = [];
    this.#taken = 0;
    this.loadedEnd = this.state.acknowledged;
    return rows;
  }
}
