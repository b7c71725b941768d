/** Telling the library's failures apart. */

/** Whether the error, or one that caused it, has this property with this value. */
export function failedWith(error: unknown, property: string, value: unknown, depth = 0): boolean {
  if (typeof error !== "object" || error === null || depth > 8) return false;
  const { cause, errors, [property]: found } = error as {
    cause?: unknown;
    errors?: readonly unknown[];
    [property: string]: unknown;
  };
  return found === value || failedWith(cause, property, value, depth + 1) ||
    (errors ?? []).some((inner) => failedWith(inner, property, value, depth + 1));
}

/** Readings have to flow within two seconds of a broker's return, however long it was away. */
export const LONGEST_RETRY_MS = 1_000;

/** ms to wait before the source's next try, by the failures in a row (from 0). */
export function retryDelayMs(failures: number): number {
  return Math.min(LONGEST_RETRY_MS, 100 * 2 ** Math.min(failures, 10));
}
