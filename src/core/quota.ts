/** What a tenant may send at most; what is left out has no bound. */
export interface Quotas {
  /** Readings a second, on average. */
  readonly readingsPerSecond?: number;
  /** Readings at once after a pause; as many as in ten seconds if left out. */
  readonly burst?: number;
  /** Devices, ever. */
  readonly devices?: number;
  /** Share of each sink's backlog that its results may take, above 0, at most 1. */
  readonly backlogShare?: number;
  /** What becomes of readings from Kafka beyond them. */
  readonly over: "drop" | "dead_letter";
}

const BURST_SECONDS = 10;

/**
 * Readings a second, as a token bucket: it holds `burst` tokens at most, gets `readingsPerSecond` of
 * them each second, and each reading takes one. Time is the batch's: all that is in one batch came at once.
 */
export class RateQuota {
  readonly perSecond: number;
  readonly burst: number;
  #tokens: number;
  #at = -Infinity;

  constructor({ readingsPerSecond, burst }: { readingsPerSecond: number; burst?: number }) {
    this.perSecond = readingsPerSecond;
    this.burst = burst ?? Math.max(1, Math.ceil(readingsPerSecond * BURST_SECONDS));
    this.#tokens = this.burst;
  }

  /** Takes a token; false: there is none. `time` in ms. */
  take(time: number): boolean {
    if (time !== this.#at) this.#fill(time);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Readings that it would let through at once at this time, in ms; takes none. */
  available(time: number): number {
    return Math.floor(this.#tokensAt(time));
  }

  /** Goes on where another one stands: settings that are read again don't fill the bucket. */
  goOnFrom(other: RateQuota): void {
    this.#tokens = Math.min(other.#tokens, this.burst);
    this.#at = other.#at;
  }

  /** A clock that is set back brings nothing, and the time from there on counts. */
  #fill(time: number): void {
    this.#tokens = this.#tokensAt(time);
    this.#at = time;
  }

  #tokensAt(time: number): number {
    const passed = this.#at === -Infinity ? 0 : Math.max(0, time - this.#at);
    return Math.min(this.burst, this.#tokens + passed * this.perSecond / 1000);
  }
}
