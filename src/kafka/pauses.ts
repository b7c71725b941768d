export interface Pause {
  readonly over: Promise<void>;
  /** Ends it at once. */
  end(): void;
}

/** Pauses that all end at once when their owner closes. */
export class Pauses {
  readonly #pending = new Map<ReturnType<typeof setTimeout>, () => void>();
  #ended = false;

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves after `ms`, or when `end` is called. */
  wait(ms: number): Promise<void> {
    return this.begin(ms).over;
  }

  /** The same, as a pause that can be ended by itself. */
  begin(ms: number): Pause {
    if (this.#ended) return { over: Promise.resolve(), end: () => {} };
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = () => {
      clearTimeout(timer);
      this.#pending.delete(timer);
      resolve();
    };
    const timer = setTimeout(end, ms);
    this.#pending.set(timer, end);
    return { over: promise, end };
  }

  end(): void {
    this.#ended = true;
    for (const end of [...this.#pending.values()]) end();
  }
}
