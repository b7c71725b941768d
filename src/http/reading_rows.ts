/**
 * A device's windows side by side. Each metric has a window of its own, so what stood in one reading is
 * told by the time: the first value of a time in one column belongs to the first of that time in another.
 */
import type { ReadingColumn } from "../pipeline/ports.ts";

export interface ReadingRow {
  /** ms since 1970. */
  readonly time: number;
  /** By the columns' order; undefined: none of this time. */
  readonly values: readonly (number | undefined)[];
}

/** The earliest first. */
export function* inRows(columns: readonly ReadingColumn[]): Generator<ReadingRow> {
  const sorted = columns.map(byTime);
  const next = sorted.map(() => 0);
  for (;;) {
    let time = Infinity;
    for (const [i, { times }] of sorted.entries()) {
      if (next[i] < times.length && times[next[i]] < time) time = times[next[i]];
    }
    if (time === Infinity) return;
    const values = sorted.map((column, i) =>
      column.times[next[i]] === time ? column.values[next[i]++] : undefined
    );
    yield { time, values };
  }
}

/** Mostly they are in order: readings seldom come late. */
function byTime({ times, values }: ReadingColumn): Pick<ReadingColumn, "times" | "values"> {
  if (times.every((time, i) => i === 0 || times[i - 1] <= time)) return { times, values };
  const order = times.map((_, i) => i).sort((a, b) => times[a] - times[b] || a - b);
  return { times: order.map((i) => times[i]), values: order.map((i) => values[i]) };
}
