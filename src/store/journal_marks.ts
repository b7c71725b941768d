/** How much of the journal lies from a row on, without asking SQLite: that would touch every row. */

export interface Extent {
  readonly rows: number;
  readonly bytes: number;
}

/** What there was before the row with this id. */
interface Mark extends Extent {
  readonly id: number;
}

const MAX_MARKS = 4096;

/**
 * A running count, noted at every row. Where the journal is long it is noted at every other row only,
 * then at every fourth, and so on: an answer may be wrong by the rows between two notes.
 */
export class JournalMarks {
  #marks: Mark[] = [];
  /** Rows from one mark to the next. */
  #stride = 1;
  /** All that was added since the store was opened. */
  #added: Extent = { rows: 0, bytes: 0 };
  #lastId = 0;
  #pruned = 0;

  /** For `restore`, at the beginning of a transaction. */
  get added(): Extent {
    return this.#added;
  }

  /** The rows after `lastId` aren't there: their transaction was rolled back. */
  restore(lastId: number, added: Extent): void {
    while (this.#marks.length > 0 && this.#last.id > lastId) this.#marks.pop();
    this.#lastId = Math.min(this.#lastId, lastId);
    this.#added = added;
  }

  /** A row, or several that count as one, the first of which has this id. */
  add(id: number, { rows, bytes }: Extent): void {
    this.#forgetPruned();
    const before = this.#added;
    this.#added = { rows: before.rows + rows, bytes: before.bytes + bytes };
    this.#lastId = Math.max(this.#lastId, id);
    const due = this.#marks.length === 0 || before.rows - this.#last.rows >= this.#stride;
    // Ids of one transaction needn't come in order: such a row counts with the one before it.
    if (due && id === this.#lastId) this.#marks.push({ id, ...before });
  }

  /** The rows up to this id are gone, or will be when the transaction is committed. */
  prune(throughId: number): void {
    this.#pruned = throughId;
  }

  /** So much between these ids is gone; the transaction is committed. */
  cut({ firstId, lastId }: { firstId: number; lastId: number }, gone: Extent): void {
    const start = this.#marks[this.#first(firstId)];
    if (start !== undefined) {
      this.#marks = this.#marks.map((mark) => {
        if (mark.id < firstId) return mark;
        // What is left of the part counts as standing at its end.
        if (mark.id <= lastId) return { ...mark, rows: start.rows, bytes: start.bytes };
        return { ...mark, rows: mark.rows - gone.rows, bytes: mark.bytes - gone.bytes };
      });
    }
    this.#added = { rows: this.#added.rows - gone.rows, bytes: this.#added.bytes - gone.bytes };
  }

  /** What lies from this id on. */
  from(id: number): Extent {
    if (id > this.#lastId || this.#marks.length === 0) return { rows: 0, bytes: 0 };
    const { rows, bytes } = this.#marks[this.#first(id)] ?? this.#last;
    return { rows: this.#added.rows - rows, bytes: this.#added.bytes - bytes };
  }

  get #last(): Mark {
    return this.#marks[this.#marks.length - 1];
  }

  /** Not at once: what was pruned comes back if the transaction fails. */
  #forgetPruned(): void {
    if (this.#marks.length > 0 && this.#last.id <= this.#pruned) this.#marks = [];
    if (this.#marks.length >= MAX_MARKS) {
      this.#marks = this.#marks.slice(this.#first(this.#pruned + 1));
      if (this.#marks.length > MAX_MARKS / 2) {
        this.#marks = this.#marks.filter((_, i) => i % 2 === 0);
        this.#stride *= 2;
      }
    }
    if (this.#marks.length === 0) this.#stride = 1;
  }

  /** Index of the first mark at this id or above it. */
  #first(id: number): number {
    let low = 0, high = this.#marks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#marks[middle].id < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
