/** How values are shown in the reasons of dead letters: short, in one line, without control characters. */

/** Longest quotation, in UTF-16 units, its quotes included. */
const MAX_QUOTED = 60;
const MAX_MESSAGE = 200;

/** Control and invisible characters, line and paragraph separator, unpaired surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** A value that came out of `JSON.parse`, in words. Objects and arrays aren't shown: they may be endless. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "string") return `the string ${quote(value)}`;
  if (typeof value === "number") {
    return Number.isFinite(value) ? `the number ${value}` : "a number beyond the largest double";
  }
  if (typeof value === "boolean") return String(value);
  return Array.isArray(value) ? "an array" : "an object";
}

/** The text as JSON has it, cut to about 60 characters. */
export function quote(text: string): string {
  let quoted = "";
  for (const character of text) {
    const next = printableCharacter(character, character === '"' || character === "\\");
    if (quoted.length + next.length > MAX_QUOTED) return `"${quoted}…"`;
    quoted += next;
  }
  return `"${quoted}"`;
}

/** A message that may quote the input, without its control characters, cut to 200 characters. */
export function printable(message: string): string {
  let shown = "";
  for (const character of message) {
    const next = printableCharacter(character, false);
    if (shown.length + next.length > MAX_MESSAGE) return `${shown}…`;
    shown += next;
  }
  return shown;
}

function printableCharacter(character: string, escape: boolean): string {
  if (escape) return `\\${character}`;
  if (!UNPRINTABLE.test(character)) return character;
  let escaped = "";
  for (let i = 0; i < character.length; i++) {
    escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }
  return escaped;
}
