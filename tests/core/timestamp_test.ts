import assert from "node:assert/strict";
import fc from "fast-check";
import { isNaiveTimestamp, timestampMs } from "../../src/core/timestamp.ts";
import { plainTime } from "./reading_twin.ts";

/** Puts the timestamp between bytes that belong to something else. */
function read(timestamp: string): { ms: number; naive: boolean } {
  const bytes = new TextEncoder().encode(`9Z${timestamp}0.5Z+01:00`);
  const end = bytes.length - 10;
  return { ms: timestampMs(bytes, 2, end), naive: isNaiveTimestamp(bytes, end) };
}

Deno.test("a timestamp is read as ms since 1970", () => {
  const known: [string, number][] = [
    ["1970-01-01T00:00:00Z", 0],
    ["2026-01-01T00:00:00.123Z", 1767225600123],
    ["2026-01-01T02:00:00+02:00", 1767225600000],
    ["2025-12-31T18:30:00-05:30", 1767225600000],
    ["2026-01-01T00:00:00-00:00", 1767225600000],
    ["2026-01-01T00:00:00.1Z", 1767225600100],
    ["2026-01-01T00:00:00.000000001Z", 1767225600000],
    ["2026-01-01T00:00:00.0005Z", 1767225600000.5],
    ["2024-02-29T23:59:59.999Z", 1709251199999],
    ["2000-02-29T00:00:00Z", 951782400000],
    ["0000-01-01T00:00:00Z", -62167219200000],
    ["0001-01-01T00:00:00Z", -62135596800000],
    ["9999-12-31T23:59:59Z", 253402300799000],
    ["1969-12-31T23:59:59.999999999Z", -0.000001],
    ["1970-01-01T00:00:00.000000001Z", 0.000001],
    ["2026-01-01T23:59:59+23:59", 1767225659000],
  ];
  for (const [timestamp, ms] of known) {
    assert.deepStrictEqual(read(timestamp), { ms, naive: false }, timestamp);
  }
});

Deno.test("a timestamp without a zone is UTC, and says so", () => {
  for (const timestamp of ["2026-01-01T00:00:00", "2026-01-01T00:00:00.123456"]) {
    const { ms, naive } = read(timestamp);
    assert.equal(naive, true, timestamp);
    assert.equal(ms, read(`${timestamp}Z`).ms, timestamp);
  }
});

Deno.test("what is no RFC 3339 date-time is refused", () => {
  const refused = [
    "",
    "yesterday",
    "1767225600",
    "2026-01-01",
    "2026-01-01T00:00",
    "2026-01-01 00:00:00Z",
    "2026-01-01t00:00:00Z",
    "2026-01-01T00:00:00z",
    "2026-01-01T00:00:00+0200",
    "2026-01-01T00:00:00+02",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+02:60",
    "2026-01-01T00:00:00+02:00Z",
    "2026-01-01T00:00:00ZZ",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00.",
    "2026-01-01T00:00:00,5Z",
    "2026-01-01T00:00:00.1234567890Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-06-30T23:59:60Z",
    "2026-00-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-32T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "-026-01-01T00:00:00Z",
    "+002026-01-01T00:00:00Z",
    "2026-1-01T00:00:00Z",
    "٢٠٢٦-01-01T00:00:00Z",
  ];
  for (const timestamp of refused) assert.equal(read(timestamp).ms, NaN, timestamp);
});

Deno.test("every day from year 0 to 9999 begins where Date says", () => {
  const encoder = new TextEncoder();
  const bytes = encoder.encode("0000-00-00T00:00:00Z");
  const last = Date.UTC(9999, 11, 31);
  let days = 0;
  for (let ms = Date.parse("0000-01-01T00:00:00Z"); ms <= last; ms += 86_400_000) {
    encoder.encodeInto(new Date(ms).toISOString().slice(0, 10), bytes);
    if (timestampMs(bytes, 0, bytes.length) !== ms) assert.fail(new TextDecoder().decode(bytes));
    days++;
  }
  assert.equal(days, 3_652_425);
});

Deno.test("a date exists exactly if Date knows it", () => {
  for (const year of ["0000", "0004", "0100", "1900", "2000", "2023", "2024", "2100", "9999"]) {
    for (let month = 0; month < 20; month++) {
      for (let day = 0; day < 40; day++) {
        const timestamp = `${year}-${two(month)}-${two(day)}T12:00:00Z`;
        assert.equal(read(timestamp).ms, plainTime(timestamp) ?? NaN, timestamp);
      }
    }
  }
});

function two(number: number): string {
  return String(number).padStart(2, "0");
}

const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
const year = fc.oneof(fc.constantFrom("1969", "1970", "2026", "0000", "9999"), digits(4));
const fraction = fc.oneof(fc.constant(""), fc.stringMatching(/^\.[0-9]{1,10}$/));
const zone = fc.oneof(
  fc.constantFrom("Z", "", "z"),
  fc.stringMatching(/^[+-][0-2][0-9]:[0-6][0-9]$/),
);
const timestamps = fc.tuple(
  year,
  fc.integer({ min: 0, max: 13 }).map(two),
  fc.integer({ min: 0, max: 32 }).map(two),
  fc.stringMatching(/^[0-2][0-9]:[0-6][0-9]:[0-6][0-9]$/),
  fraction,
  zone,
).map(([year, month, day, time, fraction, zone]) =>
  `${year}-${month}-${day}T${time}${fraction}${zone}`
);

Deno.test("any timestamp is read to the same double as by exact integers, or refused as well", () => {
  fc.assert(
    fc.property(timestamps, (timestamp) => {
      assert.ok(Object.is(read(timestamp).ms, plainTime(timestamp) ?? NaN), timestamp);
    }),
    { numRuns: 50_000 },
  );
});

Deno.test("a timestamp with any character changed is read or refused alike", () => {
  const character = fc.constantFrom(..."0123456789-+:.TZtz ,é");
  fc.assert(
    fc.property(timestamps, fc.nat(34), character, (timestamp, place, character) => {
      const at = place % timestamp.length;
      const changed = timestamp.slice(0, at) + character + timestamp.slice(at + 1);
      assert.ok(Object.is(read(changed).ms, plainTime(changed) ?? NaN), changed);
    }),
    { numRuns: 50_000 },
  );
});
