/** A report for a person at a terminal. */
import {
  countOf,
  engineRows,
  engineSummary,
  exampleText,
  figure,
  KINDS,
  ofKind,
  type Report,
  summary,
  verdict,
} from "./report.ts";

/** One line while topics are followed. */
export function roundText(report: Report): string {
  const { results, pairs, waiting } = report;
  return [
    `old ${figure(results.old)}`,
    `new ${figure(results.new)}`,
    `pairs ${figure(pairs)}`,
    `waiting ${figure((waiting?.old ?? 0) + (waiting?.new ?? 0))}`,
    ...KINDS.map((kind) => `${kind} ${figure(countOf(report, kind))}`),
  ].join(", ");
}

export function reportText(report: Report): string {
  const lines = summary(report);
  for (const kind of KINDS) {
    const findings = ofKind(report, kind);
    if (findings.length === 0) continue;
    lines.push("", `${kind[0].toUpperCase()}${kind.slice(1)}:`);
    for (const { count, name, examples } of findings) {
      lines.push(`  ${figure(count).padStart(9)}  ${name}`);
      // Of what is explained one is enough.
      const shown = kind === "unexplained" ? examples : examples.slice(0, 1);
      lines.push(...shown.map((example) => `             ${exampleText(example)}`));
    }
  }
  const { engines } = report;
  if (engines !== undefined) {
    lines.push("", engineSummary(engines));
    const rows = engineRows(engines);
    const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i].length)));
    for (const [what, ...values] of rows) {
      const cells = values.map((value, i) => value.padStart(widths[i + 1]));
      lines.push(`  ${what.padEnd(widths[0])}  ${cells.join("  ")}`);
    }
  }
  return [...lines, "", verdict(report)].join("\n");
}
