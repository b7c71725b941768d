import { prom } from "../../deps.ts";

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

/** One series of a `CountedHistogram`: whoever observes often adds to `counts` and `sum` directly. */
export class HistogramSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Observations by bucket, not cumulated; the last one is above every bound. */
  readonly counts = new Float64Array(latencyBuckets.length + 1);
  sum = 0;

  constructor(labels: Readonly<Record<string, string>>) {
    this.labels = labels;
  }
}

/** The index in `counts` that a value belongs to. */
export function bucketOf(seconds: number): number {
  let bucket = 0;
  while (bucket < latencyBuckets.length && seconds > latencyBuckets[bucket]) bucket++;
  return bucket;
}

/**
 * A histogram over `latencyBuckets` whose series are plain arrays: prom-client's own takes one value a
 * call and looks its labels up anew each time, which costs more than judging a reading does.
 */
export class CountedHistogram extends prom.Histogram<string> {
  readonly #name: string;
  readonly #help: string;
  readonly #series: HistogramSeries[] = [];

  constructor(options: { name: string; help: string; label: string; registry: prom.Registry }) {
    const { name, help, label, registry } = options;
    super({ name, help, labelNames: [label], registers: [registry], buckets: [...latencyBuckets] });
    this.#name = name;
    this.#help = help;
  }

  /** A new series; the caller keeps it and asks once for each set of labels. */
  series(labels: Readonly<Record<string, string>>): HistogramSeries {
    const series = new HistogramSeries(labels);
    this.#series.push(series);
    return series;
  }

  override get(): Promise<Exported> {
    return Promise.resolve({
      name: this.#name,
      help: this.#help,
      // The types want prom-client's enum and a collect function; its registry reads neither.
      type: "histogram" as unknown as prom.MetricType,
      collect: () => {},
      aggregator: "sum",
      values: this.#series.flatMap((series) => this.#values(series)),
    });
  }

  /** What the registry asks for when it writes the exposition. */
  getForPromString(): Promise<Exported> {
    return this.get();
  }

  #values(series: HistogramSeries): prom.MetricValueWithName<string>[] {
    const { labels, counts, sum } = series;
    let total = 0;
    const values = [...latencyBuckets, "+Inf"].map((le, i) => {
      total += counts[i];
      return { metricName: `${this.#name}_bucket`, labels: { le, ...labels }, value: total };
    });
    return [
      ...values,
      { metricName: `${this.#name}_sum`, labels, value: sum },
      { metricName: `${this.#name}_count`, labels, value: total },
    ];
  }
}

type Exported = prom.MetricObjectWithValues<prom.MetricValueWithName<string>>;
