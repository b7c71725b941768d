/** Garbage of an engine with very many devices: V8 alone would let it grow to four times what is alive. */

/** With less of devices V8 does as it likes: what it leaves lying about is little then. */
const FROM_BYTES = 64 * 1024 ** 2;
/** So much may have come since the last collection. */
const GARBAGE_BYTES = 64 * 1024 ** 2;

export interface HeapWatchOptions {
  /** Bytes of JavaScript's heap and of buffers beside it. */
  readonly used: () => number;
  /** Finds the garbage. It holds everything up: a tenth of a second with 100,000 devices. */
  readonly collect: () => void;
}

/** Has garbage collected once so much of it may have come. To be asked now and then. */
export class HeapWatch {
  readonly #options: HeapWatchOptions;
  /** The least that was used since the last collection. */
  #floor = Infinity;

  constructor(options: HeapWatchOptions) {
    this.#options = options;
  }

  look(deviceBytes: number): void {
    if (deviceBytes < FROM_BYTES) {
      this.#floor = Infinity;
      return;
    }
    const used = this.#options.used();
    if (used - this.#floor < GARBAGE_BYTES) {
      this.#floor = Math.min(this.#floor, used);
      return;
    }
    this.#options.collect();
    this.#floor = this.#options.used();
  }
}

/** null: V8 wasn't started with `--expose-gc`, and decides by itself. */
export function watchHeap(): HeapWatch | null {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) return null;
  return new HeapWatch({
    used: () => {
      const { heapUsed, external } = Deno.memoryUsage();
      return heapUsed + external;
    },
    collect: () => gc(),
  });
}
