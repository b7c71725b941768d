import assert from "node:assert/strict";
import fc from "fast-check";
import { GlobalTotals, MAX_GLOBAL_METRICS } from "../../src/core/totals.ts";
import { newEngine, runBatch } from "./engine_rig.ts";
import { readingsOf } from "./readings.ts";

Deno.test("totals go on from their state", () => {
  const readings = fc.array(readingsOf(), { maxLength: 20, size: "max" });
  fc.assert(
    fc.property(readings, readings, (before, after) => {
      const stayed = newEngine();
      runBatch(stayed, { readings: before });
      const came = newEngine();
      came.restore(stayed.totals.toState(5));
      assert.equal(came.totals.savedId, 5);
      for (const engine of [stayed, came]) {
        runBatch(engine, { readings: after, offset: 50, firstId: 6 });
      }
      assert.deepEqual(came.totals.toState(9), stayed.totals.toState(9));
    }),
    { numRuns: 100 },
  );
});

Deno.test("the order of the readings leaves no mark but the names' order", () => {
  const readings = fc.array(readingsOf(), { minLength: 2, maxLength: 20, size: "max" });
  fc.assert(
    fc.property(readings, fc.infiniteStream(fc.nat()), (list, places) => {
      const order = list.map((reading) => ({ reading, place: places.next().value as number }));
      const shuffled = order.sort((a, b) => a.place - b.place).map(({ reading }) => reading);
      const [one, other] = [list, shuffled].map((readings) => {
        const engine = newEngine();
        runBatch(engine, { readings });
        const { metrics, ...state } = engine.totals.toState(1);
        return { ...state, metrics: new Map(metrics.map(({ name, series }) => [name, series])) };
      });
      assert.deepEqual(other, one);
    }),
    { numRuns: 100 },
  );
});

Deno.test("names that the store doesn't know are told", () => {
  const engine = newEngine();
  const batch = (metrics: string) =>
    runBatch(engine, { readings: [`{"device_id":"d","metrics":{${metrics}}}`] }).totals;
  assert.equal(batch(""), undefined);
  assert.deepEqual(batch('"a":1')!.metrics.map(({ name }) => name), ["a"]);
  assert.equal(batch('"a":2'), undefined);
  assert.deepEqual(batch('"b":1,"a":3')!.metrics.map(({ name }) => name), ["a", "b"]);
  const back = newEngine();
  back.restore(engine.totals.toState(1));
  assert.equal(back.totals.hasNewNames, false);
});

Deno.test("names beyond the bound are kept by their devices alone", () => {
  const engine = newEngine();
  const readings = Array.from(
    { length: 1200 },
    (_, i) => `{"device_id":"d${i}","metrics":{"m${i}":${i},"shared":1}}`,
  );
  runBatch(engine, { readings });
  assert.equal(engine.totals.metrics.size, MAX_GLOBAL_METRICS);
  assert.equal(engine.totals.metrics.get("shared")!.count, 1200);
  assert.equal(engine.totals.metrics.get("m998")!.count, 1);
  assert.equal(engine.totals.metrics.has("m999"), false);
  assert.equal(engine.fleet.inMemory("default", "d1199")!.metric("m1199").count, 1);
});

Deno.test("nothing seen: empty statistics, no time", () => {
  const state = new GlobalTotals().toState(0);
  assert.deepEqual([state.temperature.count, state.lastProcessed, state.metrics], [0, 0, []]);
});
