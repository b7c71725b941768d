import assert from "node:assert/strict";
import fc from "fast-check";
import { keyOf, newEngine, runBatch, TIME } from "./engine_rig.ts";
import { type DeviceState } from "../../src/core/device.ts";
import { type TenantSettings } from "../../src/core/tenant.ts";
import { type GlobalState } from "../../src/core/totals.ts";
import { readingsOf } from "./readings.ts";
import { isSampledPlainly, PARITY, PlainEngine, type PlainSettings } from "./result_twin.ts";

const few = fc.constantFrom("a", "b", "\ufeffc");

function verdict(
  fields: Record<string, unknown>,
  settings: PlainSettings = PARITY,
): { is_anomaly: boolean; anomaly_score: number; reasons?: unknown } {
  const engine = newEngine({ settings: () => settings });
  const text = JSON.stringify({ device_id: "d", ...fields });
  return JSON.parse(runBatch(engine, { readings: [text] }).values[0]);
}

Deno.test("the same readings, settings and times give the same results, rows and state", () => {
  fc.assert(
    fc.property(fc.array(readingsOf({ devices: few }), { maxLength: 40 }), (readings) => {
      const [one, other] = [0, 1].map(() => {
        const engine = newEngine({ settings: () => ({ ...PARITY, sampling: 0.6 }) });
        const outcome = runBatch(engine, { readings });
        return { outcome, totals: engine.totals.toState(3) };
      });
      assert.deepEqual(one, other);
    }),
    { numRuns: 60 },
  );
});

Deno.test("how readings are cut into batches changes nothing but their times", () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(
      fc.array(readingsOf({ devices: few, tenants: few }), { maxLength: 60 }),
      cuts,
      (readings, cuts) => {
        const settings = (tenant: string) => ({ ...PARITY, sampling: tenant === "a" ? 0.5 : 1 });
        const whole = newEngine({ settings });
        const all = runBatch(whole, { readings });
        const cut = newEngine({ settings });
        const values: string[] = [];
        let from = 0, firstId = 1;
        for (const size of cuts) {
          const part = readings.slice(from, from + size);
          const { values: some, rows } = runBatch(cut, { readings: part, offset: from, firstId });
          values.push(...some);
          from += size;
          firstId += rows.length;
        }
        assert.deepEqual(values, all.values.slice(0, values.length));
        if (from < readings.length) return;
        assert.deepEqual(cut.totals.toState(1), whole.totals.toState(1));
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("the built-in rule: a weight for each metric out of its range, an anomaly at 2", () => {
  const cases: [Record<string, unknown>, number][] = [
    [{ temperature: 20, humidity: 50 }, 0],
    [{ temperature: 10, humidity: 20 }, 0],
    [{ temperature: 30, humidity: 80 }, 0],
    [{ temperature: 30.000000000000004, humidity: 50 }, 1],
    [{ temperature: 9.999999999999998 }, 1],
    [{ humidity: 80.00000000000001 }, 1],
    [{ temperature: -40, humidity: 0 }, 2],
    [{ temperature: 0, humidity: 100 }, 2],
    [{}, 0],
    [{ temperature: null, humidity: null }, 0],
    [{ metrics: { co2: 1e9 } }, 0],
  ];
  for (const [fields, score] of cases) {
    const result = verdict(fields);
    assert.equal(result.anomaly_score, score, JSON.stringify(fields));
    assert.equal(result.is_anomaly, score >= 2);
    assert.equal("reasons" in result, score > 0);
  }
});

Deno.test("thresholds and weights of a tenant", () => {
  const detectors = [
    { type: "range" as const, metric: "co2", min: -Infinity, max: 1000, weight: 0.1 },
    { type: "range" as const, metric: "pm", min: 1, max: Infinity, weight: 0.2 },
  ];
  const both = { metrics: { co2: 1001, pm: 0.5 } };
  const result = verdict(both, { threshold: 0.3, sampling: 1, detectors });
  assert.equal(result.anomaly_score, 0.1 + 0.2);
  assert.equal(result.is_anomaly, true);
  assert.deepEqual(result.reasons, [
    { detector: "range", metric: "co2", score: 0.1, detail: "1001 is above 1000" },
    { detector: "range", metric: "pm", score: 0.2, detail: "0.5 is below 1" },
  ]);
  assert.equal(
    verdict(both, { threshold: 0.31, sampling: 1, detectors }).is_anomaly,
    false,
  );
  // The detectors given replace the built-in ones.
  const hot = verdict({ temperature: 99 }, { threshold: 0, sampling: 1, detectors });
  assert.deepEqual([hot.anomaly_score, hot.is_anomaly, hot.reasons], [0, true, undefined]);
  const none = verdict({ temperature: 99 }, { threshold: 1, sampling: 1, detectors: [] });
  assert.deepEqual([none.anomaly_score, none.is_anomaly], [0, false]);
});

Deno.test("exactly those are sampled that the plain hash says, the rest leaves no trace", () => {
  const settings = () => ({ ...PARITY, sampling: 0.5 });
  const readings = Array.from(
    { length: 4000 },
    (_, i) => `{"device_id":"d${i}","tenant_id":"tenant2","temperature":20,"metrics":{"m":1}}`,
  );
  const engine = newEngine({ settings });
  const { kinds, rows } = runBatch(engine, { readings });
  const taken = readings.map((_, i) => isSampledPlainly(0.5, ["tenant2", `d${i}`, `in-0-${i}`]));
  assert.deepEqual(kinds, taken.map((it) => it ? "result" : "sampled out"));
  const count = taken.filter((it) => it).length;
  assert.equal(count, 1981, "fixed for ever: replays and other versions decide the same");
  assert.equal(engine.tally.sampledOut, 4000 - count);
  assert.equal(engine.totals.temperature.count, count);
  assert.equal(rows.reduce((sum, row) => sum + row.count, 0), count);
  taken.forEach((it, i) => {
    const device = engine.fleet.inMemory("tenant2", `d${i}`);
    if (it) return;
    assert.equal(device?.dirtySince ?? 0, 0);
    assert.equal(device?.lastSeen ?? "", "");
    assert.equal(device?.temperature.count ?? 0, 0);
    assert.equal(device?.metrics ?? null, null);
  });
});

Deno.test("sampling 0 takes nothing: no row, no device to save", () => {
  const engine = newEngine({ settings: () => ({ ...PARITY, sampling: 0 }) });
  const { kinds, rows } = runBatch(engine, { readings: ['{"device_id":"d","temperature":1}'] });
  assert.deepEqual([kinds, rows, engine.newDevices()], [["sampled out"], [], []]);
  assert.equal(engine.checkpointId(0), 0);
  assert.equal(engine.dirty.oldest(), undefined);
});

Deno.test("a 33rd name of a device is refused whole, and known names go on", () => {
  const engine = newEngine();
  const some = (from: number, count: number, more = "") =>
    `{"device_id":"d","temperature":21,"timestamp":"2026-01-01T00:00:00Z","metrics":{` +
    Array.from({ length: count }, (_, i) => `"m${from + i}":${i}`).join(",") + more + "}}";
  runBatch(engine, { readings: [some(0, 20), some(20, 12)] });
  const device = engine.fleet.inMemory("default", "d")!;
  const before = { device: device.toState(1), totals: engine.totals.toState(1) };
  const later = (text: string) => text.replace("2026", "2027");
  const refused = [later(some(32, 1)), later(some(0, 31, ',"new":5')), later(some(40, 32))];
  const { kinds, reasons, rows } = runBatch(engine, { readings: refused, offset: 10, firstId: 3 });
  assert.deepEqual(kinds, ["rejected", "rejected", "rejected"]);
  assert.deepEqual(
    reasons,
    ["m32", "new", "m40"].map((name) =>
      `metrics: expected at most 32 names per device, got "${name}" as one more`
    ),
  );
  assert.deepEqual(rows, []);
  assert.equal(engine.tally.rejected, 3);
  assert.deepEqual({ device: device.toState(1), totals: engine.totals.toState(1) }, before);
  const { kinds: known } = runBatch(engine, { readings: [some(0, 32)], offset: 20, firstId: 3 });
  assert.deepEqual(known, ["result"]);
  // Another device has names of its own.
  const other = some(100, 32).replace('"d"', '"e"');
  assert.deepEqual(runBatch(engine, { readings: [other], offset: 30, firstId: 4 }).kinds, [
    "result",
  ]);
});

Deno.test("without any metric: a result, last_seen, no statistics; without a timestamp: now", () => {
  const engine = newEngine();
  const [value] = runBatch(engine, { readings: ['{"device_id":"d"}'] }).values;
  const now = new Date(TIME).toISOString();
  assert.equal(
    value,
    `{"device_id":"d","timestamp":"${now}","processed_at":"${now}","tenant_id":"default",` +
      '"is_anomaly":false,"anomaly_score":0,"temperature_stats":{"avg":0,"min":0,"max":0},' +
      '"humidity_stats":{"avg":0,"min":0,"max":0},"id":"in-0-0"}',
  );
  const device = engine.fleet.inMemory("default", "d")!;
  assert.deepEqual([device.lastSeen, device.lastSeenMs], [now, TIME]);
  assert.equal(engine.totals.lastProcessed, TIME);
  const time = TIME + 5;
  runBatch(engine, { readings: ['{"device_id":"d","temperature":5}'], time, firstId: 2 });
  assert.deepEqual(device.temperature.window.times(), [time]);
});

Deno.test("a batch's devices, verdicts and bounds are told to who asks", () => {
  const engine = newEngine();
  const readings = [
    '{"device_id":"a","temperature":99,"humidity":1}',
    "nonsense",
    '{"device_id":"b"}',
  ];
  engine.begin({ time: TIME, lanes: 4, firstId: 7 });
  runBatch(engine, { readings, firstId: 7 });
  assert.equal(engine.tally.judged, 2);
  assert.deepEqual([...engine.tally.codes.subarray(0, 2)], [1, 0]);
  assert.equal(engine.tally.rejected, 1);
  assert.match(engine.reason, /^not JSON/);
  // Both were new, so they were saved with the batch; the totals have no new names and weren't.
  assert.equal(engine.dirty.oldest(), undefined);
  assert.equal(engine.checkpointId(8), 6);
  engine.savedTotals(8);
  assert.equal(engine.checkpointId(8), 8);
});

Deno.test("what comes back by replay is what was there, in whatever order the lanes' rows stand", () => {
  const maxReadings = 3;
  fc.assert(
    fc.property(
      fc.array(fc.array(readingsOf({ devices: few, tenants: few }), { maxLength: 12 }), {
        maxLength: 5,
      }),
      fc.nat({ max: 4 }),
      (batches, lanes) => {
        const live = newEngine({ maxReadings });
        let saved: GlobalState | undefined;
        const rows = batches.flatMap((readings, i) => {
          const batch = { readings, lanes, firstId: 10 * i + 1, offset: 100 * i, time: TIME + i };
          const { rows, totals = saved } = runBatch(live, batch);
          saved = totals;
          return rows;
        });
        const back = newEngine({ maxReadings, settings: () => ({ ...PARITY, sampling: 0 }) });
        back.restore(saved);
        for (const row of rows) back.replay(row);
        assert.deepEqual(back.totals.toState(99), live.totals.toState(99));
        const twin = new PlainEngine({ maxReadings, settings: () => PARITY });
        batches.forEach((readings, i) =>
          readings.forEach((bytes, j) =>
            twin.apply(bytes, { id: `in-0-${100 * i + j}`, time: TIME + i })
          )
        );
        for (const [key, plain] of twin.devices) {
          const [tenant, device] = JSON.parse(key);
          const state = live.fleet.inMemory(tenant, device)!.toState(99);
          const found = back.fleet.inMemory(tenant, device)!;
          assert.deepEqual(found.toState(99), state);
          assert.equal(state.lastSeen, plain.lastSeen);
          const values = plain.metrics.get("temperature") ?? [];
          assert.deepEqual(found.temperature.window.values(), values.slice(-maxReadings));
          assert.equal(state.temperature.count, values.length);
        }
        assert.equal(back.fleet.size, twin.devices.size);
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("readings of a tenant that isn't admitted are rejected, and leave no trace", () => {
  const engine = newEngine({ settings: (tenant) => tenant === "known" ? PARITY : undefined });
  const readings = ['"known"', '"other"', "null", '"o\\"\\u0041"'].map((tenant) =>
    `{"device_id":"d","tenant_id":${tenant},"temperature":20}`
  );
  const { kinds, reasons } = runBatch(engine, { readings });
  assert.deepEqual(kinds, ["result", "rejected", "rejected", "rejected"]);
  assert.deepEqual(reasons, [
    'tenant_id: expected one of the tenants\' file, got "other"',
    'tenant_id: expected one of the tenants\' file, got "default"',
    'tenant_id: expected one of the tenants\' file, got "o\\"A"',
  ]);
  assert.equal(engine.fleet.size, 1);
  assert.equal(engine.totals.temperature.count, 1);
});

Deno.test("settings that change hold from the next batch on, for devices in memory, too", () => {
  const hot = { ...PARITY, threshold: 1 };
  let settings: Record<string, TenantSettings | undefined> = { a: PARITY, b: PARITY };
  const archive = new Map<string, DeviceState>();
  const engine = newEngine({ archive, settings: (tenant) => settings[tenant] });
  const readings = ["a", "b", "c"].map((tenant) =>
    `{"device_id":"d","tenant_id":"${tenant}","temperature":99}`
  );
  const verdicts = (offset: number) =>
    runBatch(engine, { readings, offset }).values.map((value) => JSON.parse(value).is_anomaly);
  assert.deepEqual(verdicts(0), [false, false], "c isn't known yet");
  settings = { a: hot, c: hot };
  engine.fleet.reconfigure();
  assert.deepEqual(verdicts(3), [true, true], "b is gone, c is known");
  settings = { a: { ...hot, maxReadings: 1 }, b: hot, c: hot };
  const a = engine.fleet.inMemory("a", "d")!;
  archive.set(keyOf("a", "d"), a.toState(1));
  engine.fleet.reconfigure();
  assert.equal(engine.fleet.inMemory("a", "d"), undefined, "comes back with the new length");
  assert.notEqual(engine.fleet.inMemory("c", "d"), undefined);
  assert.deepEqual(verdicts(6), [true, true, true]);
  const again = engine.fleet.inMemory("a", "d")!.temperature;
  assert.deepEqual([again.window.values(), again.count], [[99], 3]);
  assert.equal(engine.fleet.inMemory("b", "d")!.temperature.count, 2, "its state was kept");
});
