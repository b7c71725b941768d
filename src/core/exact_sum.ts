import { type ByteRoom } from "./byte_room.ts";
import { Expansion } from "./expansion.ts";
import { toTenThousandths } from "./number.ts";

/** `lo` stays in [-2^52, 2^52), `hi` counts 2^53s: one pair of limbs for every integer. */
const LIMB = 2 ** 53;
const HALF_LIMB = 2 ** 52;
/** Doubles from here on go to the expansion that is scaled down, so that no partial sum overflows. */
const LARGE = 2 ** 970;
const LARGE_SCALE_BITS = 100;
/** 2^27 + 1, splits a double into two halves of 26 bits (Dekker 1971). */
const SPLITTER = 134217729;
/** Below it a count times half a double is exact. */
const SMALL_COUNT = 2 ** 26;
/** The exponent of the smallest double: every double is an integer times 2^-1074. */
const UNIT_BITS = 1074;
const BYTES_BEFORE_PARTS = 17;

/**
 * A sum of finite doubles that neither drifts nor depends on the order of what was added and
 * subtracted: state, bytes and every rounded answer follow from the exact contents alone.
 *
 * The contents are kept in three parts; which one a double belongs to follows from the double alone:
 * 1. a double that is nearest to a decimal of at most four places (and below 2^31 ten-thousandths)
 *    counts as that decimal: an integer of ten-thousandths, in two limbs, without a bound in practice;
 * 2. other doubles: a Shewchuk expansion (see `Expansion`);
 * 3. doubles from 2^970 on: a second one, scaled by 2^-100.
 *
 * Rounded answers: the double nearest to the exact value for ten-thousandths alone, for counts from
 * 2^26 on, and wherever doubles of part 3 or more than 2^52 ten-thousandths are in (by integers of any
 * length: some microseconds). Otherwise ten-thousandths are taken as two doubles (106 bits) and rounded
 * together with the expansion: `value` is off the nearest only where both cancel to less than 2^-50 of
 * themselves, a mean by an ulp at most.
 */
export class ExactSum {
  #lo = 0;
  #hi = 0;
  #plain: Expansion | undefined = undefined;
  #large: Expansion | undefined = undefined;

  /** Heap bytes held, about. */
  get bytes(): number {
    return 72 + (this.#plain?.bytes ?? 0) + (this.#large?.bytes ?? 0);
  }

  add(x: number): void {
    const q = toTenThousandths(x);
    if (q === q) this.addScaled(q);
    else this.addOther(x);
  }

  subtract(x: number): void {
    this.add(-x);
  }

  /** Adds q / 10^4; `q` an integer below 2^52 in size. */
  addScaled(q: number): void {
    const lo = this.#lo + q;
    this.#lo = lo;
    if (lo >= HALF_LIMB || lo < -HALF_LIMB) this.#carry();
  }

  subtractScaled(q: number): void {
    this.addScaled(-q);
  }

  /** Adds a double that is known to be no ten-thousandths. */
  addOther(x: number): void {
    if (x >= LARGE || x <= -LARGE) {
      this.#large ??= new Expansion();
      this.#large.add(x * 2 ** -LARGE_SCALE_BITS);
      return;
    }
    this.#plain ??= new Expansion();
    this.#plain.add(x);
  }

  /** The sum, rounded once (see above) and clamped to ±Number.MAX_VALUE. */
  get value(): number {
    return this.mean(1);
  }

  /** The sum divided by `count` (an integer from 1 to 2^53), rounded; right also where the sum itself would be clamped. */
  mean(count: number): number {
    const plain = this.#plain;
    if (this.#hi !== 0 || (this.#large !== undefined && !this.#large.isZero)) {
      return this.#exactMean(count);
    }
    if (plain === undefined || plain.isZero) {
      const divisor = count * 1e4;
      return divisor < LIMB ? this.#lo / divisor : this.#exactMean(count);
    }
    return count < SMALL_COUNT ? this.#mixedMean(plain, count) : this.#exactMean(count);
  }

  clear(): void {
    this.#lo = 0;
    this.#hi = 0;
    this.#plain = undefined;
    this.#large = undefined;
  }

  /**
   * Equal bytes for equal contents. One byte: how many parts of the plain expansion follow; then
   * little-endian doubles: `hi`, `lo`, the plain parts, the large ones, each largest first.
   */
  toBytes(room?: ByteRoom): Uint8Array {
    const plain = this.#plain?.canonical() ?? [];
    const large = this.#large?.canonical() ?? [];
    const length = BYTES_BEFORE_PARTS + (plain.length + large.length) * 8;
    const bytes = room?.take(length) ?? new Uint8Array(length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, length);
    view.setUint8(0, plain.length);
    view.setFloat64(1, this.#hi, true);
    view.setFloat64(9, this.#lo, true);
    let at = BYTES_BEFORE_PARTS;
    for (const part of plain.concat(large)) {
      view.setFloat64(at, part, true);
      at += 8;
    }
    return bytes;
  }

  /** Throws a RangeError where the bytes are none of `toBytes`. */
  static fromBytes(bytes: Uint8Array): ExactSum {
    const parts = (bytes.length - BYTES_BEFORE_PARTS) / 8;
    if (!Number.isInteger(parts) || parts < bytes[0]) {
      throw new RangeError(
        `reading a sum: expected ${BYTES_BEFORE_PARTS} bytes and 8 a part, got ${bytes.length} bytes for at least ${
          bytes[0] ?? 0
        } parts`,
      );
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const sum = new ExactSum();
    sum.#hi = view.getFloat64(1, true);
    sum.#lo = view.getFloat64(9, true);
    const isLimb = sum.#lo >= -HALF_LIMB && sum.#lo < HALF_LIMB && Number.isInteger(sum.#lo);
    if (!Number.isSafeInteger(sum.#hi) || !isLimb) {
      throw new RangeError(
        `reading a sum: expected integer limbs, the lower one below 2^52, got ${sum.#hi} and ${sum.#lo}`,
      );
    }
    // Smallest first: an expansion is built without loss in any order, but fastest in this one.
    for (let i = parts - 1; i >= 0; i--) {
      const part = view.getFloat64(BYTES_BEFORE_PARTS + i * 8, true);
      if (!Number.isFinite(part)) {
        throw new RangeError(`reading a sum: part ${i} is ${part}, expected a finite number`);
      }
      if (i < bytes[0]) (sum.#plain ??= new Expansion()).add(part);
      else (sum.#large ??= new Expansion()).add(part);
    }
    return sum;
  }

  #carry(): void {
    const sign = this.#lo < 0 ? -1 : 1;
    this.#lo -= sign * LIMB;
    this.#hi += sign;
  }

  /** The mean as a pair of doubles, rounded at the end: a sum rounded first could put a mean above the maximum. */
  #mixedMean(plain: Expansion, count: number): number {
    const lo = this.#lo;
    const decimal = lo / 1e4;
    const decimalRest = lo === 0 ? 0 : remainderOf(lo, { quotient: decimal, divisor: 1e4 }) / 1e4;
    if (lo !== 0) {
      plain.add(decimal);
      plain.add(decimalRest);
    }
    const sum = plain.rounded;
    const sumRest = plain.remainder;
    if (lo !== 0) {
      plain.add(-decimal);
      plain.add(-decimalRest);
    }
    if (count === 1) return sum;
    const mean = sum / count;
    return mean + (remainderOf(sum, { quotient: mean, divisor: count }) + sumRest) / count;
  }

  #exactMean(count: number): number {
    let units = (BigInt(this.#hi) * BigInt(LIMB) + BigInt(this.#lo)) << BigInt(UNIT_BITS);
    for (const part of this.#plain?.canonical() ?? []) units += toUnits(part) * 10000n;
    for (const part of this.#large?.canonical() ?? []) {
      units += (toUnits(part) * 10000n) << BigInt(LARGE_SCALE_BITS);
    }
    return nearestRatio(units, (10000n * BigInt(count)) << BigInt(UNIT_BITS));
  }
}

/** numerator - quotient * divisor, exact where `quotient` is the rounded ratio and `divisor` an integer below 2^26. */
function remainderOf(
  numerator: number,
  { quotient, divisor }: { quotient: number; divisor: number },
): number {
  const c = quotient * SPLITTER;
  const high = c - (c - quotient);
  return numerator - high * divisor - (quotient - high) * divisor;
}

const bits = new DataView(new ArrayBuffer(8));

/** A finite double as an integer of 2^-1074. */
function toUnits(x: number): bigint {
  bits.setFloat64(0, x);
  const pattern = bits.getBigUint64(0);
  const exponent = (pattern >> 52n) & 0x7ffn;
  const fraction = pattern & 0xfffffffffffffn;
  const size = exponent === 0n ? fraction : (fraction | 0x10000000000000n) << (exponent - 1n);
  return x < 0 ? -size : size;
}

/** The double nearest to numerator / denominator (above 0), ties to even, clamped to ±Number.MAX_VALUE. */
function nearestRatio(numerator: bigint, denominator: bigint): number {
  const size = numerator < 0n ? -numerator : numerator;
  // One more than the quotient's bits, or the same: then it is tried once more.
  let exponent = Math.max(bitLength(size) - bitLength(denominator) - 53, -UNIT_BITS);
  for (;;) {
    const n = exponent < 0 ? size << BigInt(-exponent) : size;
    const d = exponent > 0 ? denominator << BigInt(exponent) : denominator;
    let quotient = n / d;
    if (quotient >= 1n << 53n) {
      exponent++;
      continue;
    }
    const twice = (n - quotient * d) * 2n;
    if (twice > d || (twice === d && (quotient & 1n) === 1n)) quotient++;
    const nearest = Math.min(Number(quotient) * 2 ** exponent, Number.MAX_VALUE);
    return numerator < 0n ? -nearest : nearest;
  }
}

function bitLength(n: bigint): number {
  return n.toString(2).length;
}
