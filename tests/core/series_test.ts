import assert from "node:assert/strict";
import fc from "fast-check";
import { ExactSum } from "../../src/core/exact_sum.ts";
import { toTenThousandths } from "../../src/core/number.ts";
import { Series, type SeriesState, Totals } from "../../src/core/series.ts";
import { anyValue, decimals, fullPrecision, listOf } from "./exact_twin.ts";

const streams = fc.oneof(
  listOf(decimals, { maxLength: 150 }),
  listOf(fullPrecision, { maxLength: 150 }),
  listOf(anyValue, { maxLength: 150 }),
);

function naiveView(values: readonly number[]) {
  const sum = new ExactSum();
  for (const x of values) sum.add(x);
  return {
    count: values.length,
    sum: sum.value,
    min: values.length === 0 ? null : Math.min(...values),
    max: values.length === 0 ? null : Math.max(...values),
    avg: values.length === 0 ? null : sum.mean(values.length),
  };
}

/** As SQLite gives it back: null stays null, blobs are copies. */
function stored(state: SeriesState): SeriesState {
  return { ...state, exact: state.exact.slice(), window: state.window.slice() };
}

Deno.test("a series keeps the statistics of all values, and the window of the last", () => {
  fc.assert(
    fc.property(streams, fc.integer({ min: 1, max: 120 }), (values, capacity) => {
      const series = new Series(capacity);
      const totals = new Totals();
      for (const [i, x] of values.entries()) {
        const q = series.push(x, i);
        assert.ok(Object.is(q, toTenThousandths(x)));
        totals.pushScaled(x, q);
      }
      assert.equal(series.count, values.length);
      assert.deepEqual(series.view, naiveView(values));
      assert.deepEqual(totals.view, naiveView(values));
      assert.deepEqual(series.window.values(), values.slice(-capacity));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("totals don't depend on the order of the values", () => {
  fc.assert(
    fc.property(
      streams.chain((values) =>
        fc.tuple(fc.constant(values), fc.shuffledSubarray(values, { minLength: values.length }))
      ),
      ([values, shuffled]) => {
        const [one, other] = [new Totals(), new Totals()];
        for (const x of values) one.push(x);
        for (const x of shuffled) other.push(x);
        assert.deepEqual(one.toState(), other.toState());
      },
    ),
    { numRuns: 1000 },
  );
});

Deno.test("a series and totals go on from their state as if nothing had been", () => {
  fc.assert(
    fc.property(streams, streams, fc.integer({ min: 1, max: 120 }), (before, after, capacity) => {
      const series = new Series(capacity);
      const totals = new Totals();
      for (const [i, x] of before.entries()) totals.pushScaled(x, series.push(x, i));
      assert.equal(totals.toState().window.length, 0);
      const sameSeries = Series.fromState(stored(series.toState()), capacity);
      const sameTotals = Totals.fromState(stored(totals.toState()));
      assert.deepEqual(sameSeries.view, series.view);
      for (const [i, x] of after.entries()) {
        series.push(x, i);
        sameSeries.push(x, i);
        totals.push(x);
        sameTotals.push(x);
      }
      assert.deepEqual(sameSeries.view, series.view);
      assert.deepEqual(sameSeries.toState(), series.toState());
      assert.deepEqual(sameSeries.window.mean(), series.window.mean());
      assert.deepEqual(sameTotals.toState(), totals.toState());
    }),
    { numRuns: 1000 },
  );
});

Deno.test("two readings of 1e308 are a clamped sum, and an average that is right", () => {
  const series = new Series(2);
  series.push(1e308, 0);
  series.push(1e308, 1);
  assert.deepEqual(series.view, {
    count: 2,
    sum: Number.MAX_VALUE,
    min: 1e308,
    max: 1e308,
    avg: 1e308,
  });
});

Deno.test("a state that is none is refused", () => {
  const series = new Series(2);
  series.push(1, 0);
  const state = series.toState();
  const wrong = [
    { ...state, count: -1 },
    { ...state, count: 1.5 },
    { ...state, min: null },
    { ...state, max: NaN },
    { ...state, count: 0 },
    { ...state, exact: new Uint8Array(3) },
    { ...state, window: new Uint8Array(3) },
  ];
  for (const each of wrong) assert.throws(() => Series.fromState(each, 2), RangeError);
});
