/**
 * The plain twin of the reading's parser: what section 1 of the contract says, by regular expressions,
 * `JSON.parse` and decimal strings, without a line of the program. Slow, and easy to check by eye.
 */
import assert from "node:assert/strict";
import { Reading } from "../../src/core/reading.ts";

export interface PlainReading {
  device: string;
  tenant: string;
  temperature: number;
  humidity: number;
  timestamp: string;
  naive: boolean;
  time: number;
  metrics: [string, number][];
}

/** The reading, or undefined if it is invalid. */
export function plainReading(bytes: Uint8Array): PlainReading | undefined {
  let value;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (Object.prototype.toString.call(value) !== "[object Object]") return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const device = fields.get("device_id");
  const tenant = fields.get("tenant_id") || "default";
  const temperature = plainNumber(fields.get("temperature"));
  const humidity = plainNumber(fields.get("humidity"));
  const metrics = plainMetrics(fields.get("metrics"));
  const timestamp = fields.get("timestamp") ?? "";
  if (fields.get("timestamp") === "" || typeof timestamp !== "string") return undefined;
  // Zero and false are no missing tenants.
  if ([0, false].includes(fields.get("tenant_id") as never)) return undefined;
  if (!isPlainName(device) || !isPlainName(tenant)) return undefined;
  if (temperature === undefined || humidity === undefined || !metrics) return undefined;
  const time = timestamp === "" ? NaN : plainTime(timestamp);
  if (time === undefined) return undefined;
  const naive = timestamp !== "" && !/(Z|[+-]\d\d:\d\d)$/.test(timestamp);
  return { device, tenant, temperature, humidity, timestamp, naive, time, metrics };
}

function isPlainName(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed() && /^\P{Cc}{1,256}$/u.test(value) &&
    /\S/.test(value);
}

function plainNumber(value: unknown): number | undefined {
  if (value === undefined || value === null) return NaN;
  if (typeof value !== "number" || Math.abs(value) === Infinity) return undefined;
  return Object.is(value, -0) ? 0 : value;
}

function plainMetrics(value: unknown): [string, number][] | undefined {
  if (value === undefined || value === null) return [];
  if (Object.prototype.toString.call(value) !== "[object Object]") return undefined;
  const metrics: [string, number][] = [];
  for (const [name, metric] of Object.entries(value as object)) {
    if (!/^(?!(temperature|humidity)$)[A-Za-z_][A-Za-z0-9_.-]{0,63}$/.test(name)) return undefined;
    const number = plainNumber(metric);
    if (number === undefined || Number.isNaN(number)) return undefined;
    metrics.push([name, number]);
  }
  return metrics.length > 32 ? undefined : metrics;
}

const TIMESTAMP =
  /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))?$/;

/** ms since 1970, rounded once: the exact nanoseconds are written as a decimal, `Number` rounds it. */
export function plainTime(timestamp: string): number | undefined {
  const parts = TIMESTAMP.exec(timestamp);
  if (!parts) return undefined;
  const [, date, hours, minutes, seconds, fraction = "", sign = "+", aheadH = "0", aheadM = "0"] =
    parts;
  const midnight = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(date)) {
    return undefined;
  }
  const ahead = (Number(aheadH) * 60 + Number(aheadM)) * (sign === "-" ? -1 : 1);
  const minute = Number(hours) * 60 + Number(minutes) - ahead;
  const ns = BigInt(midnight.getTime()) * 1_000_000n + BigInt(minute) * 60_000_000_000n +
    BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
  const digits = String(ns < 0n ? -ns : ns).padStart(7, "0");
  const ms = Number(`${digits.slice(0, -6)}.${digits.slice(-6)}`);
  return ns < 0n ? -ms : ms;
}

/** What stands in a register, in the twin's form. */
export function inRegister(reading: Reading): PlainReading {
  const text = (start: number, end: number) =>
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      reading.bytes.subarray(start, end),
    );
  return {
    device: text(reading.deviceStart, reading.deviceEnd),
    tenant: text(reading.tenantStart, reading.tenantEnd),
    temperature: reading.temperature,
    humidity: reading.humidity,
    timestamp: text(reading.timestampStart, reading.timestampEnd),
    naive: reading.naive,
    time: reading.time,
    metrics: reading.metricNames.slice(0, reading.metricCount)
      .map((name, i) => [name, reading.metricValues[i]]),
  };
}

/** Fails unless both registers hold the same reading, to the bit; `why` is asked only then. */
export function assertSame(a: Reading, b: Reading, why: () => string): void {
  const same = Object.is(a.temperature, b.temperature) && Object.is(a.humidity, b.humidity) &&
    Object.is(a.time, b.time) && a.naive === b.naive && a.metricCount === b.metricCount &&
    sameBytes(a, b, ["deviceStart", "deviceEnd"]) &&
    sameBytes(a, b, ["tenantStart", "tenantEnd"]) &&
    sameBytes(a, b, ["timestampStart", "timestampEnd"]) && sameMetrics(a, b);
  if (!same) assert.deepStrictEqual(inRegister(a), inRegister(b), why());
}

type Edge =
  | "deviceStart"
  | "deviceEnd"
  | "tenantStart"
  | "tenantEnd"
  | "timestampStart"
  | "timestampEnd";

function sameBytes(a: Reading, b: Reading, [start, end]: [Edge, Edge]): boolean {
  const length = a[end] - a[start];
  if (b[end] - b[start] !== length) return false;
  for (let i = 0; i < length; i++) {
    if (a.bytes[a[start] + i] !== b.bytes[b[start] + i]) return false;
  }
  return true;
}

function sameMetrics(a: Reading, b: Reading): boolean {
  for (let i = 0; i < a.metricCount; i++) {
    if (a.metricNames[i] !== b.metricNames[i]) return false;
    if (!Object.is(a.metricValues[i], b.metricValues[i])) return false;
  }
  return true;
}

/** The contract's 89 cases as bytes; undefined for a tombstone. */
export function contractCases(): { name: string; bytes: Uint8Array | undefined }[] {
  const file = new URL("../fixtures/contract/cases.json", import.meta.url);
  const cases = JSON.parse(Deno.readTextFileSync(file)) as {
    case: string;
    body?: string | null;
    b64?: string;
    repeat_pad?: number;
  }[];
  return cases.map((entry) => {
    const name = entry.case;
    if (entry.b64) return { name, bytes: Uint8Array.from(atob(entry.b64), (c) => c.charCodeAt(0)) };
    if (typeof entry.body !== "string") return { name, bytes: undefined };
    const body = entry.body.replaceAll("@PAD@", "x".repeat(entry.repeat_pad ?? 0))
      .replaceAll("@I@", "7");
    return { name, bytes: new TextEncoder().encode(body) };
  });
}
