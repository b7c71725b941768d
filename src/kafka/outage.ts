import type { Log } from "../pipeline/ports.ts";
import { remedyFor } from "./remedy.ts";

/** So many different reasons are logged in one outage; more only add to its count. */
const MAX_REASONS = 10;

/** What often passes by itself is told when it has lasted so long. */
const PATIENCE_MS = 5_000;

/**
 * Tells an outage once: from the first failure of anything until nothing fails any more, however many
 * retries that takes. A further reason within the same outage is an error only if something else is to
 * be done about it; every reason is a debug line, once.
 */
export class Outage {
  readonly #log: Log;
  readonly #what: string;
  readonly #now: () => number;
  readonly #failing = new Set<string>();
  readonly #reasons = new Set<string>();
  /** When each was first called for, or told. */
  readonly #todos = new Map<string, { at: number; told: boolean }>();
  #since = 0;
  #failures = 0;

  constructor(what: string, { log, now }: { log: Log; now: () => number }) {
    this.#what = what;
    this.#log = log;
    this.#now = now;
  }

  get lasts(): boolean {
    return this.#failing.size > 0;
  }

  /** `part` failed; it counts as failing until `well(part)`. */
  failed(part: string, reason: string): void {
    if (!this.lasts) this.#since = this.#now();
    this.#failures++;
    this.#failing.add(part);
    const { todo, patient } = remedyFor(reason);
    const known = this.#todos.get(todo) ?? { at: this.#now(), told: false };
    this.#todos.set(todo, known);
    const due = !patient || Math.abs(this.#now() - known.at) >= PATIENCE_MS;
    const fields = { part, reason, todo };
    const message = `${this.#what}: failing, retried until it works`;
    if (!known.told && due) {
      known.told = true;
      this.#log.error(message, fields);
    } else if (!this.#reasons.has(reason) && this.#reasons.size < MAX_REASONS) {
      this.#log.debug(message, fields);
    }
    if (this.#reasons.size < MAX_REASONS) this.#reasons.add(reason);
  }

  well(part: string): void {
    if (!this.#failing.delete(part) || this.lasts) return;
    const told = [...this.#todos.values()].some((it) => it.told);
    this.#log[told ? "info" : "debug"](`${this.#what}: works again`, {
      after_ms: Math.round(this.#now() - this.#since),
      failures: this.#failures,
    });
    this.#reasons.clear();
    this.#todos.clear();
    this.#failures = 0;
  }
}

/** What an error says, with what lies beneath it: the library's own text is often just "failed". */
export function reasonOf(error: unknown): string {
  const parts: string[] = [];
  let at: unknown = error;
  while (at instanceof Error && parts.length < 5) {
    const { message } = at;
    if (!parts.some((part) => part.includes(message))) parts.push(message);
    at = at.cause ?? (at as { errors?: unknown[] }).errors?.[0];
  }
  return parts.length ? parts.join(": ") : String(error);
}
