import { DEFAULT_TENANT, MAX_NAME_LENGTH } from "./reading_register.ts";
import type { Reading } from "./reading_register.ts";
import { scanMetrics } from "./scan_metrics.ts";
import {
  ascii,
  CLOSING_BRACE,
  COLON,
  COMMA,
  isWhiteSpace,
  LETTER_D,
  LETTER_H,
  LETTER_I,
  LETTER_M,
  LETTER_N,
  LETTER_T,
  matches,
  OPENING_BRACE,
  QUOTE,
  skipWhiteSpace,
  SPACE,
} from "./scan_bytes.ts";
import { scannedNumber, scanNumber } from "./scan_number.ts";
import { isNull, NULL_LENGTH, skipScalar } from "./scan_scalar.ts";
import { plainStringEnd } from "./scan_string.ts";
import { isNaiveTimestamp, timestampMs } from "./timestamp.ts";

/** Indices into `NAMES`; the bit of that number stands for a field that has come. */
const DEVICE_ID = 0;
const TENANT_ID = 1;
const TEMPERATURE = 2;
const HUMIDITY = 3;
const METRICS = 4;
const TIMESTAMP = 5;
const UNKNOWN = 6;

/** With the closing quote, which makes the comparison exact. */
const NAMES = [
  ascii('device_id"'),
  ascii('tenant_id"'),
  ascii('temperature"'),
  ascii('humidity"'),
  ascii('metrics"'),
  ascii('timestamp"'),
];

const DEFAULT_TENANT_BYTES = ascii(DEFAULT_TENANT);

/**
 * The fast path: reads a reading of the usual shape off its bytes. False: it has another shape, or it
 * is invalid; `readJson` must say which. What is accepted here is read by `readJson` to the same
 * contents of the register (a property test over a million mutated readings).
 *
 * All that it allocates is the number that `timestampMs` returns, names of metrics that the reading
 * before didn't have, and the text of a number with an exponent or more digits than a double holds.
 *
 * Usual means: fields in any order and white space anywhere; unknown fields with a string, number,
 * boolean or null; names and ids in printable ASCII without escapes; no known field twice.
 */
export function scanReading(
  into: Reading,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  while (end > start && isWhiteSpace(bytes[end - 1])) end--;
  // From here on the last byte is a brace: no loop below but those over strings can run past it.
  if (end <= start || bytes[end - 1] !== CLOSING_BRACE) return false;
  let at = skipWhiteSpace(bytes, start);
  if (bytes[at] !== OPENING_BRACE) return false;
  at++;

  into.temperature = NaN;
  into.humidity = NaN;
  into.metricCount = 0;
  let deviceStart = 0, deviceEnd = 0;
  let tenantStart = 0, tenantEnd = 0;
  let timestampStart = 0, timestampEnd = 0;
  let seen = 0;

  for (;;) {
    at = skipWhiteSpace(bytes, at);
    if (bytes[at] !== QUOTE) return false;
    at++;
    const field = fieldAt(bytes, at);
    if (field === UNKNOWN) {
      // An escape in it might spell a known name.
      at = plainStringEnd(bytes, at, end) + 1;
      if (at === 0) return false;
    } else {
      if ((seen & (1 << field)) !== 0) return false;
      seen |= 1 << field;
      at += NAMES[field].length;
    }
    at = skipWhiteSpace(bytes, at);
    if (bytes[at] !== COLON) return false;
    at = skipWhiteSpace(bytes, at + 1);

    if (field === UNKNOWN) {
      at = skipScalar(bytes, at, end);
      if (at < 0) return false;
    } else if (bytes[at] === LETTER_N) {
      // Absent, as if it weren't there: the register's and the ranges' first values say so.
      if (!isNull(bytes, at)) return false;
      at += NULL_LENGTH;
    } else if (field === TEMPERATURE || field === HUMIDITY) {
      at = scanNumber(bytes, at);
      if (at < 0) return false;
      if (field === TEMPERATURE) into.temperature = scannedNumber[0];
      else into.humidity = scannedNumber[0];
    } else if (field === METRICS) {
      at = scanMetrics(into, bytes, at);
      if (at < 0) return false;
    } else {
      if (bytes[at] !== QUOTE) return false;
      const from = at + 1;
      const to = plainStringEnd(bytes, from, end);
      if (to < 0) return false;
      at = to + 1;
      if (field === DEVICE_ID) {
        deviceStart = from;
        deviceEnd = to;
      } else if (field === TENANT_ID) {
        tenantStart = from;
        tenantEnd = to;
      } else {
        // An empty string isn't an absent timestamp.
        if (to === from) return false;
        timestampStart = from;
        timestampEnd = to;
      }
    }

    at = skipWhiteSpace(bytes, at);
    if (bytes[at] === COMMA) at++;
    else break;
  }
  if (bytes[at] !== CLOSING_BRACE || at + 1 !== end) return false;
  if (!isPlainName(bytes, deviceStart, deviceEnd)) return false;

  if (timestampStart === timestampEnd) {
    into.time = NaN;
    into.naive = false;
  } else {
    const time = timestampMs(bytes, timestampStart, timestampEnd);
    if (time !== time) return false;
    into.time = time;
    into.naive = isNaiveTimestamp(bytes, timestampEnd);
  }
  into.bytes = bytes;
  into.deviceStart = deviceStart;
  into.deviceEnd = deviceEnd;
  into.timestampStart = timestampStart;
  into.timestampEnd = timestampEnd;
  if (tenantStart === tenantEnd) moveToScratch(into);
  else if (isPlainName(bytes, tenantStart, tenantEnd)) {
    into.tenantStart = tenantStart;
    into.tenantEnd = tenantEnd;
  } else return false;
  return true;
}

/** The field whose name begins at `at`, behind the quote. */
function fieldAt(bytes: Uint8Array, at: number): number {
  let field: number;
  switch (bytes[at]) {
    case LETTER_D:
      field = DEVICE_ID;
      break;
    case LETTER_H:
      field = HUMIDITY;
      break;
    case LETTER_M:
      field = METRICS;
      break;
    case LETTER_T:
      if (bytes[at + 1] === LETTER_I) field = TIMESTAMP;
      else field = bytes[at + 2] === LETTER_N ? TENANT_ID : TEMPERATURE;
      break;
    default:
      return UNKNOWN;
  }
  return matches(bytes, at, NAMES[field]) ? field : UNKNOWN;
}

/** Printable ASCII is known; a leading space may be one of many, which is left to the other path. */
function isPlainName(bytes: Uint8Array, start: number, end: number): boolean {
  return end > start && end - start <= MAX_NAME_LENGTH && bytes[start] !== SPACE;
}

/** The default tenant's name stands in no input: all texts move to where it can stand beside them. */
function moveToScratch(into: Reading): void {
  const { bytes, scratch } = into;
  let to = 0;
  for (let from = into.deviceStart; from < into.deviceEnd; from++) scratch[to++] = bytes[from];
  into.deviceStart = 0;
  into.deviceEnd = into.tenantStart = to;
  for (let i = 0; i < DEFAULT_TENANT_BYTES.length; i++) scratch[to++] = DEFAULT_TENANT_BYTES[i];
  into.tenantEnd = to;
  const timestampStart = to;
  for (let from = into.timestampStart; from < into.timestampEnd; from++) {
    scratch[to++] = bytes[from];
  }
  into.timestampStart = timestampStart;
  into.timestampEnd = to;
  into.bytes = scratch;
}
