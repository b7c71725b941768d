import type { Log } from "../pipeline/ports.ts";
import { todoFor } from "./todo.ts";

/** So many different reasons are logged in one outage; more only add to its count. */
const MAX_REASONS = 10;

/**
 * Tells an outage once: from the first failure of anything until nothing fails any more, however many
 * retries that takes. A further reason within the same outage is an error only if something else is to
 * be done about it, else a debug line, and each is logged once.
 */
export class Outage {
  readonly #log: Log;
  readonly #what: string;
  readonly #now: () => number;
  readonly #failing = new Set<string>();
  readonly #reasons = new Set<string>();
  readonly #todos = new Set<string>();
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
    if (this.#reasons.has(reason) || this.#reasons.size >= MAX_REASONS) return;
    this.#reasons.add(reason);
    const todo = todoFor(reason);
    const level = this.#todos.has(todo) ? "debug" : "error";
    this.#todos.add(todo);
    this.#log[level](`${this.#what}: failing, retried until it works`, { part, reason, todo });
  }

  well(part: string): void {
    if (!this.#failing.delete(part) || this.lasts) return;
    this.#log.info(`${this.#what}: works again`, {
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
