import assert from "node:assert/strict";
import fc from "fast-check";
import { readJson } from "../../src/core/reading_json.ts";
import { parseReading, parseResult, Reading } from "../../src/core/reading.ts";
import { assertSame, inRegister } from "./reading_twin.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Result {
  device_id: string;
  tenant_id: string;
  timestamp: string;
  temperature?: number;
  humidity?: number;
  metrics?: Record<string, number>;
}

/** A result as section 2 of the contract has it, between bytes of its neighbours in a row. */
function resultBytes(result: Result): { bytes: Uint8Array; start: number; end: number } {
  const stats = { avg: 1.5, min: -1, max: 3 };
  const value = encoder.encode(JSON.stringify({
    device_id: result.device_id,
    temperature: result.temperature,
    humidity: result.humidity,
    metrics: result.metrics,
    timestamp: result.timestamp,
    processed_at: "2026-01-01T00:00:01.000Z",
    tenant_id: result.tenant_id,
    is_anomaly: false,
    anomaly_score: 0,
    temperature_stats: stats,
    humidity_stats: stats,
    metrics_stats: result.metrics && { co2: stats },
    id: "sensor-data-0-42",
  }));
  const bytes = new Uint8Array(value.length + 20).fill(0x22);
  bytes.set(value, 10);
  return { bytes, start: 10, end: 10 + value.length };
}

Deno.test("a result gives back the reading that it was made of", () => {
  const reading = new Reading();
  const { bytes, start, end } = resultBytes({
    device_id: "dev-é",
    tenant_id: "default",
    timestamp: "2026-01-01T00:00:00.5+01:00",
    humidity: 45.25,
    metrics: { co2: 1e21, "pm2.5": 0 },
  });
  parseResult(reading, bytes, start, end);
  assert.deepStrictEqual(inRegister(reading), {
    device: "dev-é",
    tenant: "default",
    temperature: NaN,
    humidity: 45.25,
    timestamp: "2026-01-01T00:00:00.5+01:00",
    naive: false,
    time: 1767222000500,
    metrics: [["co2", 1e21], ["pm2.5", 0]],
  });
  // Without an escape nothing was copied: the fast path has read it.
  assert.equal(reading.bytes, bytes);
});

Deno.test("a result takes nothing over from what stood in the register", () => {
  const reading = new Reading();
  const before = encoder.encode(
    '{"device_id":"x","tenant_id":"y","temperature":1,"humidity":2,"metrics":{"a":1},"timestamp":"2026-01-01T00:00:00"}',
  );
  assert.equal(parseReading(reading, before, 0, before.length), null);
  const { bytes, start, end } = resultBytes({
    device_id: "d",
    tenant_id: "t",
    timestamp: "2026-01-01T00:00:00Z",
  });
  parseResult(reading, bytes, start, end);
  assert.deepStrictEqual(inRegister(reading), {
    device: "d",
    tenant: "t",
    temperature: NaN,
    humidity: NaN,
    timestamp: "2026-01-01T00:00:00Z",
    naive: false,
    time: 1767225600000,
    metrics: [],
  });
});

Deno.test("bytes that are no result are an error", () => {
  const reading = new Reading();
  for (const text of ["", "nonsense", '{"device_id":"d"', '{"temperature":1}']) {
    const bytes = encoder.encode(text);
    assert.throws(
      () => parseResult(reading, bytes, 0, bytes.length),
      /^Error: reading back a result: /,
    );
  }
});

const name = fc.oneof(
  fc.constantFrom("device-0042", 'a"b', "a\\b", "é", "\u2028", "😀 x", "\ufeffx"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 }),
).filter((text) => text.trim() !== "" && !/\p{Cc}/u.test(text) && text.isWellFormed());
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const number = fc.oneof(finite, fc.integer(), fc.integer().map((value) => value / 100));
const results: fc.Arbitrary<Result> = fc.record({
  device_id: name,
  tenant_id: name,
  timestamp: fc.tuple(
    fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
    fc.constantFrom("Z", "+01:30", "-23:59", "456789Z"),
  ).map(([date, zone]) => date.toISOString().slice(0, -1) + zone),
  temperature: number,
  humidity: number,
  metrics: fc.dictionary(fc.stringMatching(/^[a-z_][A-Za-z0-9_.-]{0,8}$/), number, {
    minKeys: 1,
    maxKeys: 32,
  }).filter((metrics) => !("temperature" in metrics) && !("humidity" in metrics)),
}, { requiredKeys: ["device_id", "tenant_id", "timestamp"] });

Deno.test("any result is read back alike by the fast path and by JSON.parse", () => {
  const fast = new Reading();
  const careful = new Reading();
  let taken = 0;
  fc.assert(
    fc.property(results, (result) => {
      const { bytes, start, end } = resultBytes(result);
      parseResult(fast, bytes, start, end);
      if (fast.bytes === bytes) taken++;
      assert.equal(readJson(careful, bytes, start, end), null);
      assertSame(fast, careful, () => decoder.decode(bytes.subarray(start, end)));
      assert.equal(inRegister(fast).device, result.device_id);
      assert.equal(inRegister(fast).tenant, result.tenant_id);
      assert.ok(Object.is(fast.temperature, result.temperature ?? NaN));
      assert.deepStrictEqual(inRegister(fast).metrics, Object.entries(result.metrics ?? {}));
    }),
    { numRuns: 20_000 },
  );
  assert.ok(taken > 5_000, `${taken} by the fast path`);
});
