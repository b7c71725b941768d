/** Readings that are no readings and results that a sink refused, kept as they came, within bounds. */
import { type Database, drizzle, gt } from "../../deps.ts";
import type {
  DeadLetter,
  DeadLetterBounds,
  DeadLetterTotals,
  Refused,
  Rejected,
} from "../pipeline/ports.ts";
import { deadLetters } from "./schema.ts";
import { plainBytes } from "./series_rows.ts";

/** Letters that fall off in one transaction beyond those that it adds: about 10 ms. */
const MAX_DROPS = 1000;

export class DeadLetterTable {
  readonly #orm: ReturnType<typeof drizzle>;
  readonly #now: () => number;
  readonly #bounds: DeadLetterBounds;
  readonly #keep: Database.Statement;
  readonly #same: Database.Statement;
  readonly #countRefused: Database.Statement;
  readonly #totals: Database.Statement;
  readonly #oldest: Database.Statement;
  readonly #drop: Database.Statement;
  readonly #countDropped: Database.Statement;
  readonly #countMissed: Database.Statement;
  readonly #remove: Database.Statement;
  readonly #countReplayed: Database.Statement;
  readonly #countDiscarded: Database.Statement;
  readonly #mark: Database.Statement;
  readonly #unmark: Database.Statement;
  readonly #moveCopy: Database.Statement;

  constructor(db: Database.Database, options: { now: () => number; bounds: DeadLetterBounds }) {
    this.#orm = drizzle(db);
    this.#now = options.now;
    this.#bounds = options.bounds;
    // A topic full of bad readings comes through here at full speed.
    this.#same = db.prepare(
      "SELECT 1 FROM dead_letters WHERE id = ? AND sink = '' AND bytes IS ?",
    );
    this.#keep = db.prepare(`
      INSERT INTO dead_letters (id, sink, tenant_id, topic, partition, "offset", time, reason,
        status, answer, attempts, stored_at, bytes)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id, sink) DO NOTHING`);
    this.#countRefused = db.prepare(
      "UPDATE counters SET sink_dead_letters = sink_dead_letters + 1",
    );
    this.#totals = db.prepare(`
      SELECT sum(t.count) AS count, sum(t.bytes) AS bytes,
        sink_dead_letters AS refused, dead_letters_dropped AS dropped
      FROM dead_letter_totals AS t, counters`);
    this.#oldest = db.prepare(`
      SELECT sequence, stored_at AS storedAt, coalesce(length(bytes), 0) AS bytes
      FROM dead_letters ORDER BY sequence LIMIT ?`);
    this.#drop = db.prepare("DELETE FROM dead_letters WHERE sequence <= ?");
    this.#countDropped = db.prepare(
      "UPDATE counters SET dead_letters_dropped = dead_letters_dropped + ?",
    );
    this.#countMissed = db.prepare(`
      UPDATE dead_letter_copy SET missed = missed + (
        SELECT count(*) FROM dead_letters AS l
        WHERE l.sequence > dead_letter_copy.sequence AND l.sequence <= :last
      ) WHERE sequence < :last`);
    this.#remove = db.prepare("DELETE FROM dead_letters WHERE sequence = ?");
    this.#countReplayed = db.prepare(
      "UPDATE counters SET dead_letters_replayed = dead_letters_replayed + 1",
    );
    this.#countDiscarded = db.prepare(
      "UPDATE counters SET dead_letters_discarded = dead_letters_discarded + ?",
    );
    this.#mark = db.prepare(`
      INSERT INTO dead_letters_to_replay SELECT sequence FROM dead_letters WHERE sequence = ?
      ON CONFLICT DO NOTHING`);
    this.#unmark = db.prepare("DELETE FROM dead_letters_to_replay WHERE sequence = ?");
    this.#moveCopy = db.prepare(`
      UPDATE dead_letter_copy
      SET sequence = ?, sent = sent + ?, too_large = too_large + ?`);
  }

  /**
   * Keeps a reading once; another one under the same id is kept as `<id>~2` and so on. Only inside a
   * transaction, as is `refuse`.
   */
  keep(rejected: Rejected): void {
    const { topic, partition, offset, time, reason, bytes } = rejected;
    // Folders of earlier versions gave ids twice, with a second cluster: no reason to drop a reading.
    for (let id = rejected.id, again = 2; !this.#has(id, bytes); again++) {
      const kept = [id, "", null, topic, partition, offset, time, reason, null, null, 0];
      if (this.#keep.run(...kept, this.#now(), bytes).changes > 0) return;
      id = `${rejected.id}~${again}`;
    }
  }

  #has(id: string, bytes: Uint8Array | null): boolean {
    return this.#same.get(id, bytes) !== undefined;
  }

  /** Keeps the first of an id and a sink, and counts it. */
  refuse(refused: Refused): void {
    const { id, sink, tenant, time, reason, status, answer, attempts, bytes } = refused;
    const kept = [id, sink, tenant, "", -1, -1, time, reason, status, answer, attempts];
    if (this.#keep.run(...kept, this.#now(), bytes).changes > 0) this.#countRefused.run();
  }

  totals(): DeadLetterTotals {
    return this.#totals.get() as DeadLetterTotals;
  }

  /**
   * Drops the oldest until the rest is within the bounds, at most `added` and a thousand; the newest
   * stays, however large it is. Only inside a transaction.
   */
  trim(added: number): void {
    const { maxCount, maxBytes } = this.#bounds;
    let { count, bytes } = this.totals();
    let last: number | undefined;
    for (const letter of this.#oldest.iterate(MAX_DROPS + added) as IterableIterator<Oldest>) {
      const over = count > maxCount || bytes > maxBytes || this.#isTooOld(letter);
      if (!over || (count === 1 && !this.#isTooOld(letter))) break;
      last = letter.sequence;
      count--;
      bytes -= letter.bytes;
    }
    if (last === undefined) return;
    this.#countMissed.run({ last });
    this.#countDropped.run(this.#drop.run(last).changes);
  }

  /** The letter goes because it is replayed; false: there is none. Only inside a transaction, as the rest. */
  take(sequence: number): boolean {
    if (this.#remove.run(sequence).changes === 0) return false;
    this.#countReplayed.run();
    return true;
  }

  discard(sequences: readonly number[]): number {
    let gone = 0;
    for (const sequence of sequences) gone += this.#remove.run(sequence).changes;
    this.#countDiscarded.run(gone);
    return gone;
  }

  mark(sequences: readonly number[], marked: boolean): void {
    const statement = marked ? this.#mark : this.#unmark;
    for (const sequence of sequences) statement.run(sequence);
  }

  moveCopy(through: number | null, { sent, tooLarge }: { sent: number; tooLarge: number }): void {
    this.#moveCopy.run(through, sent, tooLarge);
  }

  /** Whether `trim` has something to do. */
  get overdue(): boolean {
    const [oldest] = this.#oldest.all(1) as Oldest[];
    if (oldest === undefined) return false;
    if (this.#isTooOld(oldest)) return true;
    const { count, bytes } = this.totals();
    return count > 1 && (count > this.#bounds.maxCount || bytes > this.#bounds.maxBytes);
  }

  page(options: { after?: number; limit: number }): DeadLetter[] {
    const { after = 0, limit } = options;
    const rows = this.#orm.select().from(deadLetters).where(gt(deadLetters.sequence, after))
      .orderBy(deadLetters.sequence).limit(limit).all();
    return rows.map((row) => ({
      ...row,
      bytes: row.bytes === null ? null : plainBytes(row.bytes),
    }));
  }

  #isTooOld({ storedAt }: Oldest): boolean {
    return this.#now() - storedAt > this.#bounds.maxAgeMs;
  }
}

interface Oldest {
  readonly sequence: number;
  readonly storedAt: number;
  readonly bytes: number;
}
