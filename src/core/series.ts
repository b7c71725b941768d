import { type ByteRoom } from "./byte_room.ts";
import { type CellPool } from "./cells.ts";
import { ExactSum } from "./exact_sum.ts";
import { toTenThousandths } from "./number.ts";
import { Window } from "./window.ts";

const NO_WINDOW = new Uint8Array(0);

/** Statistics and window of one metric, as they are stored. The same shape as the pipeline's port. */
export interface SeriesState {
  readonly count: number;
  /** Rounded, for people; the exact sum is in `exact`. */
  readonly sum: number;
  /** null while count is 0. */
  readonly min: number | null;
  readonly max: number | null;
  /** See `ExactSum.toBytes`. */
  readonly exact: Uint8Array;
  /** See `Window.toBytes`; empty where there is no window. */
  readonly window: Uint8Array;
}

/** Statistics of one metric, as they are shown. */
export interface SeriesStatistics {
  readonly count: number;
  /** Rounded, and clamped to ±Number.MAX_VALUE. */
  readonly sum: number;
  /** null while count is 0, as max and avg. */
  readonly min: number | null;
  readonly max: number | null;
  /** The exact sum divided by the count, rounded. */
  readonly avg: number | null;
}

/** Count, exact sum, minimum and maximum of every value of a metric ever seen. */
export class Totals {
  #count = 0;
  #sum = new ExactSum();
  #min = NaN;
  #max = NaN;

  get count(): number {
    return this.#count;
  }

  /** Heap bytes held, about. */
  get bytes(): number {
    return 88 + this.#sum.bytes;
  }

  /** A finite value, not -0. */
  push(x: number): void {
    this.pushScaled(x, toTenThousandths(x));
  }

  /** `push` where `toTenThousandths(x)` is known already: `q`. */
  pushScaled(x: number, q: number): void {
    if (q === q) this.#sum.addScaled(q);
    else this.#sum.addOther(x);
    // Not "x < min": the first value meets NaN.
    if (!(x >= this.#min)) this.#min = x;
    if (!(x <= this.#max)) this.#max = x;
    this.#count++;
  }

  get view(): SeriesStatistics {
    const count = this.#count;
    return {
      count,
      sum: this.#sum.value,
      min: count === 0 ? null : this.#min,
      max: count === 0 ? null : this.#max,
      avg: count === 0 ? null : this.#sum.mean(count),
    };
  }

  /** With a `room` the bytes stand in there, and are good until it is cleared. */
  toState(room?: ByteRoom): SeriesState {
    const { count, sum, min, max } = this.view;
    return { count, sum, min, max, exact: this.#sum.toBytes(room), window: NO_WINDOW };
  }

  /** Throws a RangeError where the state is none of `toState`. */
  static fromState(state: SeriesState): Totals {
    const { count, min, max } = state;
    const extremes = count === 0
      ? min === null && max === null
      : Number.isFinite(min) && Number.isFinite(max);
    if (!Number.isSafeInteger(count) || count < 0 || !extremes) {
      throw new RangeError(
        `reading statistics: expected a count, with a minimum and a maximum above 0, got ${count}, ${min}, ${max}`,
      );
    }
    const totals = new Totals();
    totals.#count = count;
    totals.#sum = ExactSum.fromBytes(state.exact);
    totals.#min = min ?? NaN;
    totals.#max = max ?? NaN;
    return totals;
  }
}

/** What is known of one metric of one device: the statistics of all its values and the window of the last ones. */
export class Series {
  readonly window: Window;
  readonly #totals: Totals;

  /**
   * `capacity` is the window's: 1 to 100,000, anything else is a RangeError. With a `pool`, the series
   * must be released.
   */
  constructor(
    capacity: number,
    { pool, window = new Window(capacity, pool), totals = new Totals() }: {
      pool?: CellPool;
      window?: Window;
      totals?: Totals;
    } = {},
  ) {
    this.window = window;
    this.#totals = totals;
  }

  /** How many values there ever were. */
  get count(): number {
    return this.#totals.count;
  }

  /** Heap bytes held, about, the window's included. */
  get bytes(): number {
    return 40 + this.window.bytes + this.#totals.bytes;
  }

  /**
   * A finite value (not -0) and its time in ms since 1970. Returns `toTenThousandths(x)`, so that who
   * adds the value to further totals by `pushScaled` needn't work it out again.
   */
  push(x: number, time: number): number {
    const q = toTenThousandths(x);
    this.window.pushScaled(x, { q, time });
    this.#totals.pushScaled(x, q);
    return q;
  }

  /** Statistics of all values; the window has its own. */
  get view(): SeriesStatistics {
    return this.#totals.view;
  }

  /** With a `room` the bytes stand in there, and are good until it is cleared. */
  toState(room?: ByteRoom): SeriesState {
    return { ...this.#totals.toState(room), window: this.window.toBytes(room) };
  }

  /**
   * A series that goes on as the one would whose state this is; a window of more values than `capacity`
   * keeps the newest. Throws a RangeError where the state is none of `toState`.
   */
  static fromState(state: SeriesState, capacity: number, pool?: CellPool): Series {
    const totals = Totals.fromState(state);
    return new Series(capacity, { window: Window.fromBytes(state.window, capacity, pool), totals });
  }

  /** Gives its room back: it must not be used any more. */
  release(): void {
    this.window.release();
  }
}
