/** How long whatever is due has to wait while the one thread is busy. */

/**
 * Goes by the delay of a timer that runs anyway: one of its own would cost CPU while the engine is idle.
 * `monitorEventLoopDelay` of node:perf_hooks isn't used: in Deno 2.9.6 it didn't notice a loop that stood
 * still for 120 ms.
 */
export class EventLoopDelay {
  readonly #everyMs: number;
  readonly #now: () => number;
  readonly #observe: (seconds: number) => void;
  #last: number;

  /** `now` in ms, only differences count; `observe` is told each delay in seconds. */
  constructor(
    everyMs: number,
    options: { now: () => number; observe: (seconds: number) => void },
  ) {
    this.#everyMs = everyMs;
    this.#now = options.now;
    this.#observe = options.observe;
    this.#last = options.now();
  }

  /** The timer has come; it is due again `everyMs` from now. */
  beat(): void {
    const now = this.#now();
    this.#observe(Math.max(0, now - this.#last - this.#everyMs) / 1000);
    this.#last = now;
  }
}
