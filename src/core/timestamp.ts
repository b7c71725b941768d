/**
 * Timestamps of readings: RFC 3339 date-times (section 5.6), upper case, with at most nine digits of a
 * fraction and no leap seconds; or the same without a zone, which is taken as UTC.
 */
import { COLON, DOT, MINUS, PLUS, ZERO } from "./scan_bytes.ts";

/** `YYYY-MM-DDTHH:MM:SS` + `.123456789` + `+HH:MM`. */
export const MAX_TIMESTAMP_LENGTH = 35;

/** Upper case. */
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;

const SECONDS_END = 19;
const MS_PER_DAY = 86_400_000;
const NS_PER_MS = 1_000_000;
/** Days from 0000-01-01 to 1970-01-01. */
const DAYS_TO_1970 = 719_528;
/** Below this many ms the nanoseconds since 1970 are an exact double. */
const EXACT_NS_LIMIT = 9e9;

const DAYS_IN_MONTH = Uint8Array.of(0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31);
const DAYS_BEFORE_MONTH = Uint16Array.of(0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334);
const NS_PER_FRACTION_UNIT = Int32Array.of(1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 100, 10, 1);

/**
 * The timestamp in `bytes` from `start` to `end`, in ms since 1970, as the double nearest to it (a
 * fraction has up to nine digits, so a part of a ms may be lost). NaN: it is no valid timestamp.
 * Once per reading, hence positional arguments and no object.
 */
export function timestampMs(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (
    length < SECONDS_END || length > MAX_TIMESTAMP_LENGTH || bytes[start + 4] !== MINUS ||
    bytes[start + 7] !== MINUS || bytes[start + 10] !== LETTER_T ||
    bytes[start + 13] !== COLON || bytes[start + 16] !== COLON
  ) return NaN;
  const century = twoDigits(bytes, start);
  const yearInCentury = twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, start + 5);
  const day = twoDigits(bytes, start + 8);
  const hour = twoDigits(bytes, start + 11);
  const minute = twoDigits(bytes, start + 14);
  const second = twoDigits(bytes, start + 17);
  if ((century | yearInCentury | hour | minute | second) < 0) return NaN;
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return NaN;
  const year = century * 100 + yearInCentury;
  const leap = isLeapYear(year);
  if (day < 1 || day > DAYS_IN_MONTH[month] + (leap && month === 2 ? 1 : 0)) return NaN;

  let at = start + SECONDS_END;
  let ns = 0;
  if (at < end && bytes[at] === DOT) {
    const first = ++at;
    for (; at < end; at++) {
      const digit = bytes[at] - ZERO;
      if (digit < 0 || digit > 9) break;
      if (at - first === 9) return NaN;
      ns = ns * 10 + digit;
    }
    if (at === first) return NaN;
    ns *= NS_PER_FRACTION_UNIT[at - first];
  }

  let offset = 0;
  if (at < end) {
    const zone = bytes[at];
    if (zone === LETTER_Z) {
      if (at + 1 !== end) return NaN;
    } else {
      if ((zone !== PLUS && zone !== MINUS) || at + 6 !== end || bytes[at + 3] !== COLON) {
        return NaN;
      }
      const hours = twoDigits(bytes, at + 1);
      const minutes = twoDigits(bytes, at + 4);
      if ((hours | minutes) < 0 || hours > 23 || minutes > 59) return NaN;
      offset = zone === PLUS ? hours * 60 + minutes : -hours * 60 - minutes;
    }
  }

  const days = daysSince1970(year, month, day, leap);
  const wholeMs = (ns / NS_PER_MS) | 0;
  const minutes = hour * 60 + minute - offset;
  const ms = days * MS_PER_DAY + (minutes * 60 + second) * 1000 + wholeMs;
  return addNs(ms, ns - wholeMs * NS_PER_MS);
}

/** Whether the valid timestamp that ends at `end` has no zone. */
export function isNaiveTimestamp(bytes: Uint8Array, end: number): boolean {
  if (bytes[end - 1] === LETTER_Z) return false;
  // An offset has six bytes; without one, these are of the time, not of the date with its dashes.
  const sign = bytes[end - 6];
  return sign !== PLUS && sign !== MINUS;
}

/** Two ASCII digits, or a negative number. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] - ZERO;
  const ones = bytes[at + 1] - ZERO;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}

function isLeapYear(year: number): boolean {
  return (year & 3) === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysSince1970(year: number, month: number, day: number, leap: boolean): number {
  // Leap years before this one, year 0 included.
  const leapYears = (((year + 3) / 4) | 0) - (((year + 99) / 100) | 0) + (((year + 399) / 400) | 0);
  const inYear = DAYS_BEFORE_MONTH[month] + (leap && month > 2 ? 1 : 0) + day - 1;
  return year * 365 + leapYears + inYear - DAYS_TO_1970;
}

/**
 * `ms` and 0 to 999,999 ns as one double, rounded once. Near 1970 the sum in ns is exact, so that the
 * division rounds; further away a double is so coarse that the error of `ns / 1e6` (2^-54) can't
 * reach a point half-way between two doubles (the nearest is 1 / (15,625 * 2^20) away).
 */
function addNs(ms: number, ns: number): number {
  if (ns === 0) return ms;
  if (ms > -EXACT_NS_LIMIT && ms < EXACT_NS_LIMIT) return (ms * NS_PER_MS + ns) / NS_PER_MS;
  return ms + ns / NS_PER_MS;
}
