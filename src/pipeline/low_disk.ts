import { type Log } from "./ports.ts";

/** Asks whether the disk has room for more readings, and tells people when that changes. */
export class LowDisk {
  readonly #look: () => string | undefined;
  readonly #log: Log;
  #told = false;

  /** `look`: why no more should be taken; undefined: there is room. */
  constructor(look: () => string | undefined, log: Log) {
    this.#look = look;
    this.#log = log;
  }

  /** Why nothing is to be taken though the store can be written; undefined: that isn't so. */
  check(): string | undefined {
    const reason = this.#look();
    const low = reason !== undefined;
    if (low === this.#told) return reason;
    this.#told = low;
    if (low) {
      this.#log.error("the disk is nearly full: reading pauses until there is room", {
        cause: reason,
        todo: "make room on the disk of DATA_DIR, or see why results aren't taken",
      });
    } else {
      this.#log.info("there is room on the disk again");
    }
    return reason;
  }
}
