/** Timestamps by the contract's section 1: RFC 3339, upper case, at most nine digits of fraction. */

export interface Timestamp {
  /** As it was sent, with `Z` where it had no zone. */
  readonly text: string;
  /** ns since 1970. */
  readonly instant: bigint;
}

const SHAPE = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-](\d\d):(\d\d))?$/;

/** undefined: the text isn't a timestamp. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const parts = SHAPE.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number);
  if (month < 1 || month > 12 || day < 1 || day > daysIn({ year, month })) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const zone = parts[8] ?? "";
  const [zoneHours, zoneMinutes] = [Number(parts[9] ?? 0), Number(parts[10] ?? 0)];
  if (zoneHours > 23 || zoneMinutes > 59) return undefined;
  // Date.UTC takes the years 0 to 99 for 1900 to 1999; setUTCFullYear doesn't.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const offset = (zone.startsWith("-") ? -1 : 1) * (zoneHours * 60 + zoneMinutes);
  const milliseconds = BigInt(date.getTime() - offset * 60_000);
  const fraction = BigInt((parts[7] ?? "").padEnd(9, "0"));
  return { text: zone === "" ? text + "Z" : text, instant: milliseconds * 1_000_000n + fraction };
}

function daysIn(of: { year: number; month: number }): number {
  if (of.month !== 2) return [4, 6, 9, 11].includes(of.month) ? 30 : 31;
  const leap = of.year % 4 === 0 && (of.year % 100 !== 0 || of.year % 400 === 0);
  return leap ? 29 : 28;
}
