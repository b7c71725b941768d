/**
 * Exact numbers: a JSON number's own digits as a ratio of integers, so that what the engine computes
 * can be compared with the truth and not with another floating point sum.
 */

/** The value `digits / 10^scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** The exact value of a JSON number's text; what rounds to zero as a double counts as zero. */
export function parseDecimal(text: string): Decimal {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (parts === null) throw new TypeError(`reading a number: ${text} isn't one`);
  if (Number(text) === 0) return { digits: 0n, scale: 0 };
  const [, sign, whole, fraction = "", exponent = "0"] = parts;
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(sign + whole + fraction);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

/** `numerator / denominator` (above 0) as the nearest double, to the last bit but one; clamped to the largest. */
export function ratio(numerator: bigint, denominator: bigint): number {
  if (numerator === 0n) return 0;
  const negative = numerator < 0n;
  const size = negative ? -numerator : numerator;
  // 64 bits of quotient are more than a double holds, whatever the magnitudes.
  const shift = bits(denominator) - bits(size) + 64;
  const quotient = shift >= 0 ? (size << BigInt(shift)) / denominator : size /
    (denominator << BigInt(-shift));
  // In two steps: 2 ** -shift alone may be out of range where the product isn't.
  const half = Math.trunc(shift / 2);
  const value = Math.min(Number(quotient) * 2 ** -half * 2 ** (half - shift), Number.MAX_VALUE);
  return negative ? -value : value;
}

function bits(value: bigint): number {
  return value.toString(16).length * 4;
}

/**
 * Whether `got` is `expected`, given that it stands for the mean (or sum) of values whose mean (or sum)
 * of magnitudes is `magnitude`. Each value may have been rounded to a double (half an ulp), the sum and
 * the quotient once more: 2^-51 of the magnitude covers these, and nothing else; next to zero, where
 * doubles lie a fixed step apart, that step.
 */
export function isClose(got: unknown, expected: number, of: { magnitude: number }): boolean {
  return typeof got === "number" &&
    (got === expected || Math.abs(got - expected) <= of.magnitude * 2 ** -51 + Number.MIN_VALUE);
}
