/** How long whatever is due has to wait while the one thread is busy. */

export interface EventLoopOptions {
  readonly everyMs: number;
  /** Told the delay of each look, in seconds. */
  readonly observe: (seconds: number) => void;
  /** ms; only differences count. */
  readonly now: () => number;
}

/**
 * Looks at the delay of a timer of its own until `stop`. `monitorEventLoopDelay` of node:perf_hooks isn't
 * used: in Deno 2.9.6 it didn't notice a loop that stood still for 120 ms.
 */
export function watchEventLoop({ everyMs, observe, now }: EventLoopOptions): { stop(): void } {
  let timer: ReturnType<typeof setTimeout>;
  function lookLater(): void {
    const due = now() + everyMs;
    timer = setTimeout(() => {
      observe(Math.max(0, now() - due) / 1000);
      lookLater();
    }, everyMs);
  }
  lookLater();
  return { stop: () => clearTimeout(timer) };
}
