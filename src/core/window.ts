import { ExactSum } from "./exact_sum.ts";
import { toTenThousandths } from "./number.ts";

const FIRST_ROOM = 4;
const BYTES_A_VALUE = 16;

/**
 * The last `capacity` values of a metric with their times, and their mean, minimum and maximum.
 *
 * The mean is that of the exact sum (see `ExactSum`). Minimum and maximum are exact: kept up with as
 * values come, and looked for again, only when they are read, after the old extreme has left. So that
 * a steadily rising value doesn't cost a walk over the whole window each time, extremes are kept for
 * blocks of about the square root of the capacity, and only blocks with new values are walked.
 *
 * Room for values is made as they come: a device that was seen once holds four.
 */
export class Window {
  readonly #capacity: number;
  /** Value and time in turns, a ring once the window is full. */
  #cells = new Float64Array(2 * FIRST_ROOM);
  /** Where the next value goes: the oldest one's place once the window is full. */
  #next = 0;
  #count = 0;
  readonly #sum = new ExactSum();
  /** While `#stale`: bounds that no value in the window passes. */
  #min = NaN;
  #max = NaN;
  #stale = false;
  /** Minimum and maximum of each block in turns, of use once the window is full. */
  #blocks: Float64Array | undefined = undefined;
  /** Values that came since `#blocks` was brought up to date. */
  #fresh = 0;

  /** `capacity`: an integer from 1 to 100,000; anything else is a RangeError. */
  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > 100_000) {
      throw new RangeError(`making a window: capacity 1 to 100000, got ${capacity}`);
    }
    this.#capacity = capacity;
  }

  /** Values in the window now. */
  get count(): number {
    return this.#count;
  }

  /** NaN while the window is empty. */
  get min(): number {
    if (this.#stale) this.#lookForExtremes();
    return this.#min;
  }

  /** NaN while the window is empty. */
  get max(): number {
    if (this.#stale) this.#lookForExtremes();
    return this.#max;
  }

  /** NaN while the window is empty. */
  mean(): number {
    return this.#sum.mean(this.#count);
  }

  /** A finite value (not -0) and its time in ms since 1970; the oldest value leaves a full window. */
  push(x: number, time: number): void {
    this.pushScaled(x, { q: toTenThousandths(x), time });
  }

  /** `push` where `toTenThousandths(x)` is known already: `q`. */
  pushScaled(x: number, { q, time }: { q: number; time: number }): void {
    const next = this.#next;
    if (this.#count === this.#capacity) {
      this.#replace(this.#cells[2 * next], { x, q });
    } else {
      if (2 * next === this.#cells.length) this.#grow();
      if (q === q) this.#sum.addScaled(q);
      else this.#sum.addOther(x);
      this.#count++;
    }
    this.#cells[2 * next] = x;
    this.#cells[2 * next + 1] = time;
    // Not "x < min": the first value meets NaN.
    if (!(x >= this.#min)) this.#min = x;
    if (!(x <= this.#max)) this.#max = x;
    this.#next = next + 1 === this.#capacity ? 0 : next + 1;
  }

  /** Oldest first. */
  values(): number[] {
    return this.#column(0);
  }

  /** Oldest first, in ms since 1970. */
  times(): number[] {
    return this.#column(1);
  }

  /** Heap bytes held, about. */
  get bytes(): number {
    return 376 + this.#cells.length * 8 + this.#sum.bytes +
      (this.#blocks === undefined ? 0 : 184 + this.#blocks.length * 8);
  }

  /** Values with their times, oldest first, as little-endian doubles. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.#count * BYTES_A_VALUE);
    const view = new DataView(bytes.buffer);
    const cells = this.#cells;
    const first = this.#first();
    for (let i = 0; i < this.#count; i++) {
      const slot = this.#slot(first + i);
      view.setFloat64(i * BYTES_A_VALUE, cells[2 * slot], true);
      view.setFloat64(i * BYTES_A_VALUE + 8, cells[2 * slot + 1], true);
    }
    return bytes;
  }

  /**
   * A window that goes on as the one would whose bytes these are. Where it held more values than
   * `capacity`, the newest are kept. Throws a RangeError where the bytes are no window.
   */
  static fromBytes(bytes: Uint8Array, capacity: number): Window {
    const count = bytes.length / BYTES_A_VALUE;
    if (!Number.isInteger(count)) {
      throw new RangeError(
        `reading a window: expected ${BYTES_A_VALUE} bytes a value, got ${bytes.length}`,
      );
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const window = new Window(capacity);
    for (let i = Math.max(0, count - capacity); i < count; i++) {
      const x = view.getFloat64(i * BYTES_A_VALUE, true);
      const time = view.getFloat64(i * BYTES_A_VALUE + 8, true);
      if (!Number.isFinite(x) || !Number.isFinite(time)) {
        throw new RangeError(
          `reading a window: value ${i} is ${x} at ${time}, expected finite numbers`,
        );
      }
      window.push(x, time);
    }
    return window;
  }

  /** The sums and extremes for `x` in place of the oldest value. */
  #replace(old: number, { x, q }: { x: number; q: number }): void {
    const oldQ = toTenThousandths(old);
    const difference = q - oldQ;
    if (difference === difference) {
      this.#sum.addScaled(difference);
    } else {
      if (oldQ === oldQ) this.#sum.subtractScaled(oldQ);
      else this.#sum.addOther(-old);
      if (q === q) this.#sum.addScaled(q);
      else this.#sum.addOther(x);
    }
    if ((old === this.#min && x > old) || (old === this.#max && x < old)) this.#stale = true;
    if (this.#fresh < this.#capacity) this.#fresh++;
  }

  #lookForExtremes(): void {
    // A value only ever leaves a full window: every slot is in use.
    const capacity = this.#capacity;
    const blockSize = 1 << Math.ceil(Math.log2(capacity) / 2);
    if (this.#blocks === undefined) {
      this.#blocks = new Float64Array(2 * Math.ceil(capacity / blockSize));
      this.#fresh = capacity;
    }
    const blocks = this.#blocks;
    let slot = this.#next - this.#fresh;
    if (slot < 0) slot += capacity;
    for (let left = this.#fresh; left > 0;) {
      const block = Math.trunc(slot / blockSize);
      const end = Math.min((block + 1) * blockSize, capacity);
      this.#walkBlock(block, { start: block * blockSize, end });
      left -= end - slot;
      slot = end === capacity ? 0 : end;
    }
    let min = blocks[0];
    let max = blocks[1];
    for (let i = 2; i < blocks.length; i += 2) {
      if (blocks[i] < min) min = blocks[i];
      if (blocks[i + 1] > max) max = blocks[i + 1];
    }
    this.#min = min;
    this.#max = max;
    this.#stale = false;
    this.#fresh = 0;
  }

  #walkBlock(block: number, { start, end }: { start: number; end: number }): void {
    const cells = this.#cells;
    let min = cells[2 * start];
    let max = min;
    for (let i = 2 * start + 2; i < 2 * end; i += 2) {
      const x = cells[i];
      if (x < min) min = x;
      if (x > max) max = x;
    }
    this.#blocks![2 * block] = min;
    this.#blocks![2 * block + 1] = max;
  }

  #column(offset: number): number[] {
    const column: number[] = [];
    const first = this.#first();
    for (let i = 0; i < this.#count; i++) {
      column.push(this.#cells[2 * this.#slot(first + i) + offset]);
    }
    return column;
  }

  /** The slot of the oldest value. */
  #first(): number {
    return this.#count === this.#capacity ? this.#next : 0;
  }

  #slot(i: number): number {
    return i < this.#capacity ? i : i - this.#capacity;
  }

  #grow(): void {
    const larger = new Float64Array(Math.min(2 * this.#cells.length, 2 * this.#capacity));
    larger.set(this.#cells);
    this.#cells = larger;
  }
}
