import { RowBuffer } from "../core/row_buffer.ts";
import { type JournalRow } from "./ports.ts";

/** A row that ends below this is copied: it shouldn't keep a whole buffer while it waits for its sinks. */
const COPY_BELOW = 128 * 1024;
/** Idle buffers kept; one takes 950 kB. */
const MAX_IDLE = 32;

/** A row in memory: its buffer goes back to the pool when the last one that needs it lets go. */
export interface PooledRow {
  readonly row: JournalRow;
  holders: number;
  readonly buffer: RowBuffer | null;
}

/** Row buffers that are used again: making and clearing one costs 0.1 ms. */
export class RowPool {
  readonly #idle: RowBuffer[] = [];

  take(): RowBuffer {
    return this.#idle.pop() ?? new RowBuffer();
  }

  give(buffer: RowBuffer): void {
    if (this.#idle.length >= MAX_IDLE) return;
    buffer.clear();
    this.#idle.push(buffer);
  }

  /** The bytes of a finished row, and the buffer that they still stand in (null: they were copied). */
  body(buffer: RowBuffer): { body: Uint8Array; buffer: RowBuffer | null } {
    if (buffer.end >= COPY_BELOW) return { body: buffer.bytes.subarray(0, buffer.end), buffer };
    const body = buffer.bytes.slice(0, buffer.end);
    this.give(buffer);
    return { body, buffer: null };
  }

  /** One holder lets go of the row. */
  release(pooled: PooledRow): void {
    if (--pooled.holders === 0 && pooled.buffer !== null) this.give(pooled.buffer);
  }
}
