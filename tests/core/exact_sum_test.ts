import assert from "node:assert/strict";
import fc from "fast-check";
import { ExactSum } from "../../src/core/exact_sum.ts";
import { toTenThousandths } from "../../src/core/number.ts";
import {
  anyValue,
  decimals,
  distance,
  doubleUnits,
  fullPrecision,
  isNearest,
  isWithinOneUlp,
  listOf,
  totalUnits,
} from "./exact_twin.ts";

const EMPTY = new ExactSum().toBytes();

function sumOf(values: readonly number[]): ExactSum {
  const sum = new ExactSum();
  for (const x of values) sum.add(x);
  return sum;
}

/** The contents, read out of the bytes. */
function unitsIn(sum: ExactSum): bigint {
  const bytes = sum.toBytes();
  const view = new DataView(bytes.buffer);
  const hi = BigInt(view.getFloat64(1, true));
  const lo = BigInt(view.getFloat64(9, true));
  let units = ((hi << 53n) + lo) << 1074n;
  for (let at = 17, i = 0; at < bytes.length; at += 8, i++) {
    const part = doubleUnits(view.getFloat64(at, true));
    units += i < bytes[0] ? part : part << 100n;
  }
  return units;
}

Deno.test("a sum holds exactly what was added, and every order ends in the same bytes and answers", () => {
  fc.assert(
    fc.property(
      listOf(anyValue, { maxLength: 40 }).chain((values) =>
        fc.tuple(fc.constant(values), fc.shuffledSubarray(values, { minLength: values.length }))
      ),
      fc.integer({ min: 1, max: 200 }),
      ([values, shuffled], count) => {
        const sum = sumOf(values);
        const other = sumOf(shuffled);
        assert.equal(unitsIn(sum), totalUnits(values));
        assert.deepEqual(sum.toBytes(), other.toBytes());
        assert.equal(sum.value, other.value);
        assert.equal(sum.mean(count), other.mean(count));
      },
    ),
    { numRuns: 8000 },
  );
});

Deno.test("reading a sum changes nothing in it", () => {
  fc.assert(
    fc.property(listOf(anyValue, { maxLength: 20 }), (values) => {
      const read = new ExactSum();
      for (const x of values) {
        read.add(x);
        void read.value;
        void read.mean(7);
        read.toBytes();
      }
      assert.deepEqual(read.toBytes(), sumOf(values).toBytes());
      assert.equal(read.value, sumOf(values).value);
    }),
    { numRuns: 4000 },
  );
});

Deno.test("what was added and subtracted again leaves no trace", () => {
  fc.assert(
    fc.property(
      listOf(anyValue, { maxLength: 30 }),
      listOf(anyValue, { maxLength: 30 }),
      fc.integer({ min: 0, max: 2 ** 32 }),
      (kept, gone, salt) => {
        const sum = new ExactSum();
        for (let i = 0; i < Math.max(kept.length, gone.length); i++) {
          if (i < gone.length) sum.add(gone[i]);
          if (i < kept.length) sum.add(kept[i]);
        }
        for (let i = 0; i < gone.length; i++) sum.subtract(gone[(i + salt) % gone.length]);
        assert.deepEqual(sum.toBytes(), sumOf(kept).toBytes());
        assert.equal(sum.value, sumOf(kept).value);
        for (const x of kept) sum.subtract(x);
        assert.deepEqual(sum.toBytes(), EMPTY);
        assert.equal(sum.value, 0);
      },
    ),
    { numRuns: 5000 },
  );
});

Deno.test("value and mean are the nearest doubles: decimals, and other doubles by themselves", () => {
  const others = anyValue.filter((x) => Number.isNaN(toTenThousandths(x)));
  fc.assert(
    fc.property(
      fc.oneof(
        listOf(decimals, { minLength: 1, maxLength: 40 }),
        listOf(others, { minLength: 1, maxLength: 40 }),
      ),
      (values) => {
        const sum = sumOf(values);
        const units = totalUnits(values);
        const count = values.length;
        assert.ok(isNearest(sum.value, { units, count: 1 }), `sum ${sum.value}`);
        const mean = sum.mean(count);
        const exact = values.every((x) => !Number.isNaN(toTenThousandths(x)));
        const near = exact ? isNearest : isWithinOneUlp;
        assert.ok(near(mean, { units, count }), `mean ${mean}`);
      },
    ),
    { numRuns: 6000 },
  );
});

Deno.test("decimals mixed with other doubles: within an ulp, or 2^-100 of the decimals where these cancel", () => {
  fc.assert(
    fc.property(
      listOf(fc.oneof(decimals, anyValue), { minLength: 1, maxLength: 40 }),
      (values) => {
        const units = totalUnits(values);
        const decimalUnits = totalUnits(values.filter((x) => !Number.isNaN(toTenThousandths(x))));
        const slack = (decimalUnits < 0n ? -decimalUnits : decimalUnits) >> 100n;
        for (const count of [1, values.length]) {
          const answer = sumOf(values).mean(count);
          const exact = { units, count };
          assert.ok(
            isWithinOneUlp(answer, exact) || distance(answer, exact) <= slack,
            `over ${count}: ${answer}`,
          );
        }
      },
    ),
    { numRuns: 6000 },
  );
});

Deno.test("a mean lies between the smallest and the largest value", () => {
  fc.assert(
    fc.property(listOf(fullPrecision, { minLength: 1, maxLength: 20 }), (values) => {
      const mean = sumOf(values).mean(values.length);
      assert.ok(mean >= Math.min(...values) && mean <= Math.max(...values), `${mean}`);
    }),
    { numRuns: 5000 },
  );
  fc.assert(
    fc.property(anyValue, fc.integer({ min: 1, max: 300 }), (x, count) => {
      const sum = new ExactSum();
      for (let i = 0; i < count; i++) sum.add(x);
      assert.equal(sum.mean(count), x);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("a sum beyond the largest double is clamped only when it is shown", () => {
  const sum = sumOf([1e308, 1e308]);
  assert.equal(sum.value, Number.MAX_VALUE);
  assert.equal(sum.mean(2), 1e308);
  sum.subtract(1e308);
  assert.equal(sum.value, 1e308);
  sum.subtract(1e308);
  assert.equal(sum.value, 0);
  assert.deepEqual(sum.toBytes(), EMPTY);
  assert.equal(sumOf([-1e308, -1e308, -1]).value, -Number.MAX_VALUE);
  assert.equal(sumOf([1e16, 0.3, -1e16]).value, 0.3);
  assert.equal(sumOf([2 ** 970, -(2 ** 969), 5e-324, -(2 ** 969)]).value, 5e-324);
});

Deno.test("integers never lose a bit: sums far beyond 2^53 ten-thousandths", () => {
  fc.assert(
    fc.property(
      listOf(fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 2 ** 53 }),
      (scaled, count) => {
        const sum = new ExactSum();
        let units = 0n;
        for (const q of scaled) {
          sum.addScaled(q);
          units += BigInt(q) << 1074n;
          assert.equal(unitsIn(sum), units);
        }
        assert.ok(isNearest(sum.value, { units, count: 1 }));
        assert.ok(isNearest(sum.mean(count), { units, count }));
        for (const q of scaled) sum.subtractScaled(q);
        assert.deepEqual(sum.toBytes(), EMPTY);
      },
    ),
    { numRuns: 3000 },
  );
  const sum = new ExactSum();
  for (let i = 0; i < 4_500_000; i++) sum.addScaled(2 ** 31 - 1);
  assert.equal(unitsIn(sum), (4_500_000n * (2n ** 31n - 1n)) << 1074n);
});

Deno.test("one integer is one pair of limbs, at the limbs' edges too", () => {
  for (const sign of [1, -1]) {
    for (const off of [-1, 0, 1]) {
      const [up, down] = [new ExactSum(), new ExactSum()];
      up.addScaled(sign * (2 ** 52 - 2));
      up.addScaled(sign * 2 + off);
      down.addScaled(sign * (2 ** 52 - 2));
      down.addScaled(sign * 1000);
      down.addScaled(sign * -998 + off);
      assert.deepEqual(up.toBytes(), down.toBytes());
    }
  }
});

Deno.test("counts from 2^26 on are divided by without a second rounding", () => {
  fc.assert(
    fc.property(
      listOf(fc.oneof(fullPrecision, decimals), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 2 ** 26, max: 2 ** 53 }),
      (values, count) => {
        const mean = sumOf(values).mean(count);
        assert.ok(isNearest(mean, { units: totalUnits(values), count }), `${mean}`);
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("half-way between two doubles the even one is taken", () => {
  for (const scale of [1, 2 ** 970]) {
    const [one, half] = [scale * (1 + 2 ** -52), scale * 2 ** -53];
    const zero = scale === 1 ? scale + 2 ** -20 : scale;
    assert.equal(sumOf([zero, half]).value, zero);
    assert.equal(sumOf([one, half]).value, scale * (1 + 2 ** -51));
    assert.equal(sumOf([-one, -half]).value, -scale * (1 + 2 ** -51));
    assert.equal(sumOf([zero, half, 5e-324]).value, zero + scale * 2 ** -52);
    assert.equal(sumOf([one, half, -5e-324]).value, one);
  }
});

Deno.test("a sum goes on from its bytes as if nothing had been", () => {
  fc.assert(
    fc.property(
      listOf(anyValue, { maxLength: 20 }),
      listOf(anyValue, { maxLength: 20 }),
      (before, after) => {
        const sum = sumOf(before);
        // As a blob of a larger buffer, too: bytes needn't begin where a buffer does.
        const blob = new Uint8Array([1, 2, 3, ...sum.toBytes(), 4]).subarray(3, -1);
        const restored = ExactSum.fromBytes(blob);
        assert.deepEqual(restored.toBytes(), sum.toBytes());
        for (const x of after) {
          sum.add(x);
          restored.add(x);
          assert.equal(restored.value, sum.value);
        }
        assert.deepEqual(restored.toBytes(), sum.toBytes());
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("bytes that are no sum are refused", () => {
  const bytes = sumOf([1 / 3, 1e308]).toBytes();
  const wrong = [new Uint8Array(0), bytes.subarray(0, 16), bytes.subarray(0, bytes.length - 1)];
  wrong.push(new Uint8Array([9, ...bytes.subarray(1)]));
  for (const at of [1, 9, 17, 25]) {
    const broken = bytes.slice();
    new DataView(broken.buffer).setFloat64(at, NaN, true);
    wrong.push(broken);
  }
  const tooLarge = bytes.slice();
  new DataView(tooLarge.buffer).setFloat64(9, 2 ** 52, true);
  wrong.push(tooLarge);
  for (const each of wrong) assert.throws(() => ExactSum.fromBytes(each), RangeError);
});

Deno.test("a cleared sum is a new one", () => {
  const sum = sumOf([1 / 3, 1e308, 21.5]);
  sum.addScaled(2 ** 52 - 1);
  sum.addScaled(2 ** 52 - 1);
  sum.clear();
  assert.deepEqual(sum.toBytes(), EMPTY);
});
