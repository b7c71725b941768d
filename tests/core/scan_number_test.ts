import assert from "node:assert/strict";
import fc from "fast-check";
import { scannedNumber, scanNumber, skipNumber } from "../../src/core/scan_number.ts";
import { randomOf } from "./scan_random.ts";

const JSON_NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/;
const encoder = new TextEncoder();
const buffer = new Uint8Array(256);

/** The value of the number at the begin of the text and where it ends; undefined: none. */
function scan(text: string): { value: number; end: number } | undefined {
  const length = encoder.encodeInto(`${text}}`, buffer).written;
  buffer.fill(0x39, length, length + 8);
  const end = scanNumber(buffer, 0);
  return end < 0 ? undefined : { value: scannedNumber[0], end };
}

function plain(text: string): { value: number; end: number } | undefined {
  const number = JSON_NUMBER.exec(text)?.[0];
  if (number === undefined) return undefined;
  const value = Number(number);
  if (Math.abs(value) === Infinity) return undefined;
  return { value: value === 0 ? 0 : value, end: number.length };
}

Deno.test("numbers at the edges", () => {
  const edges = [
    "0",
    "-0",
    "-0.0",
    "0.000",
    "-0e5",
    "-1e-999",
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "-9007199254740993",
    "900719925474.0993",
    "9007199254740990.5",
    "0.1",
    "0.30000000000000004",
    "21.1234567890123456789",
    "0.0000000000000000000001",
    "0.00000000000000000000001",
    "1e21",
    "1E+2",
    "1e-07",
    "1e999",
    "-1e999",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "5e-324",
    "2e-324",
    "9".repeat(200),
    "-",
    "",
    "+1",
    ".5",
    "5.",
    "-.5",
    "01",
    "-01",
    "00",
    "1e",
    "1e+",
    "1.e5",
    "0x10",
    "NaN",
    "Infinity",
    "1.5.5",
    "1-1",
  ];
  for (const text of edges) {
    // "01" and "1e" begin with a number, but no JSON value goes on like this: -1 or the number are right.
    const expected = plain(text);
    const scanned = scan(text);
    if (scanned !== undefined || (expected !== undefined && expected.end === text.length)) {
      assert.deepStrictEqual(scanned, expected, text);
    }
  }
  assert.equal(scan("1e999"), undefined);
  assert.equal(scan("01"), undefined);
  assert.equal(scan("5."), undefined);
});

Deno.test("two million decimals are bit-equal to Number", () => {
  const random = randomOf(20260101);
  let seen = 0;
  for (let i = 0; i < 2_000_000; i++) {
    const kind = random() % 8;
    const signed = random() / 2 ** 32 - 0.5;
    let text: string;
    if (kind < 3) text = (signed * 10 ** (i % 15)).toFixed(i % 14);
    else if (kind === 3) text = String(signed * 10 ** (random() % 40 - 20));
    else if (kind === 4) text = String(random() * 2 ** 21 + random() % 2 ** 21);
    else if (kind === 5) text = `-0.${"0".repeat(i % 9)}${random()}`;
    else if (kind === 6) text = (random() * 2 ** 21 + random() % 2 ** 21 + 1) / 10 + `${random()}`;
    else text = String((signed + 0.5) * 100);
    const expected = plain(text);
    const scanned = scan(text);
    if (expected === undefined || expected.end !== text.length) continue;
    seen++;
    if (!Object.is(scanned?.value, expected.value) || scanned?.end !== expected.end) {
      assert.fail(`${text}: ${scanned?.value} up to ${scanned?.end}`);
    }
  }
  assert.ok(seen > 1_900_000, `${seen} numbers`);
});

Deno.test("what is scanned or skipped as a number is one for JSON", () => {
  const text = fc.string({ unit: fc.constantFrom(..."0123456789.-+eE "), maxLength: 24 });
  fc.assert(
    fc.property(text, (text) => {
      const expected = plain(text);
      const scanned = scan(text);
      const skipped = skipNumber(buffer, 0);
      if (scanned !== undefined) assert.deepStrictEqual(scanned, expected);
      if (skipped >= 0) assert.equal(JSON_NUMBER.exec(text)?.[0].length, skipped);
      if (expected?.end === text.length) {
        assert.deepStrictEqual(scanned, expected);
        assert.equal(skipped, text.length);
      }
    }),
    { numRuns: 50_000 },
  );
});
