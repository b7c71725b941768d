/** SQLite transactions: one at a time, all or nothing, durable when they return. */
import { Database } from "../../deps.ts";
import { StoreUnavailable } from "../pipeline/ports.ts";

export class Transactor {
  readonly #db: Database.Database;
  readonly #begin: Database.Statement;
  readonly #commit: Database.Statement;
  readonly #rollback: Database.Statement;
  #running = false;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#rollback = db.prepare("ROLLBACK");
  }

  /**
   * Runs `work` in a transaction of its own. What it throws rolls back and is thrown on, as
   * `StoreUnavailable` where the disk is full, failing or locked. Throws inside another transaction,
   * and where `work` answers a promise: nothing may await in here.
   */
  run<T>(work: () => T): T {
    if (this.#running) {
      throw new Error("beginning a transaction: at most 1 at a time, one is running already");
    }
    this.#running = true;
    try {
      this.#begin.run();
      const result = work();
      if (isThenable(result)) {
        // The rest of the function fails by itself, on its dead transaction: one error is enough.
        result.then(undefined, () => {});
        throw new TypeError("running a transaction: the work must be synchronous, got a promise");
      }
      this.#commit.run();
      return result;
    } catch (error) {
      // A full disk makes SQLite roll back by itself.
      if (this.#db.inTransaction) this.#rollback.run();
      throw unavailable(error) ?? error;
    } finally {
      this.#running = false;
    }
  }
}

/** The error as `StoreUnavailable`, if it says that the disk is full, failing or locked. */
export function unavailable(error: unknown): StoreUnavailable | undefined {
  if (!(error instanceof Database.SqliteError)) return undefined;
  if (!/^SQLITE_(FULL|IOERR|BUSY|READONLY)(_|$)/.test(error.code)) return undefined;
  return new StoreUnavailable(`writing to the database: ${error.message} (${error.code})`, {
    cause: error,
  });
}

/** Whether it is room that is missing. */
export function isDiskFull(error: unknown): boolean {
  const cause = error instanceof StoreUnavailable ? error.cause : error;
  return cause instanceof Database.SqliteError &&
    /^SQLITE_(FULL|IOERR_(WRITE|SHMSIZE|TRUNCATE|FSYNC))$/.test(cause.code);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}
