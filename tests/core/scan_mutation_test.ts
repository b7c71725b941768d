/** A million readings, damaged at random: whatever the scanner takes, the careful path reads alike. */
import assert from "node:assert/strict";
import { readJson } from "../../src/core/reading_json.ts";
import { parseReading, Reading } from "../../src/core/reading.ts";
import { scanReading } from "../../src/core/scan.ts";
import { change, REALISTIC } from "./mutations.ts";
import { assertSame, contractCases, inRegister, plainReading } from "./reading_twin.ts";
import { randomOf } from "./scan_random.ts";

const SEED = 42;
const READINGS = 1_000_000;
/** Every so many are compared with the plain twin as well, which is slow. */
const TWIN_EVERY = 20;

const encoder = new TextEncoder();

Deno.test("a million mutated readings", () => {
  const random = randomOf(SEED);
  const pool: Uint8Array[] = REALISTIC.map((text) => encoder.encode(text));
  for (const { bytes } of contractCases()) {
    if (bytes && bytes.length < 500) pool.push(bytes);
  }
  // The buffer keeps what earlier readings left behind the end of this one.
  const buffer = new Uint8Array(2048);
  const scanned = new Reading();
  const parsed = new Reading();
  let taken = 0;
  let valid = 0;
  for (let i = 0; i < READINGS; i++) {
    const start = random() % 16;
    const origin = pool[random() % (i % 2 === 0 ? REALISTIC.length : pool.length)];
    buffer.set(origin, start);
    let end = start + origin.length;
    for (let changes = random() % 4; changes > 0; changes--) {
      end = change(buffer, { start, end, random });
    }
    const shown = () =>
      `${i}: ${JSON.stringify(new TextDecoder().decode(buffer.subarray(start, end)))}`;
    if (scanReading(scanned, buffer, start, end)) {
      taken++;
      const reason = readJson(parsed, buffer, start, end);
      if (reason !== null) assert.fail(`${reason}, in ${shown()}`);
      assertSame(scanned, parsed, shown);
    }
    if (i % TWIN_EVERY === 0) {
      const expected = plainReading(buffer.slice(start, end));
      const reason = parseReading(parsed, buffer, start, end);
      assert.equal(reason === null, expected !== undefined, `${reason}, in ${shown()}`);
      if (reason === null) assert.deepStrictEqual(inRegister(parsed), expected, shown());
      else assertPrintable(reason);
      if (reason === null) valid++;
    }
  }
  console.log(
    `seed ${SEED}: the scanner took ${taken} of ${READINGS}; valid by the twin ${valid} of ${
      READINGS / TWIN_EVERY
    }`,
  );
  assert.ok(taken > READINGS / 4, `${taken} taken`);
});

function assertPrintable(reason: string): void {
  assert.match(reason, /^[^\p{Cc}\p{Cs}]{1,299}$/u);
}
