/** Wrong tokens, counted by the address that they came from. */

/** So many wrong tokens an address may bring in a window before it is told to wait. */
const ALLOWED = 20;
const WINDOW_MS = 60_000;
/** Addresses that are remembered; of more the one goes whose window is oldest. */
const MAX_ADDRESSES = 10_000;

interface Window {
  readonly end: number;
  count: number;
}

/**
 * What is told to wait is only a wrong token: a right one passes from the same address, or whoever sits
 * behind the same proxy could lock everybody out. Guessing 256 bits needs no brake; what this bounds is
 * the noise.
 */
export class FailedLogins {
  readonly #now: () => number;
  /** In the order of their ends. */
  readonly #windows = new Map<string, Window>();

  constructor(options: { now: () => number }) {
    this.#now = options.now;
  }

  /** One more. `waitMs`: 0 while there are few; `first`: none was remembered. */
  count(address: string): { waitMs: number; first: boolean } {
    const key = networkOf(address);
    const now = this.#now();
    let window = this.#windows.get(key);
    const first = window === undefined || window.end <= now;
    if (first) {
      this.#windows.delete(key);
      this.#forget();
      this.#windows.set(key, window = { end: now + WINDOW_MS, count: 0 });
    }
    window!.count++;
    return { waitMs: window!.count > ALLOWED ? window!.end - now : 0, first };
  }

  get size(): number {
    return this.#windows.size;
  }

  #forget(): void {
    if (this.#windows.size < MAX_ADDRESSES) return;
    for (const key of this.#windows.keys()) {
      this.#windows.delete(key);
      return;
    }
  }
}

/** An IPv6 host has a whole /64 to itself. */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1];
  const [head, tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  if (tail === undefined) return before.slice(0, 4).join(":");
  const after = tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
}
