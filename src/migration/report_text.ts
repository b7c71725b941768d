/** A report for a person at a terminal. */
import { exampleText, figure, KINDS, ofKind, type Report, summary, verdict } from "./report.ts";

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
  return [...lines, "", verdict(report)].join("\n");
}
