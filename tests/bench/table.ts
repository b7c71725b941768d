/** Figures of several runs, their medians, and a table to read. */

/** Figures of one run, by name; a name says its unit. */
export type Figures = Record<string, number>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value below which this share (0 to 1) of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** One line a figure: the median, and what each run had. */
export function table(title: string, runs: readonly Figures[]): string {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run)))];
  const width = Math.max(...names.map((name) => name.length));
  const lines = names.map((name) => {
    const values = runs.map((run) => run[name]).filter((value) => value !== undefined);
    const all = values.length > 1 ? `  (${values.map(shown).join(", ")})` : "";
    return `  ${name.padEnd(width)}  ${shown(median(values)).padStart(10)}${all}`;
  });
  return [title, ...lines].join("\n");
}

function shown(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}
