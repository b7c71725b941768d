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
  /** Sequence after the last row in memory. */
  loadedEnd: number;

  constructor(state: LaneState) {
    this.state = state;
    this.loadedEnd = state.acknowledged;
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
    this.#taken++;
  }

  rewind(): void {
    this.#taken = 0;
  }

  /** Takes the row into memory if it follows on what is there; false: it stays in SQLite. */
  append(pooled: PooledRow): boolean {
    const { row } = pooled;
    const end = row.baseSequence + row.count;
    const follows = row.baseSequence <= this.loadedEnd && end > this.loadedEnd;
    if (!follows) return false;
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

  /** Forgets all rows in memory. */
  clear(): PooledRow[] {
    const rows = this.#rows;
    this.#rows = [];
    this.#taken = 0;
    this.loadedEnd = this.state.acknowledged;
    return rows;
  }
}
