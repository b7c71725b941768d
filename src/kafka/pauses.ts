/** Pauses that all end at once when their owner closes. */
export class Pauses {
  readonly #pending = new Map<ReturnType<typeof setTimeout>, () => void>();
  #ended = false;

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves after `ms`, or when `end` is called. */
  wait(ms: number): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#pending.delete(timer);
        resolve();
      }, ms);
      this.#pending.set(timer, resolve);
    });
  }

  end(): void {
    this.#ended = true;
    for (const [timer, resolve] of this.#pending) {
      clearTimeout(timer);
      resolve();
    }
    this.#pending.clear();
  }
}
