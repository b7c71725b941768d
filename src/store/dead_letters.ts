/** Readings that are no readings, kept as they came. */
import { type Database, drizzle, gt } from "../../deps.ts";
import type { DeadLetter, Rejected } from "../pipeline/ports.ts";
import { deadLetters } from "./schema.ts";
import { plainBytes } from "./series_rows.ts";

export class DeadLetterTable {
  readonly #orm: ReturnType<typeof drizzle>;
  readonly #now: () => number;
  readonly #keep: Database.Statement;

  constructor(db: Database.Database, options: { now: () => number }) {
    this.#orm = drizzle(db);
    this.#now = options.now;
    // A topic full of bad readings comes through here at full speed.
    this.#keep = db.prepare(`
      INSERT INTO dead_letters (id, topic, partition, "offset", time, reason, stored_at, bytes)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO NOTHING`);
  }

  /** Keeps the first of an id. Only inside a transaction. */
  keep(rejected: Rejected): void {
    const { id, topic, partition, offset, time, reason, bytes } = rejected;
    this.#keep.run(id, topic, partition, offset, time, reason, this.#now(), bytes);
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
}
