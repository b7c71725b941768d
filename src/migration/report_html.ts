/** A report as one HTML file that asks nobody for anything and runs no scripts. */
import {
  engineRows,
  type EnginesReport,
  engineSummary,
  exampleText,
  figure,
  KINDS,
  ofKind,
  type Report,
  summary,
  verdict,
} from "./report.ts";

const BAR = 300;

export function reportHtml(report: Report): string {
  const largest = Math.max(1, ...report.findings.map(({ count }) => count));
  const sections = KINDS.map((kind) => {
    const rows = ofKind(report, kind).map(({ name, count, examples }) => {
      const list = examples.map((example) => `<li>${escaped(exampleText(example))}</li>`).join("");
      const details = `<details><summary>examples</summary><ul>${list}</ul></details>`;
      return `<tr><td>${escaped(name)}${details}</td><td class="n">${figure(count)}</td>` +
        `<td>${barOf(count, largest)}</td></tr>`;
    });
    const body = rows.length === 0 ? "<p>none</p>" : `<table>${rows.join("\n")}</table>`;
    return `<section class="${kind.split(" ")[0]}"><h2>${escaped(kind)}</h2>${body}</section>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Plumbline: comparison</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
td { padding: .3rem .8rem .3rem 0; vertical-align: top; } .n { text-align: right; }
li { overflow-wrap: anywhere; }
rect { fill: #3b7; } .unexplained rect { fill: #c33; } .defect rect { fill: #c83; }
</style></head><body><h1>Comparison</h1>
<p>${summary(report).map(escaped).join("<br>")}</p><p><strong>${
    escaped(verdict(report))
  }</strong></p>
${sections.join("\n")}
${report.engines === undefined ? "" : enginesHtml(report.engines)}
</body></html>
`;
}

function enginesHtml(engines: EnginesReport): string {
  const rows = engineRows(engines).map((cells) =>
    `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`
  );
  return `<section><h2>engines</h2><p>${escaped(engineSummary(engines))}</p>` +
    `<table>${rows.join("\n")}</table></section>`;
}

function barOf(count: number, largest: number): string {
  const width = Math.max(1, Math.round(BAR * count / largest));
  return `<svg width="${BAR}" height="14" role="img" aria-label="${count}">` +
    `<rect width="${width}" height="14"/></svg>`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
