/** The old engines' buckets, in seconds. */
export const latencyBuckets: readonly number[] = [
  .005,
  .01,
  .025,
  .05,
  .1,
  .25,
  .5,
  1,
  2.5,
  5,
  10,
];

/** The index in `counts` that a value belongs to. */
export function bucketOf(seconds: number): number {
  let bucket = 0;
  while (bucket < latencyBuckets.length && seconds > latencyBuckets[bucket]) bucket++;
  return bucket;
}

/** One series of a `CountedHistogram`: whoever observes adds to `counts` and `sum` directly. */
export class HistogramSeries {
  /** Observations by bucket, not cumulated; the last one is above every bound. */
  readonly counts = new Float64Array(latencyBuckets.length + 1);
  sum = 0;
  /** What stands before the value in each line. */
  readonly #heads: readonly string[];
  #text = "";
  #shown = -1;

  constructor(name: string, label: string) {
    this.#heads = [
      ...[...latencyBuckets, "+Inf"].map((le) => `${name}_bucket{${label},le="${le}"} `),
      `${name}_sum{${label}} `,
      `${name}_count{${label}} `,
    ];
  }

  /** Its lines; made anew only when something was observed since. */
  text(): string {
    let total = 0;
    for (const count of this.counts) total += count;
    if (total === this.#shown) return this.#text;
    this.#shown = total;
    const heads = this.#heads, buckets = this.counts.length;
    let text = "", below = 0;
    for (let i = 0; i < buckets; i++) {
      below += this.counts[i];
      text += `${heads[i]}${below}\n`;
    }
    this.#text = `${text}${heads[buckets]}${this.sum}\n${heads[buckets + 1]}${total}`;
    return this.#text;
  }
}

/**
 * A histogram over `latencyBuckets` with one label, whose series are plain arrays and write their own
 * lines. prom-client's takes one value a call and looks its labels up each time, which costs more than
 * judging a reading does; and a scrape of a thousand tenants took 23 ms by it.
 */
export class CountedHistogram {
  readonly name: string;
  readonly #head: string;
  readonly #label: string;
  readonly #series: HistogramSeries[] = [];

  constructor({ name, help, label }: { name: string; help: string; label: string }) {
    this.name = name;
    this.#label = label;
    this.#head = head({ name, help, type: "histogram" });
  }

  /** A new series; the caller keeps it and asks once for each value of the label. */
  series(value: string): HistogramSeries {
    const series = new HistogramSeries(this.name, labelText(this.#label, value));
    this.#series.push(series);
    return series;
  }

  text(): string {
    return [this.#head, ...this.#series.map((series) => series.text())].join("\n");
  }
}

/** The two lines before a metric's values. */
export function head({ name, help, type }: { name: string; help: string; type: string }): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}`;
}

/** `name="value"`, escaped as the exposition format wants it. */
export function labelText(name: string, value: string): string {
  const escaped = value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n");
  return `${name}="${escaped}"`;
}
