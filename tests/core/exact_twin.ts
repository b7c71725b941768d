/** Sums by rational arithmetic: slow, and too plain to be wrong in the same way. */
import fc from "fast-check";
import { toTenThousandths } from "../../src/core/number.ts";

/**
 * What a value counts for: the decimal that it is nearest to, if there is one, or just itself. In
 * units of 2^-1074 / 10^4: every double is an integer of 2^-1074, a ten-thousandth holds decimals too.
 */
export function exactUnits(x: number): bigint {
  const q = toTenThousandths(x);
  return Number.isNaN(q) ? doubleUnits(x) : BigInt(q) << 1074n;
}

export function doubleUnits(x: number): bigint {
  let shift = 1074n;
  while (!Number.isInteger(x)) {
    x *= 2;
    shift--;
  }
  return (BigInt(x) << shift) * 10000n;
}

export function totalUnits(values: readonly number[]): bigint {
  return values.reduce((total, x) => total + exactUnits(x), 0n);
}

/** Whether `x` is the double nearest to units / count, ties to even, or the largest double where none is. */
export function isNearest(x: number, { units, count }: { units: bigint; count: number }): boolean {
  const off = distance(x, { units, count });
  if (Math.abs(x) === Number.MAX_VALUE && (units > 0n) === (x > 0)) {
    if (abs(units) >= abs(doubleUnits(x)) * BigInt(count)) return true;
  }
  return [neighbour(x, 1n), neighbour(x, -1n)].every((other) => {
    if (!Number.isFinite(other)) return true;
    const further = distance(other, { units, count });
    return off < further || (off === further && isEven(x));
  });
}

/** Whether `x` or one of its neighbours is that. */
export function isWithinOneUlp(x: number, { units, count }: { units: bigint; count: number }) {
  const exact = { units, count };
  return isNearest(x, exact) || isNearest(neighbour(x, 1n), exact) ||
    isNearest(neighbour(x, -1n), exact);
}

/** |x - units / count| in units, times count. */
export function distance(x: number, { units, count }: { units: bigint; count: number }): bigint {
  return abs(doubleUnits(x) * BigInt(count) - units);
}

function abs(n: bigint): bigint {
  return n < 0n ? -n : n;
}

const pattern = new BigInt64Array(1);
const double = new Float64Array(pattern.buffer);

function neighbour(x: number, away: 1n | -1n): number {
  if (x === 0) return away > 0n ? Number.MIN_VALUE : -Number.MIN_VALUE;
  double[0] = x;
  pattern[0] += away;
  return double[0];
}

function isEven(x: number): boolean {
  double[0] = x;
  return (pattern[0] & 1n) === 0n;
}

/** -0 never reaches the core's sums. */
function withoutMinusZero(x: number): number {
  return x === 0 ? 0 : x;
}

export const decimals = fc.oneof(
  fc.integer({ min: -6000, max: 6000 }).map((n) => n / 100),
  fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }).map((n) => n / 10000),
  fc.integer({ min: -40, max: 40 }),
);

export const fullPrecision = fc.double({ min: 15, max: 45, noNaN: true });

const extremes = fc.constantFrom(
  1e308,
  -1e308,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  2 ** 970,
  -(2 ** 970),
  2 ** 970 - 2 ** 917,
  -(2 ** 969),
  2 ** 1023,
  2 ** 918,
  1e16,
  -1e16,
  2 ** 53,
  1e22,
  5e-324,
  -5e-324,
  2 ** -1022,
  0.1,
  -0.1,
  0.1 + 2 ** -56,
  1 + 2 ** -52,
  2 ** -53,
  -(2 ** -53),
  2 ** -106,
  0,
);

/** Doubles that lie so that sums are often half-way between two doubles. */
const halfWays = fc.tuple(fc.integer({ min: -120, max: 120 }), fc.constantFrom(1, -1, 3, -3)).map((
  [power, factor],
) => factor * 2 ** power);

const anyDouble = fc.double({ noNaN: true, noDefaultInfinity: true }).map(withoutMinusZero);

export const anyValue = fc.oneof(decimals, fullPrecision, extremes, halfWays, anyDouble);

/** Lists of every length up to `maxLength`; by itself fast-check stays below a dozen. */
export function listOf<T>(
  values: fc.Arbitrary<T>,
  { minLength = 0, maxLength }: { minLength?: number; maxLength: number },
): fc.Arbitrary<T[]> {
  return fc.array(values, { minLength, maxLength, size: "max" });
}
