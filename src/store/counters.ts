/** The counters of invariant 5: one row, raised in the transaction of the batch. */
import type { Database } from "../../deps.ts";
import type { Counters } from "../pipeline/ports.ts";

export class CounterRow {
  readonly #raise: Database.Statement;
  readonly #read: Database.Statement;

  constructor(db: Database.Database) {
    this.#raise = db.prepare(`
      UPDATE counters SET
        read = read + :read,
        results = results + :results,
        sampled_out = sampled_out + :sampledOut,
        rejected = rejected + :rejected,
        dropped = dropped + :dropped,
        passed_on = passed_on + :passedOn`);
    this.#read = db.prepare(`
      SELECT read, results, sampled_out AS sampledOut, rejected, dropped, passed_on AS passedOn
      FROM counters`);
  }

  /** Only inside a transaction. */
  raise(delta: Counters): void {
    this.#raise.run(delta);
  }

  read(): Counters {
    return this.#read.get() as Counters;
  }
}
