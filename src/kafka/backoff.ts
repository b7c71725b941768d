/** ms to wait before a retry: doubles from 200 up to 5,000 by attempt (from 0), then halved at most by chance. */
export function backoffMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(5_000, 200 * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + random() * ceiling / 2;
}
