/** Whether the figures of two commits differ. */
import { median, quantile } from "./table.ts";

export interface Contender {
  readonly name: string;
  /** us CPU a reading of each run. */
  readonly runs: readonly number[];
}

/** Fewer say nothing. */
const RUNS_AT_LEAST = 7;

/**
 * The spread is the larger one of the two's middle halves (from the first quartile to the third): single
 * runs that a busy machine has spoiled don't widen it.
 */
export function verdict(
  first: Contender,
  second: Contender,
): string {
  const [a, b] = [median(first.runs), median(second.runs)];
  const spread = Math.max(spreadOf(first.runs), spreadOf(second.runs));
  const width = Math.max(first.name.length, second.name.length);
  const lines = [first, second].map(({ name, runs }) => {
    const all = runs.map((it) => it.toFixed(3)).join(", ");
    return `  ${name.padEnd(width)}  ${median(runs).toFixed(3)} us CPU/reading  (${all})`;
  });
  const difference = `${(b - a).toFixed(3)} us (${((b - a) / a * 100).toFixed(1)} %)`;
  const found = `${second.name} against ${first.name}: ${difference}, spread ${
    spread.toFixed(3)
  } us`;
  const conclusion = Math.abs(b - a) <= spread
    ? "no difference: it lies inside the spread"
    : b > a
    ? `${second.name} is slower`
    : `${second.name} is faster`;
  const few = Math.min(first.runs.length, second.runs.length) < RUNS_AT_LEAST
    ? ` (but of fewer than ${RUNS_AT_LEAST} runs)`
    : "";
  return [...lines, `${found}: ${conclusion}${few}`].join("\n");
}

function spreadOf(runs: readonly number[]): number {
  return quantile(runs, 0.75) - quantile(runs, 0.25);
}
