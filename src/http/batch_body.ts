/** Where the readings of a batch stand in its body. Nothing is parsed: each is judged by itself. */
import { isWhiteSpace } from "./body.ts";
import { Refusal } from "./request.ts";

/** A transaction of more would hold up everything else for too long. */
export const MAX_BATCH_READINGS = 10_000;

const QUOTE = 34, COMMA = 44, BACKSLASH = 92, LINE_FEED = 10;
const OPENING_BRACKET = 91, CLOSING_BRACKET = 93, OPENING_BRACE = 123, CLOSING_BRACE = 125;

/** Start and end of each line, in turns, without the white space around it; blank lines are left out. */
export function lineRanges(body: Uint8Array): number[] {
  const ranges: number[] = [];
  for (let at = 0; at < body.length;) {
    const found = body.indexOf(LINE_FEED, at);
    const end = found < 0 ? body.length : found;
    pushTrimmed(ranges, body, { start: at, end });
    at = end + 1;
  }
  return ranges;
}

/**
 * The same for the elements of a JSON array. null: the body is none, or one that isn't closed, has an
 * empty element or something behind it, and so no JSON in any case. What stands in an element may
 * still be wrong.
 */
export function arrayRanges(body: Uint8Array): number[] | null {
  let at = 0;
  while (at < body.length && isWhiteSpace(body[at])) at++;
  if (body[at] !== OPENING_BRACKET) return null;
  const ranges: number[] = [];
  let start = ++at;
  let depth = 0;
  for (; at < body.length; at++) {
    switch (body[at]) {
      case QUOTE:
        at = stringEnd(body, at + 1);
        break;
      case OPENING_BRACE:
      case OPENING_BRACKET:
        depth++;
        break;
      case COMMA:
        if (depth > 0) break;
        if (!pushTrimmed(ranges, body, { start, end: at })) return null;
        start = at + 1;
        break;
      case CLOSING_BRACE:
        if (--depth < 0) return null;
        break;
      case CLOSING_BRACKET:
        if (--depth >= 0) break;
        if (!pushTrimmed(ranges, body, { start, end: at }) && ranges.length > 0) return null;
        return isBlank(body, at + 1) ? ranges : null;
    }
  }
  return null;
}

/** Where the string's closing quote stands, or the body's end. */
function stringEnd(body: Uint8Array, at: number): number {
  for (; at < body.length; at++) {
    const byte = body[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return at;
}

/** False, and nothing is pushed, where there is only white space. */
function pushTrimmed(
  ranges: number[],
  body: Uint8Array,
  { start, end }: { start: number; end: number },
): boolean {
  while (start < end && isWhiteSpace(body[start])) start++;
  if (start === end) return false;
  while (isWhiteSpace(body[end - 1])) end--;
  if (ranges.length === 2 * MAX_BATCH_READINGS) {
    throw new Refusal(413, `body: expected at most ${MAX_BATCH_READINGS} readings, got more`);
  }
  ranges.push(start, end);
  return true;
}

function isBlank(body: Uint8Array, from: number): boolean {
  for (let at = from; at < body.length; at++) if (!isWhiteSpace(body[at])) return false;
  return true;
}
