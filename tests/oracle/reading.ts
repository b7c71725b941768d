/** A record's value judged by the contract's section 1, the plain way: decode, `JSON.parse`, look. */
import type { Value } from "./series.ts";
import { parseTimestamp, type Timestamp } from "./timestamp.ts";

export interface Reading {
  readonly device: string;
  readonly tenant: string;
  readonly temperature: Value | undefined;
  readonly humidity: Value | undefined;
  /** Further metrics in the order in which JSON.parse gives them; undefined: the field was missing. */
  readonly metrics: ReadonlyMap<string, Value> | undefined;
  /** undefined: the engine puts in the time of reading. */
  readonly timestamp: Timestamp | undefined;
}

/** Why a value is no reading: the field (empty: the value as a whole) and what is wrong. */
export interface Refusal {
  readonly field: string;
  readonly why: string;
}

/** A number with its own text: JSON.parse alone would lose the digits. */
class SourcedNumber implements Value {
  constructor(readonly text: string) {}
}

type Reviver = (this: unknown, key: string, value: unknown, context: { source: string }) => unknown;

const METRIC_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;
const MAX_METRICS = 32;

export function judgeReading(
  value: Uint8Array | null,
  limits: { maxReadingBytes: number },
): Reading | Refusal {
  if (value === null) return refuse("", "a tombstone");
  if (value.length > limits.maxReadingBytes) return refuse("", `${value.length} bytes`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return refuse("", "not UTF-8");
  }
  let fields: unknown;
  try {
    fields = parseWithSource(text);
  } catch {
    return refuse("", "not JSON");
  }
  if (!isObject(fields)) return refuse("", "not an object");
  return judgeFields(new Map(Object.entries(fields)));
}

export function isRefusal(judged: Reading | Refusal): judged is Refusal {
  return "why" in judged;
}

function judgeFields(fields: Map<string, unknown>): Reading | Refusal {
  const device = fields.get("device_id");
  if (!isName(device)) return refuse("device_id", "missing or not a name");
  const tenant = fields.get("tenant_id") ?? "";
  if (tenant !== "" && !isName(tenant)) return refuse("tenant_id", "not a name");
  const temperature = fields.get("temperature") ?? undefined;
  if (temperature !== undefined && !isFiniteNumber(temperature)) {
    return refuse("temperature", "not a finite number");
  }
  const humidity = fields.get("humidity") ?? undefined;
  if (humidity !== undefined && !isFiniteNumber(humidity)) {
    return refuse("humidity", "not a finite number");
  }
  const metrics = judgeMetrics(fields.get("metrics") ?? undefined);
  if (metrics !== undefined && "why" in metrics) return metrics;
  const sent = fields.get("timestamp") ?? undefined;
  const timestamp = typeof sent === "string" ? parseTimestamp(sent) : undefined;
  if (sent !== undefined && timestamp === undefined) return refuse("timestamp", "not a timestamp");
  const named = tenant === "" ? "default" : tenant;
  return { device, tenant: named, temperature, humidity, metrics, timestamp };
}

function judgeMetrics(sent: unknown): ReadonlyMap<string, Value> | Refusal | undefined {
  if (sent === undefined) return undefined;
  if (!isObject(sent)) return refuse("metrics", "not an object");
  const metrics = new Map<string, Value>();
  for (const [name, value] of Object.entries(sent)) {
    if (!METRIC_NAME.test(name) || name === "temperature" || name === "humidity") {
      return refuse("metrics", `the name ${name}`);
    }
    if (!isFiniteNumber(value)) return refuse("metrics", `${name} isn't a finite number`);
    metrics.set(name, value);
  }
  return metrics.size > MAX_METRICS ? refuse("metrics", `${metrics.size} metrics`) : metrics;
}

function refuse(field: string, why: string): Refusal {
  return { field, why };
}

/** Like JSON.parse, but a number comes out as its source text. */
function parseWithSource(text: string): unknown {
  const keep: Reviver = (_key, value, context) =>
    typeof value === "number" ? new SourcedNumber(context.source) : value;
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof SourcedNumber);
}

function isFiniteNumber(value: unknown): value is Value {
  return value instanceof SourcedNumber && Number.isFinite(Number(value.text));
}

/** 1 to 256 code points, not only white space, no control character, no half of a surrogate pair. */
function isName(value: unknown): value is string {
  if (typeof value !== "string" || value.trim() === "" || [...value].length > 256) return false;
  return !/[\p{Cc}\p{Cs}]/u.test(value);
}
