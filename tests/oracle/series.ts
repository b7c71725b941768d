/** One metric of one device (or of all), as the contract's section 4 describes it, the plain way. */
import { type Decimal, parseDecimal, ratio } from "./decimal.ts";

/** A number of a reading: its text as it was sent. */
export interface Value {
  readonly text: string;
}

/** `avg`, `min`, `max` of a window; `magnitude` is the mean of the absolute values. */
export interface WindowStatistics {
  readonly avg: number;
  readonly min: number;
  readonly max: number;
  readonly magnitude: number;
}

export class Series {
  readonly #limit: number;
  /** All sums are in units of 10^-scale. */
  #scale = 0;
  #windowDigits: bigint[] = [];
  #windowSum = 0n;
  #sum = 0n;
  #magnitude = 0;
  count = 0;
  min = Infinity;
  max = -Infinity;
  /** The last `limit` values, oldest first. */
  readonly window: number[] = [];

  /** `limit`: how many values the window has; 0: none is kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(value: Value): void {
    const number = Number(value.text) + 0;
    const digits = this.#align(parseDecimal(value.text));
    this.count++;
    this.#sum += digits;
    this.#magnitude += Math.abs(number);
    this.min = Math.min(this.min, number);
    this.max = Math.max(this.max, number);
    if (this.#limit === 0) return;
    this.window.push(number);
    this.#windowDigits.push(digits);
    this.#windowSum += digits;
    if (this.window.length > this.#limit) {
      this.window.shift();
      this.#windowSum -= this.#windowDigits.shift() ?? 0n;
    }
  }

  /** The sum since the first value, clamped to the largest double, and the sum of the absolute values. */
  total(): { sum: number; magnitude: number } {
    return { sum: ratio(this.#sum, 10n ** BigInt(this.#scale)), magnitude: this.#magnitude };
  }

  /** undefined while the window is empty. */
  statistics(): WindowStatistics | undefined {
    const n = this.window.length;
    if (n === 0) return undefined;
    let min = Infinity;
    let max = -Infinity;
    let magnitude = 0;
    for (const value of this.window) {
      if (value < min) min = value;
      if (value > max) max = value;
      magnitude += Math.abs(value) / n;
    }
    const avg = ratio(this.#windowSum, BigInt(n) * 10n ** BigInt(this.#scale));
    return { avg, min, max, magnitude };
  }

  /** The value in units of 10^-scale; a value with more decimals makes the unit finer. */
  #align(value: Decimal): bigint {
    if (value.scale > this.#scale) {
      const factor = 10n ** BigInt(value.scale - this.#scale);
      this.#scale = value.scale;
      this.#sum *= factor;
      this.#windowSum *= factor;
      this.#windowDigits = this.#windowDigits.map((digits) => digits * factor);
    }
    return value.digits * 10n ** BigInt(this.#scale - value.scale);
  }
}
