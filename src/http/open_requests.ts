/** Requests until their answer was handed to the connection, or that is gone. */
export class OpenRequests {
  #count = 0;
  #wake: () => void = () => {};

  get count(): number {
    return this.#count;
  }

  add(): void {
    this.#count++;
  }

  remove(): void {
    if (--this.#count === 0) this.#wake();
  }

  /** Resolves when there is none. */
  settled(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#wake = resolve);
  }
}
