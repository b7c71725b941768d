import assert from "node:assert/strict";
import {
  type DeviceStatistics,
  type DeviceWindow,
  readStatistics,
} from "../../src/migration/engine_statistics.ts";
import {
  deviceDifferences,
  totalsDifferences,
} from "../../src/migration/statistics_differences.ts";

const AT = "2026-01-01T00:00:00";

function windowOf(readings: number[] | null): DeviceWindow {
  if (readings === null || readings.length === 0) {
    return { readings: [], avg: null, min: null, max: null };
  }
  const avg = readings.reduce((sum, it) => sum + it, 0) / readings.length;
  return { readings, avg, min: Math.min(...readings), max: Math.max(...readings) };
}

function device(readings: number[], fields: Record<string, unknown> = {}): DeviceStatistics {
  const humidity = windowOf(null);
  return { temperature: windowOf(readings), humidity, last_seen: `${AT}Z`, ...fields };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** `field: reason`; an unexplained one has a `?`. */
function found(old: DeviceStatistics, now: DeviceStatistics): string[] {
  return deviceDifferences(old, now, { tolerance: 1e-9 }).map(({ field, reason }) =>
    `${field}: ${reason.kind === "unexplained" ? "?" : reason.name.slice(0, 20)}`
  );
}

Deno.test("one device of both engines", () => {
  const same = device([1, 2, 3]);
  assert.deepEqual(found(same, same), []);
  const empty = { readings: [], avg: 0, min: 0, max: 0 };
  assert.deepEqual(found(device([1], { humidity: empty }), device([1])), [
    "humidity.avg: min 999999, Infinity",
    "humidity.min: min 999999, Infinity",
    "humidity.max: min 999999, Infinity",
  ]);
  assert.deepEqual(found(device([1, 2, 4]), same), ["temperature.readings: ?"]);
  assert.deepEqual(found(device([2, 3]), same), ["temperature.readings: statistics gone afte"]);
  assert.deepEqual(found(same, device([2, 3])), ["temperature.readings: ?"]);
  const full = device(numbers(0, 100));
  assert.deepEqual(found(full, device(numbers(50, 100))), [
    "temperature.readings: CONSUMER_GROUP, MAX_",
  ]);
  assert.deepEqual(found(device(numbers(100, 200)), device(numbers(0, 200))), [
    "temperature.readings: CONSUMER_GROUP, MAX_",
  ]);
  const wide = { ...full.temperature, min: -5, avg: 49 };
  assert.deepEqual(found({ ...full, temperature: wide }, full), [
    "temperature.avg: statistics in the ou",
    "temperature.min: statistics in the ou",
  ]);
  const narrow = { ...full.temperature, max: 98 };
  assert.deepEqual(found({ ...full, temperature: narrow }, full), ["temperature.max: ?"]);
  assert.deepEqual(found({ ...same, temperature: { ...same.temperature, min: 0 } }, same), [
    "temperature.min: ?",
  ]);
  const seen = (last_seen: string) => device([1], { last_seen });
  assert.deepEqual(found(seen(`${AT}.75`), seen(`${AT}.5Z`)), []);
  assert.deepEqual(found(seen("2025-12-31T00:00:00Z"), seen(`${AT}Z`)), [
    "last_seen: 12: last_seen goes b",
  ]);
  assert.deepEqual(found(seen(`${AT}Z`), seen("2025-12-31T00:00:00Z")), ["last_seen: ?"]);
});

Deno.test("the sums over all devices", () => {
  const none = { count: 0, sum: 0, min: null, max: null, avg: null };
  const some = { count: 2, sum: 3, min: 1, max: 2, avg: 1.5 };
  const both = (of: unknown) => ({ temperature: of, humidity: none }) as never;
  const names = (old: unknown, now: unknown) =>
    totalsDifferences(both(old), both(now)).map(({ field, reason }) => `${field} ${reason.kind}`);
  assert.deepEqual(names(some, some), []);
  assert.deepEqual(names({ ...some, sum: 3.0000001 }, some), []);
  assert.deepEqual(names({ ...some, sum: 3.1 }, some), ["temperature.sum unexplained"]);
  assert.deepEqual(names({ ...some, count: 1 }, some), ["temperature.count on purpose"]);
  assert.deepEqual(names({ ...some, count: 3 }, some), ["temperature.count unexplained"]);
  assert.deepEqual(names({ ...none, min: Infinity, max: -Infinity, avg: 0 }, none), [
    "temperature.min on purpose",
    "temperature.max on purpose",
    "temperature.avg on purpose",
  ]);
});

Deno.test("what the old engines answer instead of statistics is named", () => {
  const read = (text: string, status = 200, side: "old" | "new" = "old") => {
    const found = readStatistics({ status, text }, { side });
    return "reason" in found ? found.reason.name : "read";
  };
  assert.match(read(""), /^6, 7: /);
  assert.match(read("# HELP python_gc_objects\n"), /^L5: /);
  assert.match(read("<!DOCTYPE HTML>", 500), /^19: /);
  assert.equal(read('{"data":{"temperature":{"min":Infinity}},"status":"ok"}'), "read");
  assert.equal(read("404 page not found", 404), "the old engine's statistics can't be read");
  assert.equal(read("<html>"), "the old engine's statistics can't be read");
  for (const text of ["", "[]", '{"data":{"x":NaN}}']) {
    assert.equal(read(text, 200, "new"), "the new engine's statistics can't be read", text);
  }
  assert.equal(read('{"status":"ok","data":{}}', 200, "new"), "read");
});
