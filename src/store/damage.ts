/** Notices a database that is damaged, wherever that shows, and remembers it for the next start. */
import { Database } from "../../deps.ts";
import { UnreadableState } from "../core/device.ts";
import { StoreDamaged } from "../pipeline/ports.ts";

/** The error as `StoreDamaged`, if it says that the file's contents can't be true. */
export function damaged(error: unknown): StoreDamaged | undefined {
  if (error instanceof StoreDamaged) return error;
  if (error instanceof UnreadableState) return damage(error.message, error);
  if (!(error instanceof Database.SqliteError)) return undefined;
  if (!/^SQLITE_(CORRUPT|NOTADB)(_|$)/.test(error.code)) return undefined;
  return damage(`${error.message} (${error.code})`, error);
}

export function damage(reason: string, cause: unknown): StoreDamaged {
  return new StoreDamaged(`the database is damaged: ${reason}`, { cause });
}

/** Tables whose rows are few: looked through at every start, in about a ms. */
const SMALL_TABLES = [
  "meta",
  "counters",
  "positions",
  "topics",
  "members",
  "lanes",
  "storage_cursor",
  "anomaly_numbers",
  "global_statistics",
  "global_metrics",
];

/**
 * Looks through the small tables, as far as the file has them; the large ones show damage when they are
 * read. Throws `StoreDamaged`, or what SQLite throws.
 */
export function checkSmallTables(db: Database.Database): void {
  const there = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
  for (const table of SMALL_TABLES) {
    if (!there.includes(table)) continue;
    const [found] = db.pragma(`quick_check(${table})`) as { quick_check: string }[];
    const fault = found.quick_check.split("\n").at(-1)!;
    if (fault !== "ok") throw damage(`table ${table}: ${fault}`, undefined);
  }
}

/** Stands in the data folder while the file beside it is known to be damaged. */
export class DamageMark {
  readonly #path: string;

  constructor(dir: string) {
    this.#path = `${dir}/plumbline.damaged`;
  }

  /** What was found; undefined: nothing. */
  read(): string | undefined {
    try {
      return Deno.readTextFileSync(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** Never throws: without the mark the next start finds the damage as this one did. */
  set(reason: string): void {
    try {
      Deno.writeTextFileSync(this.#path, reason);
    } catch {
      // The disk may be full, or gone.
    }
  }

  clear(): void {
    removeIfThere(this.#path);
  }
}

/** Stands between the file and everybody who reads or writes it. */
export class DamageGuard {
  readonly #mark: DamageMark;
  readonly #onDamage: (error: StoreDamaged) => void;
  #found: StoreDamaged | undefined;

  constructor(mark: DamageMark, onDamage: (error: StoreDamaged) => void) {
    this.#mark = mark;
    this.#onDamage = onDamage;
  }

  /** Does the work; damage is marked and thrown as `StoreDamaged`, and after it nothing is done any more. */
  run<T>(work: () => T): T {
    if (this.#found !== undefined) throw this.#found;
    try {
      return work();
    } catch (error) {
      const found = damaged(error);
      throw found === undefined ? error : this.found(found);
    }
  }

  found(error: StoreDamaged): StoreDamaged {
    if (this.#found !== undefined) return this.#found;
    this.#found = error;
    this.#mark.set(error.message);
    this.#onDamage(error);
    return error;
  }

  /** The same object, every method of which is run here. */
  around<T extends object>(target: T): T {
    const run = this.run.bind(this);
    const guarded: Record<string, unknown> = Object.create(target);
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(target))) {
      const method = (target as Record<string, unknown>)[name];
      if (name === "constructor" || typeof method !== "function") continue;
      guarded[name] = (...args: unknown[]) => run(() => method.apply(target, args));
    }
    return guarded as T;
  }
}

export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
