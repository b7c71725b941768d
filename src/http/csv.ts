/** CSV as RFC 4180 has it, for spreadsheets that take texts for formulas. */

/** What a formula may begin with, and what is skipped before it (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

export const CSV_HEADERS = {
  "content-type": "text/csv; charset=utf-8; header=present",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

/** A line with its end. A number stands as it is, undefined is empty. */
export function csvLine(cells: readonly (string | number | undefined)[]): string {
  return `${cells.map(cell).join(",")}\r\n`;
}

/** A text that a spreadsheet would take for a formula gets a `'` in front: it is shown as it is then. */
function cell(value: string | number | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) || text !== value ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What a browser calls a download: letters, digits and `._-` alone, whatever the name was. */
export function downloadName(name: string, extension: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9._-]+/g, "_").slice(0, 80);
  return `readings-${plain}.${extension}`;
}
