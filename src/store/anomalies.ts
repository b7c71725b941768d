/**
 * Anomalies, a row for each block of a batch. Every anomaly has a number; the lowest that is kept and the
 * next one stand in a row of their own, so that counting them and dropping a part of a block cost nothing.
 */
import type { Database } from "../../deps.ts";
import type { AnomalyBlock, AnomalyBounds } from "../pipeline/ports.ts";

/**
 * What falls off in one transaction beyond what it adds: some ms, whether they are in a block each or all
 * in one.
 */
const MAX_DROPS = 2000;
/** Blocks that are looked at for their age. */
const MAX_AGED = 64;

interface Head {
  readonly first: number;
  readonly count: number;
  readonly time: number;
}

export class AnomalyTable {
  readonly #now: () => number;
  readonly #bounds: AnomalyBounds;
  readonly #take: Database.Statement;
  readonly #keep: Database.Statement;
  readonly #numbers: Database.Statement;
  readonly #oldest: Database.Statement;
  readonly #raise: Database.Statement;
  readonly #drop: Database.Statement;

  constructor(db: Database.Database, options: { now: () => number; bounds: AnomalyBounds }) {
    this.#now = options.now;
    this.#bounds = options.bounds;
    this.#take = db.prepare("UPDATE anomaly_numbers SET next = next + ? RETURNING next").pluck();
    this.#keep = db.prepare(`
      INSERT INTO anomalies
        (first_number, count, time, earliest, latest, max_score, detectors, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#numbers = db.prepare("SELECT first_kept AS first, next FROM anomaly_numbers");
    this.#oldest = db.prepare(
      "SELECT first_number AS first, count, time FROM anomalies ORDER BY first_number",
    );
    this.#raise = db.prepare("UPDATE anomaly_numbers SET first_kept = ?");
    this.#drop = db.prepare(
      "DELETE FROM anomalies WHERE first_number < ? AND first_number + count <= ?",
    );
  }

  /** Only inside a transaction. */
  keep(blocks: readonly AnomalyBlock[]): void {
    const count = blocks.reduce((sum, block) => sum + block.count, 0);
    const next = this.#take.get(count) as number;
    let first = next - count;
    for (const block of blocks) {
      // One batch may have more than are ever kept.
      if (first + block.count > next - this.#bounds.maxCount) {
        const { count, time, earliest, latest, maxScore, detectors, body } = block;
        this.#keep.run(first, count, time, earliest, latest, maxScore, detectors, body);
      }
      first += block.count;
    }
    this.trim(count);
  }

  /**
   * Drops the oldest until the rest is within the bounds, a bounded number of them: those beyond the
   * bound for their number at least as fast as `added` ones come. Only inside a transaction.
   */
  trim(added: number): void {
    const { first, next } = this.#numbers.get() as { first: number; next: number };
    let floor = Math.max(first, next - this.#bounds.maxCount);
    if (floor > first) {
      floor = Math.min(floor, first + added + MAX_DROPS);
      this.#dropBelow(floor);
    }
    const start = floor;
    let left = MAX_AGED;
    // Mostly the first one stays.
    for (const block of this.#oldest.iterate() as IterableIterator<Head>) {
      if (left-- === 0 || !this.#isTooOld(block)) break;
      floor = block.first + block.count;
    }
    if (floor > start) this.#dropBelow(floor);
  }

  #dropBelow(floor: number): void {
    this.#raise.run(floor);
    this.#drop.run(floor, floor);
  }

  /** Whether `trim` has something to do. */
  get overdue(): boolean {
    const oldest = this.#oldest.get() as Head | undefined;
    if (oldest === undefined) return false;
    const { first, next } = this.#numbers.get() as { first: number; next: number };
    return next - this.#bounds.maxCount > first || this.#isTooOld(oldest);
  }

  #isTooOld({ time }: Head): boolean {
    return this.#now() - time > this.#bounds.maxAgeMs;
  }
}
