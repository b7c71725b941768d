/** Hands lines to a stream that may be slow, stuck or closed, and never waits for it. */

export interface LineWriterOptions {
  /** Writes some of the bytes and tells how many; one call at a time. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** Bytes that may wait; 1 MiB unless told. */
  readonly maxBytes?: number;
  /** The stream goes on after so many lines found no room. */
  readonly onLost: (lines: number) => void;
}

const MAX_BYTES = 1024 ** 2;
const encoder = new TextEncoder();

/**
 * Lines wait in memory, up to a bound, while an earlier one is being written: a reader that stands
 * still (a paused terminal, a log collector with a full disk) would stop the engine otherwise. Lines
 * beyond the bound are counted and dropped. Once the stream is broken everything is dropped.
 */
export class LineWriter {
  readonly #options: LineWriterOptions;
  readonly #maxBytes: number;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #lost = 0;
  #writing: Promise<void> | undefined;
  #broken = false;

  constructor(options: LineWriterOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
  }

  /** Takes a line with its line break. Never throws. */
  write(line: string): void {
    if (this.#broken) return;
    const bytes = encoder.encode(line);
    if (this.#bytes + bytes.length > this.#maxBytes) {
      this.#lost++;
      return;
    }
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    this.#writing ??= this.#drain();
  }

  /** Waits until all is written, but not longer than this. */
  async flush(deadlineMs: number): Promise<void> {
    if (this.#writing === undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, deadlineMs));
    await Promise.race([this.#writing, late]);
    clearTimeout(timer);
  }

  async #drain(): Promise<void> {
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next === undefined) break;
        for (let at = 0; at < next.length;) at += await this.#options.write(next.subarray(at));
        this.#bytes -= next.length;
        this.#tellLost();
      }
    } catch {
      this.#broken = true;
      this.#waiting = [];
    } finally {
      this.#writing = undefined;
    }
  }

  /** Not before there is room for more than this one line. */
  #tellLost(): void {
    if (this.#lost === 0 || this.#bytes > this.#maxBytes / 2) return;
    const lost = this.#lost;
    this.#lost = 0;
    this.#options.onLost(lost);
  }
}
