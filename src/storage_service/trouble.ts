/** What is told of a service that doesn't take results: once, and once more when it does again. */
import type { Log } from "../pipeline/ports.ts";
import type { PostOutcome } from "./post.ts";

export type Failure = Extract<PostOutcome, { stored: false }>;

/** A spell so soon after the last one … */
const SOON_MS = 60_000;
/** … is told only if it lasts: failures that come and go would fill the log. */
const LASTS_MS = 5_000;

interface Spell {
  readonly since: number;
  failures: number;
  toldAt: number | undefined;
  /** Nothing at all was taken. */
  down: boolean;
}

/** A spell lasts from the first failure until no device's results fail any more. */
export class Trouble {
  readonly #options: { url: string; log: Log; now: () => number };
  #spell: Spell | undefined;
  #endedAt = -Infinity;
  #refused = 0;
  #refusedToldAt = -Infinity;

  constructor(options: { url: string; log: Log; now: () => number }) {
    this.#options = options;
  }

  /** `down`: no result is taken at all. */
  failed(failure: Failure, { id, down }: { id: string; down: boolean }): void {
    const { url, log, now } = this.#options;
    const time = now();
    const spell = this.#spell ??= { since: time, failures: 0, toldAt: undefined, down: false };
    spell.failures++;
    const { cause, status, answer } = failure;
    log.debug("a result wasn't stored", { id, cause, answer });
    const fields = { url, cause, todo: todoFor(status) };
    if (spell.toldAt === undefined) {
      const soon = Math.abs(time - this.#endedAt) < SOON_MS;
      if (soon && Math.abs(time - spell.since) < LASTS_MS) return;
      log.warn("a result wasn't stored; it is kept and posted again until it is", {
        ...fields,
        id,
      });
      spell.toldAt = time;
    } else if (down && !spell.down && Math.abs(time - spell.toldAt) > LASTS_MS) {
      log.warn("the storage service takes no results any more; they are kept", fields);
    }
    spell.down ||= down;
  }

  /** A result became a dead letter: told at once, then once a minute with how many there were. */
  refused({ cause, status, answer }: Failure, id: string): void {
    const { url, log, now } = this.#options;
    this.#refused++;
    log.debug("a result was refused", { id, cause, answer });
    if (Math.abs(now() - this.#refusedToldAt) < SOON_MS) return;
    log.error("results were refused by the storage service; they are in the dead letters", {
      url,
      cause,
      id,
      count: this.#refused,
      todo: todoFor(status),
    });
    this.#refused = 0;
    this.#refusedToldAt = now();
  }

  /** `failing`: how many devices' results still aren't taken. */
  succeeded({ failing, down }: { failing: number; down: boolean }): void {
    const spell = this.#spell;
    if (spell === undefined || down || (failing > 0 && !spell.down)) return;
    const { url, log, now } = this.#options;
    if (spell.toldAt !== undefined) {
      log.info("the storage service takes results again", {
        url,
        after_ms: Math.round(now() - spell.since),
        failures: spell.failures,
      });
    }
    this.#endedAt = now();
    this.#spell = undefined;
  }
}

function todoFor(status: number | undefined): string {
  if (status === undefined) {
    return "see that the service runs and that STORAGE_SERVICE_URL names it";
  }
  if (status >= 500) return "see the service's own log";
  if (status < 400) return "name the address that it redirects to by STORAGE_SERVICE_URL";
  switch (status) {
    case 401:
    case 403:
      return "let this machine in without credentials: none are sent";
    case 404:
    case 405:
      return "see that STORAGE_SERVICE_URL names it: results are posted to /api/store below";
    case 429:
      return "lower STORAGE_CONCURRENCY, or let it take more";
    default:
      return "see why it refuses the result: its own log says so, and its answer with LOG_LEVEL=debug";
  }
}
