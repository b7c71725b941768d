/** A result as it stands in the output topic: its fields, and whether its bytes are the contract's. */
import type { Findings } from "./findings.ts";
import type { OutputRecord } from "./records.ts";

export type Fields = Record<string, unknown>;

export interface Output {
  readonly record: OutputRecord;
  readonly fields: Fields;
}

/** A result's fields in the contract's order (section 2). */
const FIELDS = [
  "device_id",
  "temperature",
  "humidity",
  "metrics",
  "timestamp",
  "processed_at",
  "tenant_id",
  "is_anomaly",
  "anomaly_score",
  "temperature_stats",
  "humidity_stats",
  "metrics_stats",
  "reasons",
  "id",
];
const STATISTICS = ["avg", "min", "max"];
const REASON = ["detector", "metric", "score", "detail"];

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The bytes must be what JSON.stringify makes of the same object with its fields in the contract's order. */
export function checkBytes(found: Output, to: { at: string; findings: Findings }): void {
  const { fields } = found;
  for (const name of Object.keys(fields)) {
    if (!FIELDS.includes(name)) to.findings.add("unknown field", `${to.at}: ${name}`);
  }
  const ordered = inOrder(fields, FIELDS);
  for (const name of ["temperature_stats", "humidity_stats"]) {
    ordered[name] = inOrder(asObject(fields[name]) ?? {}, STATISTICS);
  }
  if (ordered.metrics_stats !== undefined) {
    const windows = Object.entries(asObject(ordered.metrics_stats) ?? {});
    ordered.metrics_stats = Object.fromEntries(
      windows.map(([name, window]) => [name, inOrder(asObject(window) ?? {}, STATISTICS)]),
    );
  }
  if (Array.isArray(ordered.reasons)) {
    ordered.reasons = ordered.reasons.map((reason) => inOrder(asObject(reason) ?? {}, REASON));
  }
  const expected = JSON.stringify(ordered);
  const got = decode(found.record.value ?? new Uint8Array());
  if (got !== expected) {
    to.findings.add("wrong bytes", `${to.at}: got ${got}, expected ${expected}`);
  }
}

function inOrder(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(
    names.filter((name) => Object.hasOwn(fields, name)).map((name) => [name, fields[name]]),
  );
}

/** undefined: not a JSON object in UTF-8. */
export function parse(value: Uint8Array | null): Fields | undefined {
  if (value === null) return undefined;
  try {
    return asObject(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(value)));
  } catch {
    return undefined;
  }
}

export function asObject(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Fields
    : undefined;
}

export function asString(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
