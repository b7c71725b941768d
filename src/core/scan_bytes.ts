/**
 * The scanner's parts: bytes of JSON (RFC 8259). What they accept, `JSON.parse` accepts, with the same
 * value.
 *
 * None of them is told to stop at the end of the input except where it says so: the caller has made
 * sure that the input's last byte is a `}`, and no token but a string may contain one. Positional
 * arguments, numbers in and numbers out: all this runs once per byte.
 */

export const TAB = 0x09;
export const LINE_FEED = 0x0a;
export const CARRIAGE_RETURN = 0x0d;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const PLUS = 0x2b;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const ZERO = 0x30;
export const COLON = 0x3a;
export const BACKSLASH = 0x5c;
export const LETTER_A = 0x61;
export const LETTER_B = 0x62;
export const LETTER_D = 0x64;
export const LETTER_E = 0x65;
export const LETTER_F = 0x66;
export const LETTER_H = 0x68;
export const LETTER_I = 0x69;
export const LETTER_M = 0x6d;
export const LETTER_N = 0x6e;
export const LETTER_R = 0x72;
export const LETTER_T = 0x74;
export const LETTER_U = 0x75;
export const OPENING_BRACE = 0x7b;
export const CLOSING_BRACE = 0x7d;
export const DELETE = 0x7f;
/** Makes an ASCII letter lower case. */
export const LOWER_CASE = 0x20;

/** The bytes of an ASCII text. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Whether `expected` stands at `at`. */
export function matches(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) {
    if (bytes[at + i] !== expected[i]) return false;
  }
  return true;
}

export function isWhiteSpace(byte: number): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB;
}

/** The first position from `at` on that isn't white space. */
export function skipWhiteSpace(bytes: Uint8Array, at: number): number {
  while (bytes[at] <= SPACE && isWhiteSpace(bytes[at])) at++;
  return at;
}
