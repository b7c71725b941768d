/** A moment by two clocks: one that is set may jump, one that isn't may stand while the machine sleeps. */
interface Moment {
  readonly wall: number;
  readonly steady: number;
}

/** In ms. */
export interface Clocks {
  /** The clock that is set, and goes on while the machine sleeps. */
  readonly wallClock: () => number;
  /** One that is never set; only differences count. */
  readonly now: () => number;
}

/**
 * For how long the coordinator can't have given a member's partitions to others: a session's length from
 * when the last request was sent that it has counted as a sign of life. A process that was frozen for
 * longer learns only some time after it has woken that it isn't a member any more.
 */
export class Lease {
  readonly #sessionMs: number;
  readonly #clocks: Clocks;
  #sentAt: Moment | undefined;
  #aliveAt: Moment | undefined;

  constructor(sessionMs: number, clocks: Clocks) {
    this.#sessionMs = sessionMs;
    this.#clocks = clocks;
  }

  get lasts(): boolean {
    const then = this.#aliveAt;
    if (then === undefined) return false;
    const { wall, steady } = this.#moment();
    return steady - then.steady < this.#sessionMs && Math.abs(wall - then.wall) < this.#sessionMs;
  }

  /** A sign of life goes out. */
  sent(): void {
    this.#sentAt = this.#moment();
  }

  /** The one that went out last was answered well. */
  answered(): void {
    this.#aliveAt = this.#sentAt;
  }

  #moment(): Moment {
    const { wallClock, now } = this.#clocks;
    return { wall: wallClock(), steady: now() };
  }
}
