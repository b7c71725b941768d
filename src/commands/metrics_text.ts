/** Reads Prometheus' text format (0.0.4), as far as the engine writes it. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples by their metric's name; a histogram's parts have names of their own. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)",?/g;
const ESCAPED: Readonly<Record<string, string>> = { n: "\n" };

/** Lines that are none are left out. */
export function readMetrics(text: string): Samples {
  const samples = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    const found = LINE.exec(line);
    if (found === null || line.startsWith("#")) continue;
    const [, name, labelText = "", valueText] = found;
    const labels: Record<string, string> = {};
    for (const [, label, value] of labelText.matchAll(LABEL)) {
      labels[label] = value.replace(/\\(.)/g, (_, it: string) => ESCAPED[it] ?? it);
    }
    const value = valueText === "+Inf" ? Infinity : Number(valueText);
    const known = samples.get(name);
    if (known === undefined) samples.set(name, [{ labels, value }]);
    else known.push({ labels, value });
  }
  return samples;
}

/** The sum of a metric's samples that have these labels; undefined: there are none. */
export function sumOf(
  samples: Samples,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = samples.get(name)?.filter((it) => hasLabels(it, labels)) ?? [];
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}

function hasLabels({ labels }: Sample, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

/** How often something was observed at most so long: by `le`, growing; the last one counts all. */
export type Buckets = readonly { readonly le: number; readonly count: number }[];

/** Of a histogram's samples with these labels, over all others. */
export function bucketsOf(
  samples: Samples,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Buckets {
  const counts = new Map<number, number>();
  for (const sample of samples.get(`${name}_bucket`) ?? []) {
    if (!hasLabels(sample, labels)) continue;
    const le = sample.labels.le === "+Inf" ? Infinity : Number(sample.labels.le);
    counts.set(le, (counts.get(le) ?? 0) + sample.value);
  }
  return [...counts].sort(([a], [b]) => a - b).map(([le, count]) => ({ le, count }));
}

/** What was observed between two looks. */
export function bucketsBetween(before: Buckets, after: Buckets): Buckets {
  const earlier = new Map(before.map(({ le, count }) => [le, count]));
  return after.map(({ le, count }) => ({ le, count: count - (earlier.get(le) ?? 0) }));
}

/**
 * The value that a share of the observations is below, as `histogram_quantile` of Prometheus has it:
 * evenly spread within a bucket, and the last bound for what lies beyond. undefined: nothing was observed.
 */
export function quantile(share: number, buckets: Buckets): number | undefined {
  const total = buckets.at(-1)?.count ?? 0;
  if (total <= 0) return undefined;
  const rank = share * total;
  let [low, below] = [0, 0];
  for (const { le, count } of buckets) {
    if (count >= rank && count > below) {
      if (le === Infinity) return low;
      return low + (le - low) * (rank - below) / (count - below);
    }
    [low, below] = [le === Infinity ? low : le, count];
  }
  return low;
}
