/** How much stands between ids of the journal, kept in a table: a start needn't look at every row. */
import type { Database } from "../../deps.ts";
import type { Extent, JournalMarks } from "./journal_marks.ts";

/** A stretch is written down when it has so many bytes: what a start reads row by row, and errs by, is less. */
const STRETCH_BYTES = 1024 ** 2;

/** Rows that aren't in a stretch of the table yet; none: `first` is 0. */
export interface OpenStretch extends Extent {
  readonly first: number;
  readonly last: number;
}

const EMPTY: OpenStretch = { first: 0, last: 0, rows: 0, bytes: 0 };

export class JournalStretches {
  readonly #statements: ReturnType<typeof prepare>;
  /** A transaction that fails puts it back. */
  open: OpenStretch = EMPTY;

  constructor(db: Database.Database) {
    this.#statements = prepare(db);
  }

  /** Marks what the journal holds; reads the table, and the rows of a part that is in no stretch, or half pruned. */
  load(marks: JournalMarks): void {
    const { first, last } = this.#statements.ends.get() as { first: number | null; last: number };
    if (first === null) return;
    let next = first;
    for (const stretch of this.#statements.all.iterate() as IterableIterator<OpenStretch>) {
      if (stretch.last < first) continue;
      const isHalf = stretch.first < first;
      this.#loadRows(marks, { first: next, last: isHalf ? stretch.last : stretch.first - 1 });
      if (!isHalf) marks.add(stretch.first, stretch);
      next = stretch.last + 1;
    }
    this.open = this.#loadRows(marks, { first: next, last });
  }

  /** A row was appended. */
  add(id: number, bytes: number): void {
    const { first, last, rows, bytes: before } = this.open;
    const open = {
      first: rows === 0 ? id : Math.min(first, id),
      last: Math.max(last, id),
      rows: rows + 1,
      bytes: before + bytes,
    };
    this.open = open.bytes < STRETCH_BYTES ? open : EMPTY;
    if (open.bytes >= STRETCH_BYTES) this.#statements.insert.run(open);
  }

  /** The rows up to this id are deleted. */
  prune(throughId: number): void {
    this.#statements.prune.run({ throughId });
    const { rows, first, last } = this.open;
    if (rows === 0 || first > throughId) return;
    this.open = last <= throughId
      ? EMPTY
      : { first: throughId + 1, last, ...this.#between(throughId + 1, last) };
  }

  /** Some rows between these ids were deleted. */
  recount(firstId: number, lastId: number): void {
    const { update, remove, overlapping } = this.#statements;
    for (const { first, last } of overlapping.all({ firstId, lastId }) as OpenStretch[]) {
      const { rows, bytes } = this.#between(first, last);
      if (rows === 0) remove.run(first);
      else update.run({ first, rows, bytes });
    }
    const { rows, first, last } = this.open;
    if (rows > 0 && first <= lastId && last >= firstId) {
      this.open = { first, last, ...this.#between(first, last) };
    }
  }

  #between(firstId: number, lastId: number): Extent {
    return this.#statements.between.get(firstId, lastId) as Extent;
  }

  #loadRows(marks: JournalMarks, ids: { first: number; last: number }): OpenStretch {
    // The search alone would read a page.
    if (ids.first > ids.last) return EMPTY;
    const found = { first: 0, last: 0, rows: 0, bytes: 0 };
    const rows = this.#statements.rows.iterate(ids) as IterableIterator<
      { id: number; bytes: number }
    >;
    for (const { id, bytes } of rows) {
      marks.add(id, { rows: 1, bytes });
      if (found.rows === 0) found.first = id;
      found.last = id;
      found.rows++;
      found.bytes += bytes;
    }
    return found;
  }
}

function prepare(db: Database.Database) {
  return {
    // Both in one query without these brackets would read every row.
    ends: db.prepare(`
      SELECT (SELECT min(id) FROM journal) AS first, (SELECT max(id) FROM journal) AS last`),
    all: db.prepare(`
      SELECT first_id AS first, last_id AS last, rows, bytes
      FROM journal_stretches ORDER BY first_id`),
    // length() of a blob reads its header only.
    rows: db.prepare(`
      SELECT id, length(body) AS bytes FROM journal WHERE id BETWEEN :first AND :last ORDER BY id`),
    between: db.prepare(`
      SELECT count(*) AS rows, coalesce(sum(length(body)), 0) AS bytes
      FROM journal WHERE id BETWEEN ? AND ?`),
    insert: db.prepare(`
      INSERT INTO journal_stretches (first_id, last_id, rows, bytes)
      VALUES (:first, :last, :rows, :bytes)`),
    prune: db.prepare(
      "DELETE FROM journal_stretches WHERE first_id <= :throughId AND last_id <= :throughId",
    ),
    overlapping: db.prepare(`
      SELECT first_id AS first, last_id AS last FROM journal_stretches
      WHERE first_id <= :lastId AND last_id >= :firstId`),
    update: db.prepare(
      "UPDATE journal_stretches SET rows = :rows, bytes = :bytes WHERE first_id = :first",
    ),
    remove: db.prepare("DELETE FROM journal_stretches WHERE first_id = ?"),
  };
}
