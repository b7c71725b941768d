/** Figures for the demo's screen. */

/** The last numbers of many. */
export class Latest {
  readonly #values: number[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(value: number): void {
    if (this.#values.push(value) > this.#most) this.#values.shift();
  }

  median(): number {
    const sorted = this.#values.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  }
}

/** The rate of a count, over the last ten looks at it. */
export class Speedometer {
  readonly #looks: { count: number; at: number }[] = [];

  read(count: number): number {
    const at = performance.now();
    this.#looks.push({ count, at });
    if (this.#looks.length > 10) this.#looks.shift();
    const first = this.#looks[0];
    return at === first.at ? 0 : (count - first.count) / (at - first.at) * 1000;
  }
}
