import { DOT, LETTER_E, LOWER_CASE, MINUS, PLUS, ZERO } from "./scan_bytes.ts";

/** Powers of ten that are exact doubles. */
const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const TWO_TO_53 = 2 ** 53;

/** Where `scanNumber` leaves the value. A typed array, for a number in a variable would be allocated. */
export const scannedNumber: Float64Array = new Float64Array(1);

/**
 * The position behind the number at `at`, its value in `scannedNumber` (-0 as 0); -1: there is none,
 * or it is beyond the largest double.
 *
 * A number without exponent is an integer m / 10^k. With m below 2^53 and k up to 22 both are exact
 * doubles, and a division of two exact doubles is correctly rounded (W. D. Clinger, "How to read
 * floating point numbers accurately", 1990). All others are left to `Number`.
 */
export function scanNumber(bytes: Uint8Array, start: number): number {
  const negative = bytes[start] === MINUS;
  const whole = negative ? start + 1 : start;
  let at = whole;
  let value = 0;
  let digit = bytes[at] - ZERO;
  while (digit >= 0 && digit <= 9) {
    value = value * 10 + digit;
    digit = bytes[++at] - ZERO;
  }
  if (at === whole || (bytes[whole] === ZERO && at > whole + 1)) return -1;
  let decimals = 0;
  if (bytes[at] === DOT) {
    const fraction = ++at;
    digit = bytes[at] - ZERO;
    while (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digit = bytes[++at] - ZERO;
    }
    decimals = at - fraction;
    if (decimals === 0) return -1;
  }
  // A rounded value that is at least 2^53 never gets below it again, so this sees every lost digit.
  if (value >= TWO_TO_53 || decimals > 22 || (bytes[at] | LOWER_CASE) === LETTER_E) {
    return convertNumber(bytes, start);
  }
  if (decimals > 0) value /= POWERS_OF_TEN[decimals];
  scannedNumber[0] = negative && value !== 0 ? -value : value;
  return at;
}

function convertNumber(bytes: Uint8Array, start: number): number {
  const end = skipNumber(bytes, start);
  if (end < 0) return -1;
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]);
  const value = Number(text);
  if (value === Infinity || value === -Infinity) return -1;
  scannedNumber[0] = value === 0 ? 0 : value;
  return end;
}

/** The position behind the number at `at`; -1: there is none. */
export function skipNumber(bytes: Uint8Array, at: number): number {
  if (bytes[at] === MINUS) at++;
  const whole = at;
  at = skipDigits(bytes, at);
  if (at === whole || (bytes[whole] === ZERO && at > whole + 1)) return -1;
  if (bytes[at] === DOT) {
    const fraction = at + 1;
    at = skipDigits(bytes, fraction);
    if (at === fraction) return -1;
  }
  if ((bytes[at] | LOWER_CASE) === LETTER_E) {
    at++;
    if (bytes[at] === PLUS || bytes[at] === MINUS) at++;
    const exponent = at;
    at = skipDigits(bytes, exponent);
    if (at === exponent) return -1;
  }
  return at;
}

/** The position of the first byte from `at` on that isn't a digit. */
function skipDigits(bytes: Uint8Array, at: number): number {
  while (bytes[at] >= ZERO && bytes[at] <= ZERO + 9) at++;
  return at;
}
