/** Stops before and after every statement that writes, as if the process ended there. */
import Database from "better-sqlite3";

const WRITES = /^\s*(BEGIN|COMMIT|ROLLBACK|INSERT|UPDATE|DELETE)\b/i;
/** Pages: a transaction's are written to the log before its end, and belong to nobody after a crash. */
const SMALL_CACHE = 4;

export interface Moment {
  readonly sql: string;
  readonly when: "before" | "after";
}

/**
 * Tells of every such moment in databases that this process opens from now on, until it is disposed
 * of. What `at` throws comes out of the statement. Makes their cache so small that it overflows.
 */
export function atEveryStatement(at: (moment: Moment) => void): Disposable {
  const prototype = Database.prototype;
  const { prepare, pragma } = prototype;
  // What is opened there to look at has statements, too.
  let inside = false;
  function tell(moment: Moment): void {
    if (inside) return;
    inside = true;
    try {
      at(moment);
    } finally {
      inside = false;
    }
  }
  prototype.prepare = function (this: Database.Database, sql: string) {
    const statement = prepare.call(this, sql);
    if (!WRITES.test(sql)) return statement;
    for (const name of ["run", "get", "all"] as const) {
      const work = statement[name] as (...args: unknown[]) => unknown;
      statement[name] = ((...args: unknown[]) => {
        tell({ sql, when: "before" });
        const result = work.apply(statement, args);
        tell({ sql, when: "after" });
        return result;
      }) as never;
    }
    return statement;
  } as typeof prepare;
  prototype.pragma = function (this: Database.Database, text: string, options?: unknown) {
    const changed = text.startsWith("cache_size") ? `cache_size = ${SMALL_CACHE}` : text;
    return pragma.call(this, changed, options as Database.PragmaOptions);
  } as typeof pragma;
  return {
    [Symbol.dispose]() {
      Object.assign(prototype, { prepare, pragma });
    },
  };
}

const FILES = ["plumbline.db", "plumbline.db-wal"];

/** The files as a process that ends now leaves them: what it had in memory, the log's index too, is gone. */
export function leaveBehind(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const name of FILES) {
    try {
      Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
