/**
 * Random numbers by address instead of in a row: the number for a device and a step is the same
 * whenever it is asked for. So a simulation can begin anywhere, and no order of calls changes it.
 */

/** 32 random bits for a value under a seed (the finaliser of MurmurHash3, twice). */
export function mix(seed: number, value: number): number {
  return finalise(finalise(seed | 0) ^ Math.imul(value, 0x9e3779b1));
}

function finalise(bits: number): number {
  let hash = bits;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A number from `low` up to, but not including, `high`. */
export function between(bits: number, { low, high }: { low: number; high: number }): number {
  return low + (high - low) * (bits / 2 ** 32);
}

/** The spread of the sum of four even bytes. */
const FOUR_BYTES_SD = Math.sqrt(4 * (256 ** 2 - 1) / 12);

/** About normal, mean 0, standard deviation 1, never beyond ±3.5: the sum of the four bytes. */
export function bell(bits: number): number {
  const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
  return (sum - 510) / FOUR_BYTES_SD;
}
