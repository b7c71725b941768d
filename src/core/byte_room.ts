const FIRST_BYTES = 64 * 1024;

/**
 * Room for bytes that are used up together: hundreds of devices' states would each bring arrays that live
 * too long to be cheap garbage.
 */
export class ByteRoom {
  #block = new Uint8Array(FIRST_BYTES);
  #at = 0;

  /** So many bytes, all 0 or what was there before `clear`. */
  take(length: number): Uint8Array {
    // What was given out keeps the smaller block.
    if (this.#at + length > this.#block.length) {
      this.#block = new Uint8Array(Math.max(2 * this.#block.length, length));
      this.#at = 0;
    }
    const from = this.#at;
    this.#at += length;
    return this.#block.subarray(from, this.#at);
  }

  /** Nobody uses what was given out any more. */
  clear(): void {
    this.#at = 0;
  }
}
