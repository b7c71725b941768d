/** The figures of a run as a table. */
import { median } from "../bench/table.ts";
import type { Report } from "./run.ts";

export function describeReport(report: Report): string {
  const { sums, steps } = report;
  const rows: [string, string | number][] = [
    ["seed", report.seed],
    ["minutes", report.minutes.toFixed(1)],
    ["faults", steps.flatMap(({ step }) => step).length],
    ["starts of an engine", report.starts],
    ["readings by Kafka", sums.records],
    ["readings by HTTP", sums.posted],
    ["results", sums.results],
    ["rejected", sums.rejected],
    ["sampled out", sums.sampledOut],
    ["lost", sums.lost],
    ["twice in the output topic", `${sums.outputTwice} (said to be unsure: ${report.unsure})`],
    ["counted by two engines", `${sums.countedTwice} (at most ${report.mayCountTwice})`],
    ["counted again as the answer was lost", sums.postedAgain],
    ["posted again to the storage service", sums.storedTwice],
    ["refused by it, in the dead letters", sums.deadLetters],
    ["ready again after, in s", spread(steps.map(({ readyMs }) => readyMs))],
    ["first new result after, in s", spread(steps.map(({ outputMs }) => outputMs))],
    ["all partitions read after, in s", spread(steps.map(({ readMs }) => readMs))],
    ["peak MiB of an engine", Math.round(report.peakMiB)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  for (const [message, count] of report.errors) {
    lines.push(`  error logged ${count} times: ${message}`);
  }
  for (const damage of report.damages) {
    const { kind, setAside, readings, lost, twice, readyMs, readMs } = damage;
    const aside = setAside ? "set aside" : "not noticed";
    lines.push(
      `  database damaged, ${kind}: ${aside}; ${readings} readings, ${lost} lost and told, ` +
        `${twice} twice; ready after ${seconds(readyMs)} s, all read again after ${
          seconds(readMs)
        } s`,
    );
  }
  return [...lines, ...byKind(report), ...report.faults.map((fault) => `BROKEN: ${fault}`)].join(
    "\n",
  );
}

/** Recovery by the first fault of the step. */
function byKind({ steps }: Report): string[] {
  const kinds = Map.groupBy(steps, ({ step }) => step.map(({ kind }) => kind).join(" + "));
  const width = Math.max(...[...kinds.keys()].map((kind) => kind.length));
  const columns = ["ready after s", "first result after s", "all read again after s"];
  const header = ["fault".padEnd(width), "times", ...columns.map((it) => it.padEnd(20))].join("  ");
  const lines = [...kinds].sort(([a], [b]) => a < b ? -1 : 1).map(([kind, all]) => {
    const times = (["readyMs", "outputMs", "readMs"] as const).map((name) =>
      spread(all.map((step) => step[name])).padEnd(20)
    );
    return [kind.padEnd(width), String(all.length).padStart(5), ...times].join("  ");
  });
  return [header, ...lines].map((line) => `  ${line.trimEnd()}`);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

/** The median, and the longest. */
function spread(ms: readonly number[]): string {
  if (ms.length === 0) return "-";
  const longest = Math.max(...ms) / 1000;
  const middle = (median(ms) / 1000).toFixed(1);
  return ms.length === 1 ? middle : `${middle} (at most ${longest.toFixed(1)})`;
}
