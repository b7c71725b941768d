/** How many things are due at a rate, without ever catching up more than a second's worth. */
export class Pace {
  readonly #rate: number;
  readonly #now: () => number;
  #at: number;
  #allowed = 1;

  /** `rate`: a second; 0: no bound. `now` in ms. */
  constructor(rate: number, now: () => number) {
    this.#rate = rate;
    this.#now = now;
    this.#at = now();
  }

  /** How many may go now, `most` at most; they count as gone. */
  take(most: number): number {
    if (this.#rate === 0) return most;
    const now = this.#now();
    const earned = (now - this.#at) / 1000 * this.#rate;
    this.#at = now;
    this.#allowed = Math.min(Math.max(1, this.#rate), this.#allowed + earned);
    const taken = Math.min(most, Math.floor(this.#allowed));
    this.#allowed -= taken;
    return taken;
  }

  /** ms until the next one is due. */
  wait(): number {
    return this.#rate === 0 ? 0 : Math.max(0, (1 - this.#allowed) / this.#rate * 1000);
  }
}
