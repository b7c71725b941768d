/** What a report has to say, whichever form it is in. */
import { printable } from "../core/reading_reason.ts";
import type { Comparison, Example, Finding } from "./comparison.ts";
import type { Kind } from "./reasons.ts";

export type Report = Comparison;

export const KINDS: readonly Kind[] = ["unexplained", "defect of the old engine", "on purpose"];
const number = new Intl.NumberFormat("en");

export function figure(value: number): string {
  return number.format(value);
}

function counted(value: number, what: string): string {
  return `${figure(value)} ${what}${value === 1 ? "" : "s"}`;
}

export function ofKind({ findings }: Report, kind: Kind): Finding[] {
  return findings.filter((finding) => finding.kind === kind);
}

export function countOf(report: Report, kind: Kind): number {
  return ofKind(report, kind).reduce((sum, { count }) => sum + count, 0);
}

/** There was something to compare, and nothing is unexplained. */
export function isEqual(report: Report): boolean {
  return report.pairs > 0 && countOf(report, "unexplained") === 0;
}

export function summary(
  { results, pairs, repeated, readings, later_seconds: later }: Report,
): string[] {
  const lines = [
    `${counted(results.old, "result")} of the old engine, ${figure(results.new)} of Plumbline, ` +
    `${counted(pairs, "pair")} of the same reading.`,
  ];
  if (repeated > 0) lines.push(`${figure(repeated)} of Plumbline's came again under the same id.`);
  if (readings !== null) lines.push(`${counted(readings, "reading")} to look them up in.`);
  if (later !== null) {
    lines.push(
      `Plumbline's processed_at is ${figure(later.mean)} s after the old engine's on average ` +
        `(${figure(later.min)} to ${figure(later.max)} s).`,
    );
  }
  return lines;
}

export function verdict(report: Report): string {
  if (report.pairs === 0) {
    return "Nothing could be compared: no reading has a result on both sides.";
  }
  const count = countOf(report, "unexplained");
  if (count === 0) return "Nothing is unexplained.";
  return `${counted(count, "difference")} ${count === 1 ? "is" : "are"} unexplained.`;
}

/** Ids come from outside: none of them may steer the terminal. */
export function exampleText({ tenant, device, field, ...sides }: Example): string {
  const place = device === undefined ? [] : [`${tenant ?? ""}/${device}`.slice(0, 80)];
  const values = (["old", "new"] as const).filter((side) => sides[side] !== undefined)
    .map((side) => `${side} ${shown(sides[side])}`);
  return printable([...place, ...field === undefined ? [] : [field], ...values].join(", "));
}

function shown(value: unknown): string {
  const text = typeof value === "string" || typeof value === "number"
    ? String(value)
    : JSON.stringify(value) ?? "";
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
