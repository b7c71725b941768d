import assert from "node:assert/strict";
import { type ComparedResult, readResult } from "../../src/migration/compared_result.ts";
import { differences } from "../../src/migration/differences.ts";

const STATS = { avg: 21, min: 21, max: 21 };
const NEW = {
  device_id: "press-7",
  temperature: 21,
  humidity: 45,
  timestamp: "2026-01-01T00:00:00.5Z",
  processed_at: "2026-01-01T00:00:01.123Z",
  tenant_id: "acme",
  is_anomaly: false,
  anomaly_score: 0,
  temperature_stats: STATS,
  humidity_stats: STATS,
  id: "in-0-0",
};
const { is_anomaly: _, anomaly_score: __, id: ___, ...rest } = NEW;
const EMPTY = { avg: 0, min: 0, max: 0 };
const GO = {
  ...rest,
  timestamp: "2026-01-01T00:00:00Z",
  processed_at: "2026-01-01T00:00:01Z",
  temperature_stats: EMPTY,
  humidity_stats: EMPTY,
};
const { timestamp: ____, temperature_stats: _____, humidity_stats: ______, ...timeless } = GO;
const PYTHON = { ...timeless, processed_at: 1767225601.5, is_anomaly: false, anomaly_score: 0 };

function result(fields: object): ComparedResult {
  const read = readResult(JSON.stringify(fields));
  assert.ok(typeof read !== "string", String(read));
  return read;
}

/** `field: kind` of each. */
function found(old: object, now: object, tolerance = 1e-9): string[] {
  return differences(result(old), result(now), { tolerance })
    .map(({ field, reason }) => `${field}: ${reason.kind === "unexplained" ? "?" : reason.name}`);
}

/** Only what isn't explained. */
function unexplained(old: object, now: object): string[] {
  return found(old, now).filter((one) => one.endsWith(": ?")).map((one) => one.slice(0, -3));
}

Deno.test("what the formats differ in is explained", () => {
  assert.deepEqual(unexplained(GO, NEW), []);
  assert.deepEqual(unexplained(PYTHON, NEW), []);
  assert.deepEqual(found(NEW, NEW), []);
  assert.deepEqual(found(NEW, { ...NEW, id: "out-3-9" }), []);
  assert.deepEqual(found(GO, NEW).map((one) => one.split(":")[0]), [
    ...["is_anomaly", "timestamp", "temperature_stats", "humidity_stats", "processed_at", "id"],
  ]);
});

Deno.test("one field that differs is found, whichever it is, and whatever the old format", () => {
  const changes: [string, unknown][] = [
    ["temperature", 21.000001],
    ["temperature", undefined],
    ["humidity", null],
    ["anomaly_score", 1],
    ["is_anomaly", true],
    ["tenant_id", "acne"],
    ["device_id", "press-8"],
    ["processed_at", "soon"],
  ];
  for (const [field, value] of changes) {
    const changed = { ...NEW, [field]: value };
    for (const old of [GO, PYTHON]) {
      assert.deepEqual(unexplained(old, changed), [field], `${field} ${value}`);
    }
  }
  assert.deepEqual(unexplained(GO, { ...NEW, timestamp: "2026-01-01T00:00:01Z" }), ["timestamp"]);
  assert.deepEqual(unexplained(GO, { ...NEW, timestamp: "2026-01-01T01:00:00+01:00" }), [
    "timestamp",
  ]);
  assert.deepEqual(unexplained(NEW, { ...NEW, temperature_stats: { ...STATS, max: 22 } }), [
    "temperature_stats",
  ]);
  assert.deepEqual(unexplained({ ...GO, pressure: 1 }, NEW), ["pressure"]);
  assert.deepEqual(unexplained({ ...GO, temperature_stats: { ...STATS, min: 22 } }, NEW), [
    "temperature_stats",
  ]);
});

Deno.test("a reading without a time has each engine's own", () => {
  const at = "2026-01-01T00:00:03.456Z";
  const now = { ...NEW, timestamp: at, processed_at: at };
  assert.deepEqual(unexplained({ ...GO, timestamp: GO.processed_at }, now), []);
  assert.deepEqual(unexplained({ ...GO, timestamp: "2025-12-31T23:00:00Z" }, now), ["timestamp"]);
});

Deno.test("the rules that go by values", () => {
  const hot = { anomaly_score: 2, is_anomaly: true };
  const score = { anomaly_score: 2 };
  // Only the tenants that were built in, and only where the scores agree.
  assert.deepEqual(
    unexplained({ ...GO, ...score, tenant_id: "tenant1" }, {
      ...NEW,
      ...hot,
      tenant_id: "tenant1",
    }),
    [],
  );
  assert.deepEqual(unexplained({ ...GO, ...score }, { ...NEW, ...hot }), ["is_anomaly"]);
  // Absent as 0, which is out of range: the early engine.
  const { humidity: _, ...dry } = NEW;
  assert.deepEqual(unexplained({ ...GO, humidity: 0, anomaly_score: 1 }, dry), []);
  assert.deepEqual(unexplained({ ...GO, humidity: 0, anomaly_score: 2 }, dry), ["anomaly_score"]);
  // All-time bounds, an average over one value more.
  const wide = { avg: 21.5, min: 10, max: 30 };
  assert.deepEqual(unexplained({ ...GO, temperature_stats: wide }, NEW), []);
  const zone = "2026-01-01T02:00:00.25+02:00";
  assert.deepEqual(
    unexplained({ ...GO, timestamp: "2026-01-01T02:00:00+02:00" }, { ...NEW, timestamp: zone }),
    [],
  );
  assert.deepEqual(found({ ...NEW, temperature: 21.0001 }, NEW, 1e-4), []);
  assert.deepEqual(found({ ...NEW, temperature: 21.01 }, NEW, 1e-4), ["temperature: ?"]);
  const infinite = readResult(
    JSON.stringify(PYTHON).replace('"temperature":21', '"temperature":Infinity'),
  );
  assert.ok(typeof infinite !== "string");
  const [first] = differences(infinite, result(NEW), { tolerance: 1 });
  assert.equal(first.reason.name, "temperature differs");
});

Deno.test("Python's numbers that are no JSON are read, text is left as it is", () => {
  const text = '{"device_id": "NaN \\" Infinity", "temperature": NaN, "humidity": -Infinity}';
  assert.deepEqual(result(JSON.parse('{"device_id":"a"}')).fields, { device_id: "a" });
  const read = readResult(text);
  assert.ok(typeof read !== "string");
  assert.deepEqual(read.fields, {
    device_id: 'NaN " Infinity',
    temperature: NaN,
    humidity: -Infinity,
  });
  assert.match(String(readResult("{NaN")), /^not JSON: /);
  assert.equal(readResult("[]"), "expected an object");
  assert.equal(readResult("{}"), "device_id: required");
});
