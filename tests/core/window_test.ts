import assert from "node:assert/strict";
import process from "node:process";
import fc from "fast-check";
import { Window } from "../../src/core/window.ts";
import { ExactSum } from "../../src/core/exact_sum.ts";
import { toTenThousandths } from "../../src/core/number.ts";
import { anyValue, decimals, fullPrecision, listOf } from "./exact_twin.ts";

/** The plain way: a list of the last values. */
class NaiveWindow {
  readonly capacity: number;
  readonly values: number[] = [];
  readonly times: number[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  push(x: number, time: number): void {
    this.values.push(x);
    this.times.push(time);
    if (this.values.length > this.capacity) {
      this.values.shift();
      this.times.shift();
    }
  }

  /** The sum's own tests say that a sum of these values alone is exact. */
  mean(): number {
    const sum = new ExactSum();
    for (const x of this.values) sum.add(x);
    return sum.mean(this.values.length);
  }
}

function assertSame(window: Window, naive: NaiveWindow): void {
  assert.equal(window.count, naive.values.length);
  assert.deepEqual(window.values(), naive.values);
  assert.deepEqual(window.times(), naive.times);
  assertSameStatistics(window, naive);
}

function assertSameStatistics(window: Window, naive: NaiveWindow): void {
  assert.equal(window.min, Math.min(...naive.values));
  assert.equal(window.max, Math.max(...naive.values));
  assert.equal(window.mean(), naive.mean());
}

const capacities = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 100, 257));
/** Runs of neighbours and repetitions, too: there extremes leave all the time. */
const slow = fc.integer({ min: -5, max: 5 }).map((n) => n / 10);
const rising = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 100, maxLength: 400 }).map((
  steps,
) => {
  let x = 0;
  return steps.map((step) => (x += step) / 100);
});
const streams = fc.oneof(
  listOf(decimals, { maxLength: 400 }),
  listOf(slow, { maxLength: 400 }),
  rising,
  rising.map((values) => values.toReversed()),
  listOf(fullPrecision, { maxLength: 300 }),
  listOf(anyValue, { maxLength: 300 }),
);

Deno.test("a window is the last values and their exact statistics, whenever it is read", () => {
  fc.assert(
    fc.property(capacities, streams, fc.integer({ min: 1, max: 60 }), (capacity, values, pause) => {
      const window = new Window(capacity);
      const naive = new NaiveWindow(capacity);
      values.forEach((x, i) => {
        window.push(x, 1.7e12 + i);
        naive.push(x, 1.7e12 + i);
        if (i % pause === 0) assertSameStatistics(window, naive);
      });
      if (values.length > 0) assertSame(window, naive);
    }),
    { numRuns: 1500 },
  );
});

Deno.test("two million values of every kind through windows of many sizes", () => {
  let seed = 5;
  const random = () => (seed = Math.imul(seed, 1664525) + 1013904223 | 0) / 2 ** 32 + 0.5;
  const kinds: ((i: number) => number)[] = [
    () => Math.round(random() * 6000 - 1000) / 100,
    (i) => i / 100,
    (i) => -i / 100,
    (i) => Math.round(2000 + 500 * Math.sin(i / 300)) / 100,
    () => Math.round(random() * 3),
    () => (random() < 0.01 ? 1e16 : Math.round(random() * 1000) / 100),
    () => random() * 40,
  ];
  for (const capacity of [1, 2, 3, 15, 16, 17, 100, 1000]) {
    for (const kind of kinds) {
      const window = new Window(capacity);
      const all: number[] = [];
      for (let i = 0; i < 36_000; i++) {
        const x = kind(i);
        all.push(x);
        window.push(x, i);
        const look = random();
        // Mostly every value is read, as results are; at times none for long.
        if (i % 6000 < 5000 ? look < 50 / capacity : look < 0.0005) {
          let min = Infinity;
          let max = -Infinity;
          let scaled = 0;
          const from = Math.max(0, all.length - capacity);
          for (let k = from; k < all.length; k++) {
            if (all[k] < min) min = all[k];
            if (all[k] > max) max = all[k];
            scaled += toTenThousandths(all[k]);
          }
          if (window.min !== min || window.max !== max) {
            assert.deepEqual([window.min, window.max], [min, max], `${capacity}, ${kind}, ${i}`);
          }
          if (!Number.isNaN(scaled)) {
            assert.equal(window.mean(), scaled / ((all.length - from) * 1e4));
          }
        }
      }
      assert.deepEqual(window.values(), all.slice(-capacity));
    }
  }
});

Deno.test("a spike that has left leaves no trace in the mean", () => {
  const window = new Window(3);
  for (const x of [1e16, 21.1, 21.2, 21.3]) window.push(x, 0);
  assert.equal(window.mean(), 21.2);
  for (const x of [1e308, 1e308]) window.push(x, 0);
  window.push(1e308, 0);
  assert.equal(window.mean(), 1e308);
  for (const x of [5e-324, 5e-324, 5e-324]) window.push(x, 0);
  assert.equal(window.mean(), 5e-324);
});

Deno.test("an empty window has no statistics", () => {
  const window = new Window(5);
  assert.equal(window.count, 0);
  assert.deepEqual([window.mean(), window.min, window.max], [NaN, NaN, NaN]);
  assert.deepEqual([window.values(), window.times(), window.toBytes().length], [[], [], 0]);
  assert.equal(Window.fromBytes(new Uint8Array(0), 5).count, 0);
});

Deno.test("a window goes on from its bytes as if nothing had been, smaller or larger", () => {
  fc.assert(
    fc.property(capacities, capacities, streams, streams, (before, after, first, second) => {
      const window = new Window(before);
      for (const [i, x] of first.entries()) window.push(x, i / 4);
      const blob = new Uint8Array([9, ...window.toBytes(), 9]).subarray(1, -1);
      const same = Window.fromBytes(blob, before);
      const other = Window.fromBytes(blob, after);
      const naive = new NaiveWindow(after);
      const values = window.values();
      const times = window.times();
      for (const [i, x] of values.entries()) naive.push(x, times[i]);
      if (values.length > 0) {
        assertSame(same, Object.assign(new NaiveWindow(before), { values, times }));
        assertSame(other, naive);
      }
      for (const [i, x] of second.entries()) {
        for (const each of [window, same, other, naive]) each.push(x, 1000 + i);
        if (i % 16 === 0) {
          assert.deepEqual([same.min, same.max, same.mean()], [
            window.min,
            window.max,
            window.mean(),
          ]);
        }
      }
      assert.deepEqual(same.toBytes(), window.toBytes());
      if (second.length > 0) assertSame(other, naive);
    }),
    { numRuns: 600 },
  );
});

Deno.test("bytes that are no window, and capacities that are none, are refused", () => {
  const window = new Window(2);
  window.push(1, 2);
  const bytes = window.toBytes();
  assert.throws(() => Window.fromBytes(bytes.subarray(1), 2), RangeError);
  for (const at of [0, 8]) {
    const broken = bytes.slice();
    new DataView(broken.buffer).setFloat64(at, Infinity, true);
    assert.throws(() => Window.fromBytes(broken, 2), /value 0 is/);
  }
  for (const capacity of [0, -1, 1.5, NaN, 100_001]) {
    assert.throws(() => new Window(capacity), RangeError);
  }
});

Deno.test("a rising value in a window of 100,000 costs no walk over the window a reading", () => {
  const window = new Window(100_000);
  const before = process.cpuUsage();
  for (let i = 0; i < 200_000; i++) {
    window.push(i / 100, i);
    assert.equal(window.min, Math.max(0, i - 99_999) / 100);
  }
  // A walk takes 30 us and more, 100,000 of them 3 s and more; blocks take less than 1 us.
  const { user } = process.cpuUsage(before);
  assert.ok(user < 2e6, `${user} us`);
});
