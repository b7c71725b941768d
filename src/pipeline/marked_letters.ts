import { type LetterDesk } from "./letter_desk.ts";
import { type Log } from "./ports.ts";

/** While letters can't be replayed now, they are tried again so often. */
const RETRY_MS = 5_000;

/** Replays, after a start, what was marked while no engine ran. */
export class MarkedLetters {
  readonly #desk: LetterDesk;
  readonly #log: Log;
  readonly #now: () => number;
  #busy = false;
  #lookAt = -Infinity;
  #told = false;

  constructor(desk: LetterDesk, { log, now }: { log: Log; now: () => number }) {
    this.#desk = desk;
    this.#log = log;
    this.#now = now;
  }

  /** To be called now and then. */
  look(): void {
    if (this.#busy || Math.abs(this.#now() - this.#lookAt) < RETRY_MS) return;
    this.#lookAt = this.#now();
    this.#busy = true;
    void this.#replay().finally(() => this.#busy = false);
  }

  async #replay(): Promise<void> {
    const outcome = await this.#desk.replayMarked();
    if (outcome === undefined) return;
    const { matched, done, rejected, left, reason, stopped } = outcome;
    const fields = { matched, replayed: done, rejectedAgain: rejected, left, reason };
    if (stopped === undefined) {
      this.#told = false;
      this.#log.info("dead letters that were marked for this start were replayed", fields);
    } else if (!this.#told) {
      this.#told = true;
      this.#log.warn("dead letters that were marked for this start wait", {
        ...fields,
        cause: stopped.message,
        todo: "none: they are replayed as soon as that can be",
      });
    }
  }
}
