/**
 * Prometheus text (format 0.0.4), read strictly: whatever a scraper might stumble over throws, with the
 * line. https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md
 */

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

const TYPES = ["counter", "gauge", "histogram", "summary", "untyped"];
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

interface Reading {
  name: string;
  help?: string;
  type?: string;
  samples: Sample[];
}

/** The families by name. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line has no line break");
  const families = new Map<string, Reading>();
  const series = new Set<string>();
  let current: Reading | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    if (line === "") continue;
    try {
      const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
      if (comment !== null) {
        const [, kind, name, rest] = comment;
        if (current?.name !== name) current = begin(families, name);
        describe(current, { kind, rest });
      } else {
        const sample = parseSample(line);
        if (current === undefined || !belongs(sample.name, current)) {
          throw new Error("a sample outside of its metric");
        }
        const key = keyOf(sample.name, sample.labels);
        if (series.has(key)) throw new Error("a series for the second time");
        series.add(key);
        current.samples.push(sample);
      }
    } catch (error) {
      throw new Error(`${(error as Error).message}: ${line}`);
    }
  }
  return new Map([...families].map(([name, family]) => [name, finished(family)]));
}

function begin(families: Map<string, Reading>, name: string): Reading {
  if (!NAME.test(name)) throw new Error("no metric's name");
  if (families.has(name)) throw new Error("a metric for the second time");
  const family = { name, samples: [] };
  families.set(name, family);
  return family;
}

function describe(family: Reading, { kind, rest }: { kind: string; rest: string }): void {
  if (family.samples.length > 0) throw new Error("it comes after the samples");
  const field = kind === "HELP" ? "help" : "type";
  if (family[field] !== undefined) throw new Error("it comes twice");
  if (field === "type" && !TYPES.includes(rest)) throw new Error("no such type");
  family[field] = rest;
}

function belongs(sample: string, { name, type }: Reading): boolean {
  const endings = type === "histogram"
    ? ["_bucket", "_sum", "_count"]
    : type === "summary"
    ? ["", "_sum", "_count"]
    : [""];
  return endings.some((ending) => sample === name + ending);
}

function parseSample(line: string): Sample {
  const match = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (match === null) throw new Error("no sample");
  const [, name, inside = "", number] = match;
  if (!NAME.test(name)) throw new Error("no metric's name");
  return { name, labels: parseLabels(inside), value: parseValue(number) };
}

function parseLabels(text: string): Labels {
  const labels: Record<string, string> = Object.create(null);
  const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
  while (label.lastIndex < text.length) {
    const match = label.exec(text);
    if (match === null) throw new Error("no label where one should be");
    const [, name, value, comma] = match;
    if (name in labels) throw new Error(`the label ${name} comes twice`);
    labels[name] = value.replace(/\\(.)/g, (_, it) => it === "n" ? "\n" : it);
    if (comma === "") break;
  }
  return labels;
}

function parseValue(text: string): number {
  if (text === "NaN") return NaN;
  const infinite = /^([+-])Inf$/.exec(text);
  if (infinite !== null) return infinite[1] === "+" ? Infinity : -Infinity;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw new Error("no number");
  return Number(text);
}

function finished(family: Reading): Family {
  const { name, help, type, samples } = family;
  if (help === undefined || type === undefined) throw new Error(`${name}: HELP or TYPE is missing`);
  for (const sample of samples) {
    if (type === "counter" && !(sample.value >= 0)) {
      throw new Error(`${name}: a counter of ${sample.value}`);
    }
  }
  const labels = new Set(samples.map((it) => labelNames(it).join()));
  if (labels.size > 1) throw new Error(`${name}: series with different labels`);
  if (type === "histogram") checkHistogram(name, samples);
  return { name, help, type, samples };
}

/** Names without those that belong to the type. */
export function labelNames({ labels }: Sample): string[] {
  return Object.keys(labels).filter((name) => name !== "le" && name !== "quantile").sort();
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _, ...rest } }) => keyOf(name, rest));
  for (const [key, group] of groups) {
    const buckets = group.filter((it) => it.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => parseValue(labels.le));
    const counts = buckets.map(({ value }) => value);
    const [count, sum] = ["_count", "_sum"].map((end) =>
      group.filter((it) => it.name === name + end).map(({ value }) => value)
    );
    if (sum.length !== 1 || count.length !== 1) throw new Error(`${key}: no _sum or _count`);
    if (bounds.at(-1) !== Infinity) throw new Error(`${key}: no bucket +Inf`);
    if (!grows(bounds, (a, b) => a < b)) throw new Error(`${key}: buckets out of order`);
    if (!grows(counts, (a, b) => a <= b)) throw new Error(`${key}: buckets aren't cumulated`);
    if (counts.at(-1) !== count[0]) throw new Error(`${key}: _count isn't the bucket +Inf`);
  }
}

function grows(values: readonly number[], inOrder: (a: number, b: number) => boolean): boolean {
  return values.every((value, i) => i === 0 || inOrder(values[i - 1], value));
}

function keyOf(name: string, labels: Labels): string {
  return `${name}{${
    Object.keys(labels).sort().map((it) => `${it}=${JSON.stringify(labels[it])}`)
  }}`;
}

/** The upper bounds of a histogram's buckets. */
export function bucketsOf(family: Family): string[] {
  const bounds = family.samples.filter(({ name }) => name.endsWith("_bucket"))
    .map(({ labels }) => labels.le);
  return [...new Set(bounds)];
}

/** The value of one series; undefined: there is none. */
export function valueOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Labels = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""));
  const key = keyOf(name, labels);
  return family?.samples.find((it) => keyOf(it.name, it.labels) === key)?.value;
}
