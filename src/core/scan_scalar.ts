import { ascii, LETTER_F, LETTER_N, LETTER_T, matches, QUOTE } from "./scan_bytes.ts";
import { skipNumber } from "./scan_number.ts";
import { skipString } from "./scan_string.ts";

const TRUE = ascii("true");
const FALSE = ascii("false");
const NULL = ascii("null");

export const NULL_LENGTH = 4;

export function isNull(bytes: Uint8Array, at: number): boolean {
  return matches(bytes, at, NULL);
}

/** The position behind a string, number, `true`, `false` or `null` at `at`; -1: it is something else. */
export function skipScalar(bytes: Uint8Array, at: number, end: number): number {
  switch (bytes[at]) {
    case QUOTE:
      return skipString(bytes, at + 1, end);
    case LETTER_T:
      return matches(bytes, at, TRUE) ? at + TRUE.length : -1;
    case LETTER_F:
      return matches(bytes, at, FALSE) ? at + FALSE.length : -1;
    case LETTER_N:
      return matches(bytes, at, NULL) ? at + NULL.length : -1;
    default:
      return skipNumber(bytes, at);
  }
}
