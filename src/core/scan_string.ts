import {
  BACKSLASH,
  DELETE,
  LETTER_A,
  LETTER_B,
  LETTER_F,
  LETTER_N,
  LETTER_R,
  LETTER_T,
  LETTER_U,
  LOWER_CASE,
  QUOTE,
  SLASH,
  SPACE,
  ZERO,
} from "./scan_bytes.ts";

/**
 * Where the string ends that begins at `at` (behind its quote), that is its closing quote; -1 if it
 * isn't closed before `end`, or holds anything but printable ASCII without escapes.
 */
export function plainStringEnd(bytes: Uint8Array, at: number, end: number): number {
  for (; at < end; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte < SPACE || byte >= DELETE || byte === BACKSLASH) return -1;
  }
  return -1;
}

/**
 * The same for a string of our own, with any character in it; -1 if it isn't closed before `end`, or
 * has an escape.
 */
export function rawStringEnd(bytes: Uint8Array, at: number, end: number): number {
  for (; at < end; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) return -1;
  }
  return -1;
}

/** The position behind the string that begins at `at` (behind its quote), closed before `end`; -1: it is none. */
export function skipString(bytes: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte < SPACE) return -1;
    if (byte === BACKSLASH) {
      const length = escapeLength(bytes, at);
      if (length === 0) return -1;
      at += length;
    } else if (byte > DELETE) {
      const length = utf8Length(bytes, at, end);
      if (length === 0) return -1;
      at += length;
    } else at++;
  }
  return -1;
}

/** Length of the escape whose backslash is at `at`; 0: JSON knows no such escape. */
function escapeLength(bytes: Uint8Array, at: number): number {
  switch (bytes[at + 1]) {
    case QUOTE:
    case BACKSLASH:
    case SLASH:
    case LETTER_B:
    case LETTER_F:
    case LETTER_N:
    case LETTER_R:
    case LETTER_T:
      return 2;
    case LETTER_U:
      for (let i = 2; i < 6; i++) if (!isHexDigit(bytes[at + i])) return 0;
      return 6;
    default:
      return 0;
  }
}

function isHexDigit(byte: number): boolean {
  if (byte >= ZERO && byte <= ZERO + 9) return true;
  const letter = byte | LOWER_CASE;
  return letter >= LETTER_A && letter <= LETTER_F;
}

/**
 * Length of the UTF-8 character at `at` (Unicode 16, table 3-7: no surrogates, no overlong forms);
 * 0: there is none, or it doesn't end before `end`.
 */
export function utf8Length(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at];
  if (lead < 0x80) return 1;
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > end) return 0;
  const second = bytes[at + 1];
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i] & 0xc0) !== 0x80) return 0;
  return length;
}
