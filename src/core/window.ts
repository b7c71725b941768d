import { type ByteRoom } from "./byte_room.ts";
import { type CellPool, Page, type Piece, pieceAlone } from "./cells.ts";
import { ExactSum } from "./exact_sum.ts";
import { toTenThousandths } from "./number.ts";

const FIRST_ROOM = 4;
const BYTES_A_VALUE = 16;
/** Measured, without its cells and its sum. */
const OBJECT_BYTES = 176;
/** Measured: what cells of its own take more. */
const PAGE_BYTES = 600;
/** A window that was put away has this one, which has no room. */
const RELEASED = new Page(0);

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
  readonly #pool: CellPool | undefined;
  #page: Page;
  /** The page's: value and time in turns from `#at` on, a ring once the window is full. */
  #cells: Float64Array;
  #at: number;
  /** Values that there is room for. */
  #room = FIRST_ROOM;
  /** Where the next value goes: the oldest one's place once the window is full. */
  #next = 0;
  #count = 0;
  readonly #sum = new ExactSum();
  /** While `#stale`: bounds that no value in the window passes. */
  #min = NaN;
  #max = NaN;
  #stale = false;
  /** Values that came since the blocks were brought up to date; -1: that was never done. */
  #fresh = -1;

  /**
   * `capacity`: an integer from 1 to 100,000; anything else is a RangeError. With a `pool`, the window
   * must be released.
   */
  constructor(capacity: number, pool?: CellPool) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > 100_000) {
      throw new RangeError(`making a window: capacity 1 to 100000, got ${capacity}`);
    }
    this.#capacity = capacity;
    this.#pool = pool;
    this.#room = Math.min(FIRST_ROOM, capacity);
    const { page, at } = this.#take();
    this.#page = page;
    this.#cells = page.cells;
    this.#at = at;
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
      this.#replace(this.#cells[this.#at + 2 * next], { x, q });
    } else {
      if (next === this.#room) this.#grow();
      if (q === q) this.#sum.addScaled(q);
      else this.#sum.addOther(x);
      this.#count++;
    }
    const cell = this.#at + 2 * next;
    this.#cells[cell] = x;
    this.#cells[cell + 1] = time;
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
    return OBJECT_BYTES + this.#page.size * 8 + this.#sum.bytes +
      (this.#pool === undefined ? PAGE_BYTES : 0);
  }

  /** Gives its room back: it must not be used any more. Once is enough, and needed. */
  release(): void {
    this.#pool?.give(this.#page, this.#at);
    this.#page = RELEASED;
    this.#cells = RELEASED.cells;
    this.#next = this.#count = this.#room = 0;
  }

  /** Values with their times, oldest first, as little-endian doubles. */
  toBytes(room?: ByteRoom): Uint8Array {
    const length = this.#count * BYTES_A_VALUE;
    const bytes = room?.take(length) ?? new Uint8Array(length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, length);
    const cells = this.#cells;
    const first = this.#first();
    for (let i = 0; i < this.#count; i++) {
      const slot = this.#slot(first + i);
      view.setFloat64(i * BYTES_A_VALUE, cells[this.#at + 2 * slot], true);
      view.setFloat64(i * BYTES_A_VALUE + 8, cells[this.#at + 2 * slot + 1], true);
    }
    return bytes;
  }

  /**
   * A window that goes on as the one would whose bytes these are. Where it held more values than
   * `capacity`, the newest are kept. Throws a RangeError where the bytes are no window.
   */
  static fromBytes(bytes: Uint8Array, capacity: number, pool?: CellPool): Window {
    const count = bytes.length / BYTES_A_VALUE;
    if (!Number.isInteger(count)) {
      throw new RangeError(
        `reading a window: expected ${BYTES_A_VALUE} bytes a value, got ${bytes.length}`,
      );
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const window = new Window(capacity, pool);
    window.#makeRoom(Math.min(count, capacity));
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
    if (this.#fresh >= 0 && this.#fresh < this.#capacity) this.#fresh++;
  }

  #lookForExtremes(): void {
    // A value only ever leaves a full window: every slot is in use, and so are the blocks' places.
    const capacity = this.#capacity, blockSize = blockSizeOf(capacity);
    if (this.#fresh < 0) this.#fresh = capacity;
    let slot = this.#next - this.#fresh;
    if (slot < 0) slot += capacity;
    for (let left = this.#fresh; left > 0;) {
      const block = Math.trunc(slot / blockSize);
      const end = Math.min((block + 1) * blockSize, capacity);
      this.#walkBlock(block, { start: block * blockSize, end });
      left -= end - slot;
      slot = end === capacity ? 0 : end;
    }
    const cells = this.#cells, first = this.#at + 2 * capacity;
    let min = cells[first];
    let max = cells[first + 1];
    for (let i = first + 2; i < first + blockCells(capacity); i += 2) {
      if (cells[i] < min) min = cells[i];
      if (cells[i + 1] > max) max = cells[i + 1];
    }
    this.#min = min;
    this.#max = max;
    this.#stale = false;
    this.#fresh = 0;
  }

  #walkBlock(block: number, { start, end }: { start: number; end: number }): void {
    const cells = this.#cells, at = this.#at;
    let min = cells[at + 2 * start];
    let max = min;
    for (let i = at + 2 * start + 2; i < at + 2 * end; i += 2) {
      const x = cells[i];
      if (x < min) min = x;
      if (x > max) max = x;
    }
    const place = at + 2 * (this.#capacity + block);
    cells[place] = min;
    cells[place + 1] = max;
  }

  #column(offset: number): number[] {
    const column: number[] = [];
    const first = this.#first();
    for (let i = 0; i < this.#count; i++) {
      column.push(this.#cells[this.#at + 2 * this.#slot(first + i) + offset]);
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
    if (this.#page === RELEASED) throw new Error("pushing a value: the window was released");
    this.#makeRoom(Math.min(2 * this.#room, this.#capacity));
  }

  #makeRoom(values: number): void {
    if (values <= this.#room) return;
    this.#room = values;
    const { page, at } = this.#take();
    for (let i = 0; i < 2 * this.#count; i++) page.cells[at + i] = this.#cells[this.#at + i];
    this.#pool?.give(this.#page, this.#at);
    this.#page = page;
    this.#cells = page.cells;
    this.#at = at;
  }

  /** Room for `#room` values; once no more can come, for the blocks, too. */
  #take(): Piece {
    const capacity = this.#capacity;
    const cells = 2 * this.#room + (this.#room === capacity ? blockCells(capacity) : 0);
    return this.#pool === undefined ? pieceAlone(cells) : this.#pool.take(cells);
  }
}

function blockSizeOf(capacity: number): number {
  return 1 << Math.ceil(Math.log2(capacity) / 2);
}

/** Minimum and maximum of each block, behind the values. */
function blockCells(capacity: number): number {
  return 2 * Math.ceil(capacity / blockSizeOf(capacity));
}
