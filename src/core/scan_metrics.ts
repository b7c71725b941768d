import { MAX_METRIC_NAME_LENGTH, MAX_METRICS } from "./reading_register.ts";
import type { Reading } from "./reading_register.ts";
import { CLOSING_BRACE, COLON, COMMA, OPENING_BRACE, QUOTE, skipWhiteSpace } from "./scan_bytes.ts";
import { scannedNumber, scanNumber } from "./scan_number.ts";

/** Bits of `NAME_BYTES`: the byte may begin a metric's name, or follow in it. */
const MAY_BEGIN = 1;
const MAY_FOLLOW = 2;

const NAME_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return (/[A-Za-z_]/.test(character) ? MAY_BEGIN : 0) |
    (/[A-Za-z0-9_.-]/.test(character) ? MAY_FOLLOW : 0);
});

/**
 * Reads the object at `at` into the register's metrics. The position behind it; -1: it isn't of the
 * usual shape (names as they must be, none twice, numbers only), or it is invalid.
 * The caller has made sure that the input's last byte is a `}`, behind which nothing is read.
 */
export function scanMetrics(into: Reading, bytes: Uint8Array, start: number): number {
  if (bytes[start] !== OPENING_BRACE) return -1;
  let at = skipWhiteSpace(bytes, start + 1);
  let count = 0;
  if (bytes[at] !== CLOSING_BRACE) {
    for (;;) {
      if (bytes[at] !== QUOTE || count === MAX_METRICS) return -1;
      const nameStart = at + 1;
      const nameEnd = metricNameEnd(bytes, nameStart);
      if (nameEnd < 0 || !takeName(into, count, bytes, nameStart, nameEnd)) return -1;
      at = skipWhiteSpace(bytes, nameEnd + 1);
      if (bytes[at] !== COLON) return -1;
      at = scanNumber(bytes, skipWhiteSpace(bytes, at + 1));
      if (at < 0) return -1;
      into.metricValues[count++] = scannedNumber[0];
      at = skipWhiteSpace(bytes, at);
      if (bytes[at] !== COMMA) break;
      at = skipWhiteSpace(bytes, at + 1);
    }
    if (bytes[at] !== CLOSING_BRACE) return -1;
  }
  into.metricCount = count;
  return at + 1;
}

/** The closing quote of a metric's name; -1: it is no such name. */
function metricNameEnd(bytes: Uint8Array, start: number): number {
  if ((NAME_BYTES[bytes[start]] & MAY_BEGIN) === 0) return -1;
  let at = start + 1;
  while ((NAME_BYTES[bytes[at]] & MAY_FOLLOW) !== 0) at++;
  return bytes[at] === QUOTE && at - start <= MAX_METRIC_NAME_LENGTH ? at : -1;
}

/**
 * Puts a name in its place in the register; false: it may not be there. Most readings have the names
 * of the one before them: then the string that stands there is kept, and nothing is allocated.
 */
function takeName(
  into: Reading,
  place: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  const names = into.metricNames;
  if (place >= names.length || !spells(names[place], bytes, start, end)) {
    let name = "";
    for (let at = start; at < end; at++) name += String.fromCharCode(bytes[at]);
    names[place] = name;
  }
  const name = names[place];
  for (let i = 0; i < place; i++) if (names[i] === name) return false;
  return name !== "temperature" && name !== "humidity";
}

function spells(name: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) !== bytes[start + i]) return false;
  }
  return true;
}
