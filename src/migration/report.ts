/** What a report has to say, whichever form it is in. */
import { printable } from "../core/reading_reason.ts";
import type { Comparison, Example, Finding } from "./comparison.ts";
import type { Kind } from "./reasons.ts";

/** What an engine's metrics say of it, since the look before; null: they don't tell. */
export interface EngineFigures {
  readonly per_second: number | null;
  readonly latency_p50_ms: number | null;
  readonly latency_p99_ms: number | null;
  /** Ever. */
  readonly errors: number | null;
  readonly error_share: number | null;
  readonly cpu_cores: number | null;
  readonly memory_bytes: number | null;
  readonly lag: number | null;
}

export interface EnginesReport {
  readonly addresses: { readonly old: string; readonly new: string };
  /** Between the two looks at the metrics. */
  readonly seconds: number;
  /** Readings came meanwhile: sums weren't compared, nor devices that had `moved`. */
  readonly moving: boolean;
  readonly devices: { readonly compared: number; readonly moved: number };
  readonly figures: { readonly old: EngineFigures; readonly new: EngineFigures };
}

export interface Report extends Comparison {
  /** Only where both engines were asked. */
  readonly engines?: EnginesReport;
}

export const KINDS: readonly Kind[] = ["unexplained", "defect of the old engine", "on purpose"];
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 6 });

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
  { results, pairs, repeated, readings, waiting, later_seconds: later }: Report,
): string[] {
  const lines = [
    `${counted(results.old, "result")} of the old engine, ${figure(results.new)} of Plumbline, ` +
    `${counted(pairs, "pair")} of the same reading.`,
  ];
  if (repeated > 0) lines.push(`${figure(repeated)} of Plumbline's came again under the same id.`);
  if (readings !== null) lines.push(`${counted(readings, "reading")} to look them up in.`);
  if (waiting !== undefined) {
    lines.push(`${figure(waiting.old + waiting.new)} wait for their partners, not judged yet.`);
  }
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

/** Rows of a table: what, the old engine's, Plumbline's. */
export function engineRows({ figures }: EnginesReport): string[][] {
  const row = (what: string, show: (figures: EngineFigures) => string | null) => [
    what,
    ...[figures.old, figures.new].map((it) => show(it) ?? "-"),
  ];
  const plain = (value: number | null) => value === null ? null : figure(value);
  const mebibytes = (bytes: number | null) =>
    bytes === null ? null : `${figure(Math.round(bytes / 2 ** 20))} MiB`;
  return [
    ["", "old engine", "Plumbline"],
    row("readings a second", (it) => plain(it.per_second)),
    row("latency, p50 in ms", (it) => plain(it.latency_p50_ms)),
    row("latency, p99 in ms", (it) => plain(it.latency_p99_ms)),
    row("errors, ever", (it) => plain(it.errors)),
    row("errors, share", (it) => plain(it.error_share)),
    row("CPU, cores", (it) => plain(it.cpu_cores)),
    row("memory", (it) => mebibytes(it.memory_bytes)),
    row("lag, records", (it) => plain(it.lag)),
  ];
}

export function engineSummary({ moving, devices }: EnginesReport): string {
  const compared = `Statistics of ${counted(devices.compared, "device")} compared`;
  return moving
    ? `${compared}; readings came meanwhile: ${figure(devices.moved)} had moved, sums are left out.`
    : `${compared}, and the sums.`;
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
