/** The group's copy of the positions: late on purpose, and never a failure of its own. */
import type { Log } from "../pipeline/ports.ts";
import { reasonOf } from "./outage.ts";
import { remedyFor } from "./remedy.ts";

const INTERVAL_MS = 250;

export interface OffsetCommitsOptions {
  /** Commits next offsets by partition. Puts the request on the wire before it returns, where it can. */
  send(ends: ReadonlyMap<number, number>): Promise<void>;
  readonly log: Log;
}

/**
 * Gathers the ends of committed batches and sends the newest of each partition, at most one request
 * at a time and four a second. SQLite has the truth: what gets lost here is only read again by
 * another member, so a failure is tried again with what came since. One alone is usual where the partitions
 * change hands; more in a row are logged, once until it works again.
 */
export class OffsetCommits {
  readonly #options: OffsetCommitsOptions;
  #waiting = new Map<number, number>();
  #sending: Promise<void> | undefined;
  #sentAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Failures in a row. */
  #failures = 0;
  /** Grows when the partitions change hands: what was sent before isn't tried again. */
  #term = 0;

  constructor(options: OffsetCommitsOptions) {
    this.#options = options;
  }

  add(partition: number, end: number): void {
    if (end > (this.#waiting.get(partition) ?? -1)) this.#waiting.set(partition, end);
    this.#schedule();
  }

  /**
   * The partitions go to whoever the group decides for: sends what is waiting at once, ahead of our
   * part in the rebalance, so that the next member begins where we end; then forgets it all.
   */
  handOver(): void {
    this.#stopTimer();
    if (this.#waiting.size > 0) void this.#send();
    this.#term++;
  }

  /** Sends what is waiting and waits for the answers. Never rejects. */
  async settle(): Promise<void> {
    this.#stopTimer();
    await this.#sending;
    if (this.#waiting.size > 0) await this.#send();
    this.#stopTimer();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#sending) return;
    // What comes after a pause goes at once: should we be killed, another member reads less again.
    const pause = Math.max(0, this.#sentAt + INTERVAL_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#waiting.size > 0) void this.#send();
    }, pause);
  }

  #send(): Promise<void> {
    const sending = this.#attempt().then(() => {
      if (this.#sending === sending) this.#sending = undefined;
      if (this.#waiting.size > 0) this.#schedule();
    });
    this.#sending = sending;
    return sending;
  }

  async #attempt(): Promise<void> {
    const ends = this.#waiting;
    const term = this.#term;
    this.#sentAt = performance.now();
    this.#waiting = new Map();
    try {
      await this.#options.send(ends);
      if (this.#failures > 1) this.#options.log.info("offsets are committed to the group again");
      this.#failures = 0;
    } catch (error) {
      if (++this.#failures === 2) {
        const reason = reasonOf(error);
        this.#options.log.warn(
          "committing offsets to the group fails; positions are safe in SQLite",
          { reason, todo: remedyFor(reason).todo },
        );
      }
      if (term !== this.#term) return;
      for (const [partition, end] of ends) {
        if (end > (this.#waiting.get(partition) ?? -1)) this.#waiting.set(partition, end);
      }
    }
  }
}
