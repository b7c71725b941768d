/**
 * The connections to the API: as many as may be, for as long as may be. Whoever opens more than that
 * makes those go that wait for their client: a client that asks and reads is answered, however many
 * others only hold on.
 */

export interface ConnectionLimits {
  /** At the same time. */
  readonly maxConnections: number;
  /** For a request's line and headers, without a request, and for reading an answer that is out: ms. */
  readonly waitMs: number;
  /** For a request's body; whoever reads it may have less patience. */
  readonly bodyMs: number;
  /** For an answer that comes in pieces, as its client reads them. */
  readonly answerMs: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  maxConnections: 1000,
  waitMs: 30_000,
  bodyMs: 45_000,
  answerMs: 300_000,
};

/** What a connection's server says of it. */
export interface HeldConnection {
  /** A request's line and headers have come. */
  request(): HeldRequest;
  /** It has ended. */
  closed(): void;
}

/** What happens to a request, in this order; any of it may be left out. */
export interface HeldRequest {
  /** All of it is there: it isn't the client that is waited for any more. */
  whole(): void;
  /** Its answer begins. */
  answered(): void;
  /** All of its answer was handed over, or nobody waits for it any more. */
  over(): void;
}

interface Held {
  readonly cut: () => void;
  /** Requests that are whole, and whose answers aren't out. */
  working: number;
  /** Requests of which more is to come. */
  coming: number;
  /** Since when the client is waited for. */
  since: number;
  /** When an answer that has begun must have ended. */
  answerUntil: number;
}

export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #now: () => number;
  readonly #all = new Set<Held>();
  /** Those whose client is waited for, in the order since when. */
  readonly #waiting = new Set<Held>();
  #dropped = 0;

  /** `now`: ms; only differences count. */
  constructor({ limits, now }: { limits: ConnectionLimits; now: () => number }) {
    this.#limits = limits;
    this.#now = now;
  }

  get open(): number {
    return this.#all.size;
  }

  /** Connections that were ended, or not begun, because there were too many, ever. */
  get dropped(): number {
    return this.#dropped;
  }

  /** A new one, which `cut` ends; undefined: there are too many that are at work, it must be closed. */
  add(cut: () => void): HeldConnection | undefined {
    if (this.#all.size >= this.#limits.maxConnections) {
      this.#dropped++;
      if (!this.dropOldest()) return undefined;
    }
    const held: Held = {
      cut,
      working: 0,
      coming: 0,
      since: this.#now(),
      answerUntil: Infinity,
    };
    this.#all.add(held);
    this.#waiting.add(held);
    return {
      request: () => this.#request(held),
      closed: () => this.#forget(held),
    };
  }

  /** Ends the one whose client is waited for longest; false: there is none. */
  dropOldest(): boolean {
    for (const held of this.#waiting) {
      this.#end(held);
      return true;
    }
    return false;
  }

  /** Ends those whose clients were too slow; to be called about once a second. */
  sweep(): void {
    const now = this.#now();
    for (const held of [...this.#all]) {
      const patience = held.coming > 0 ? this.#limits.bodyMs : this.#limits.waitMs;
      const isLate = held.working === 0 && now - held.since > patience;
      if (isLate || now > held.answerUntil) this.#end(held);
    }
  }

  /** Ends all. */
  end(): void {
    for (const held of [...this.#all]) this.#end(held);
  }

  #request(held: Held): HeldRequest {
    let state: "coming" | "working" | "over" = "coming";
    held.coming++;
    held.since = this.#now();
    const whole = () => {
      if (state !== "coming") return;
      state = "working";
      held.coming--;
      held.working++;
      this.#waiting.delete(held);
    };
    const answered = () => {
      if (state !== "over") held.answerUntil = this.#now() + this.#limits.answerMs;
    };
    const over = () => {
      if (state === "coming") held.coming--;
      if (state === "working") held.working--;
      state = "over";
      held.answerUntil = Infinity;
      held.since = this.#now();
      if (held.working > 0 || !this.#all.has(held)) return;
      // Behind all that wait already.
      this.#waiting.delete(held);
      this.#waiting.add(held);
    };
    return { whole, answered, over };
  }

  #end(held: Held): void {
    this.#forget(held);
    held.cut();
  }

  #forget(held: Held): void {
    this.#waiting.delete(held);
    this.#all.delete(held);
  }
}
