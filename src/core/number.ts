/**
 * Numbers as text, written straight into bytes, and decimals as integers.
 *
 * Why the fast way is right: two different decimals of at most 15 significant digits never share a
 * nearest double. So if a double is the one nearest to m / 10^k, and |m| < 10^15, then m / 10^k without
 * its trailing zeros is the one shortest text that reads back as this double, which is what
 * ECMAScript's Number::toString writes.
 */

/** The digits of 0 to 99, each pair as the two bytes that stand in memory ("42" is 0x32, 0x34 read little-endian). */
const PAIRS = new Uint16Array(100);
/** How many zeros the pair ends with: 2 for 00, 1 for 10 to 90. */
const TRAILING_ZEROS = new Uint8Array(100);
for (let n = 0; n < 100; n++) {
  PAIRS[n] = (0x30 + n % 10) << 8 | (0x30 + Math.trunc(n / 10));
  TRAILING_ZEROS[n] = n === 0 ? 2 : n % 10 === 0 ? 1 : 0;
}

/** Below it, millionths have at most 15 digits and the whole part fits in 32 bits. */
const FAST_BELOW = 1e9;
const MINUS = 0x2d;
const POINT = 0x2e;

/**
 * Writes a finite number as `JSON.stringify` does (shortest text that reads back as the same double,
 * `-0` as `0`) and returns where it ends. Give it room for 32 bytes from `at` on; where it needs more
 * than there is, it throws a RangeError.
 */
export function writeNumber(view: DataView, at: number, x: number): number {
  const size = x < 0 ? -x : x;
  if (size < FAST_BELOW) {
    const millionths = Math.round(size * 1e6);
    if (millionths / 1e6 === size) {
      if (x < 0) view.setUint8(at++, MINUS);
      const whole = size | 0;
      const end = writeWhole(view, at, whole);
      const fraction = (millionths - whole * 1e6) | 0;
      return fraction === 0 ? end : writeFraction(view, end, fraction);
    }
  }
  return writeText(view, at, String(x));
}

/** Writes an integer from 0 to 2^53 and returns where it ends; up to 20 bytes may be written. */
export function writeInteger(view: DataView, at: number, x: number): number {
  if (x < FAST_BELOW) return writeWhole(view, at, x | 0);
  const high = Math.floor(x / 1e9);
  const low = x - high * 1e9;
  const middle = (low / 1e5) | 0;
  at = writeWhole(view, at, high);
  writePadded(view, at, middle);
  const rest = (low - middle * 1e5) | 0;
  const tens = (rest / 10) | 0;
  writePadded(view, at + 4, tens);
  view.setUint8(at + 8, 0x30 + rest - tens * 10);
  return at + 9;
}

/** The integer q below 2^31 in size for which q / 10^4 is `x`, to the last bit; NaN where there is none. */
export function toTenThousandths(x: number): number {
  const q = Math.round(x * 1e4);
  return q / 1e4 === x && q < 2147483648 && q > -2147483648 ? q : NaN;
}

function writeText(view: DataView, at: number, text: string): number {
  const length = text.length;
  for (let i = 0; i < length; i++) view.setUint8(at + i, text.charCodeAt(i));
  return at + length;
}

/** An integer from 0 to 10^9 - 1. */
function writeWhole(view: DataView, at: number, whole: number): number {
  if (whole < 10) {
    view.setUint8(at, 0x30 + whole);
    return at + 1;
  }
  if (whole < 100) {
    view.setUint16(at, PAIRS[whole], true);
    return at + 2;
  }
  if (whole < 10000) {
    const hundreds = (whole / 100) | 0;
    at = writeWhole(view, at, hundreds);
    view.setUint16(at, PAIRS[whole - hundreds * 100], true);
    return at + 2;
  }
  const tenThousands = (whole / 10000) | 0;
  at = writeWhole(view, at, tenThousands);
  writePadded(view, at, whole - tenThousands * 10000);
  return at + 4;
}

/** Four digits, with zeros in front. */
function writePadded(view: DataView, at: number, n: number): void {
  const hundreds = (n / 100) | 0;
  view.setUint16(at, PAIRS[hundreds], true);
  view.setUint16(at + 2, PAIRS[n - hundreds * 100], true);
}

/** The point and a fraction of millionths (not 0) without its trailing zeros. */
function writeFraction(view: DataView, at: number, fraction: number): number {
  const first = (fraction / 10000) | 0;
  const rest = fraction - first * 10000;
  view.setUint8(at, POINT);
  view.setUint16(at + 1, PAIRS[first], true);
  if (rest === 0) return at + 3 - TRAILING_ZEROS[first];
  const second = (rest / 100) | 0;
  const third = rest - second * 100;
  view.setUint16(at + 3, PAIRS[second], true);
  if (third === 0) return at + 5 - TRAILING_ZEROS[second];
  view.setUint16(at + 5, PAIRS[third], true);
  return at + 7 - TRAILING_ZEROS[third];
}
