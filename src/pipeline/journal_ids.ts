import { StoreUnavailable } from "./ports.ts";

/**
 * Journal ids, one after the other. While a batch holds ids that aren't committed yet nobody else gets
 * any: ids have to be committed in their order.
 */
export class JournalIds {
  /** The highest id that is committed. */
  last: number;
  #held = false;

  constructor(last: number) {
    this.last = last;
  }

  /** The id that the next row will have, for the batch that is being made. */
  hold(): number {
    this.#held = true;
    return this.last + 1;
  }

  /** The batch is committed up to `last`, or given up. */
  release(last: number): void {
    this.#held = false;
    this.last = last;
  }

  /** The next id for rows that are made outside of a batch; throws `StoreUnavailable` while one is held. */
  next(): number {
    if (this.#held) {
      throw new StoreUnavailable("making journal rows: a batch is waiting for its commit");
    }
    return this.last + 1;
  }
}
