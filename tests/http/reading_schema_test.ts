/** A reading is read byte by byte, not by the schema that OpenAPI shows: both must take the same ones. */
import { Ajv2020 } from "ajv/dist/2020.js";
import * as fc from "fast-check";
import assert from "node:assert/strict";
import { parseReading, Reading } from "../../src/core/reading.ts";
import { contractCases } from "../core/reading_twin.ts";
import { readingsOf } from "../core/readings.ts";
import { apiOver } from "./in_memory.ts";

const document = JSON.parse((await apiOver().get("/openapi.json")).text);
const accepts = new Ajv2020({ strict: false, inlineRefs: false })
  .addSchema(document, "document")
  .compile({ $ref: "document#/components/schemas/Reading" });

const register = new Reading();

/** Null, or the reason why it is refused. */
function readBytes(bytes: Uint8Array): string | null {
  return parseReading(register, bytes, 0, bytes.length);
}

function read(reading: unknown): string | null {
  return readBytes(new TextEncoder().encode(JSON.stringify(reading)));
}

/** Cases of which no JSON Schema knows: to it a number has no bound, and a text no bytes. */
const BEYOND_SCHEMA = ["1e999", "invalid UTF-8 in device_id", "UTF-8 BOM first"];

const space = fc.constantFrom(..." \u00a0\u1680\u2003\u2028\u3000\ufeff\u200b\u0085\u001f\t");
const character = fc.oneof(space, fc.string({ unit: "binary", maxLength: 2 }), fc.constant("😀"));
const name = fc.oneof(
  fc.array(character, { maxLength: 4 }).map((it) => it.join("")),
  fc.tuple(fc.constantFrom("a", "é", "😀"), fc.integer({ min: 254, max: 258 }))
    .map(([it, count]) => it.repeat(count)),
);

const two = (max: number) => fc.integer({ min: 0, max }).map((it) => String(it).padStart(2, "0"));
const year = fc.oneof(
  fc.constantFrom("0000", "0004", "1900", "2000", "2024", "2100", "9999", "999", "20240"),
  fc.integer({ min: 0, max: 9999 }).map((it) => String(it).padStart(4, "0")),
);
const day = fc.oneof(two(32), fc.constantFrom("28", "29", "30", "31"));
const month = fc.oneof(two(13), fc.constant("02"));
const fraction = fc.oneof(fc.constant(""), fc.stringMatching(/^[.][0-9]{0,10}$/));
const zone = fc.oneof(
  fc.constantFrom("", "Z", "z", "+00:00", "-23:59", "+24:00", "+0100", "+01", " "),
  fc.tuple(fc.constantFrom("+", "-"), two(25), two(61)).map(([sign, h, m]) => `${sign}${h}:${m}`),
);
const timestamp = fc.tuple(
  year,
  month,
  day,
  fc.constantFrom("T", "T", "T", "t", " "),
  two(25),
  two(61),
)
  .chain(([y, mo, d, t, h, mi]) =>
    fc.tuple(two(61), fraction, zone).map(([s, f, z]) =>
      `${y}-${mo}-${d}${t}${h}:${mi}:${s}${f}${z}`
    )
  );

const anything = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string(),
  fc.constant([]),
  fc.constant({}),
);
const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const metricName = fc.oneof(
  fc.stringMatching(/^[A-Za-z_0-9][A-Za-z0-9_.-]{0,3}$/),
  fc.constantFrom(
    "temperature",
    "humidity",
    "temperature2",
    "",
    "a b",
    "x".repeat(64),
    "x".repeat(65),
  ),
);
const metrics = fc.oneof(
  fc.dictionary(metricName, fc.oneof({ weight: 9, arbitrary: number }, anything), { maxKeys: 3 }),
  fc.integer({ min: 31, max: 33 }).map((count) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, i]))
  ),
);
const nearly = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof({ weight: 9, arbitrary }, anything);
const readings = fc.record({
  device_id: nearly(fc.oneof(fc.constant("d"), name)),
  tenant_id: nearly(fc.oneof(fc.constant("t"), name)),
  temperature: nearly(number),
  humidity: nearly(number),
  metrics: nearly(metrics),
  timestamp: nearly(timestamp),
  other: anything,
}, { requiredKeys: [] });

Deno.test("the Reading of the document takes what the engine takes", () => {
  const counts = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(readings, (reading) => {
      // A text of JSON Schema's has no unpaired surrogates; they can't be sent in UTF-8 either.
      if (!JSON.stringify(reading).isWellFormed() || /\\ud[89a-f]/.test(JSON.stringify(reading))) {
        return;
      }
      const reason = read(reading);
      counts[reason === null ? "taken" : "refused"]++;
      assert.equal(accepts(reading), reason === null, `${JSON.stringify(reading)}: ${reason}`);
    }),
    { numRuns: 20_000 },
  );
  assert.ok(counts.taken > 1000 && counts.refused > 1000, Deno.inspect(counts));
});

Deno.test("every date there is, and no other", () => {
  for (const year of ["0000", "0001", "1900", "2000", "2023", "2024"]) {
    for (let month = 0; month <= 13; month++) {
      for (let day = 0; day <= 32; day++) {
        const date = [year, String(month).padStart(2, "0"), String(day).padStart(2, "0")].join("-");
        const reading = { device_id: "d", timestamp: `${date}T23:59:59Z` };
        assert.equal(accepts(reading), read(reading) === null, date);
      }
    }
  }
});

Deno.test("what is no object is no reading", () => {
  for (const it of [null, 1, "x", true, [], [{ device_id: "d" }]]) {
    assert.notEqual(read(it), null);
    assert.equal(accepts(it), false);
  }
});

Deno.test("readings as they are sent, and the contract's cases", () => {
  const described = (bytes: Uint8Array) => accepts(JSON.parse(new TextDecoder().decode(bytes)));
  fc.assert(fc.property(readingsOf(), (bytes) => {
    const text = new TextDecoder().decode(bytes).slice(0, 300);
    assert.equal(readBytes(bytes), null, text);
    assert.ok(described(bytes), text);
  }));
  const beyondSchema: string[] = [];
  for (const { name, bytes } of contractCases()) {
    if (bytes === undefined) continue;
    let isDescribed = false;
    try {
      isDescribed = described(bytes);
    } catch { /* no JSON: refused by both */ }
    if (readBytes(bytes) === null) assert.ok(isDescribed, name);
    else if (isDescribed) beyondSchema.push(name);
  }
  assert.deepEqual(beyondSchema, BEYOND_SCHEMA);
});
