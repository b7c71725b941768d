/**
 * A reading: one JSON object in UTF-8, from a Kafka record's value or over HTTP. What is a valid one:
 *
 * | field | rule |
 * |---|---|
 * | `device_id` | required; string of 1 to 256 code points, not only white space (what `trim` removes), without control characters (U+0000 to U+001F, U+007F to U+009F) and unpaired surrogates |
 * | `tenant_id` | the same; missing, null or `""`: `default` |
 * | `temperature`, `humidity` | finite number; missing or null: absent |
 * | `metrics` | object of at most 32 finite numbers; names `[A-Za-z_][A-Za-z0-9_.-]{0,63}`, not `temperature` or `humidity`; missing or null: none; one that is null: absent |
 * | `timestamp` | RFC 3339 date-time, or the same without a zone (UTC); missing or null: absent |
 *
 * Other fields are ignored; of a repeated one the last counts. How many bytes a reading may have is
 * checked where it is received.
 */
import { readJson } from "./reading_json.ts";
import type { Reading } from "./reading_register.ts";
import { scanReading } from "./scan.ts";

export { Reading } from "./reading_register.ts";
export { parseResult } from "./reading_result.ts";

/**
 * Reads the reading in `bytes` from `start` to `end` into the register. Null: it is valid. A string:
 * the reason why it isn't (`temperature: expected a number, got the string "21.5"`), at most 300
 * characters in one line; the register's contents mean nothing then.
 *
 * Positional arguments, against the habit: this is called once per reading, and an options object
 * would be allocated each time.
 */
export function parseReading(
  into: Reading,
  bytes: Uint8Array,
  start: number,
  end: number,
): string | null {
  return scanReading(into, bytes, start, end) ? null : readJson(into, bytes, start, end);
}
