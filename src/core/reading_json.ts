import {
  DEFAULT_TENANT,
  MAX_METRIC_NAME_LENGTH,
  MAX_METRICS,
  MAX_NAME_LENGTH,
} from "./reading_register.ts";
import type { Reading } from "./reading_register.ts";
import { describe, printable, quote } from "./reading_reason.ts";
import { utf8Length } from "./scan_string.ts";
import { isNaiveTimestamp, MAX_TIMESTAMP_LENGTH, timestampMs } from "./timestamp.ts";

/** A byte order mark is kept, so that JSON.parse refuses it. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

const METRIC_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
// deno-lint-ignore no-control-regex
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * The careful path, for everything that isn't of the usual shape: UTF-8, `JSON.parse`, then field by
 * field. Null: it is valid and stands in `into`. A string: the reason why it isn't, under 300
 * characters and without control characters.
 */
export function readJson(
  into: Reading,
  bytes: Uint8Array,
  start: number,
  end: number,
): string | null {
  if (start >= end) return "not JSON: the value is empty";
  let text: string;
  try {
    text = decoder.decode(bytes.subarray(start, end));
  } catch {
    return `not UTF-8: ${invalidUtf8(bytes, start, end)}`;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `not JSON: ${printable((error as Error).message)}`;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return `expected an object, got ${describe(value)}`;
  }
  return readFields(into, value);
}

function readFields(into: Reading, fields: object): string | null {
  const device = own(fields, "device_id");
  if (device === undefined) return "device_id: required";
  const tenant = tenantOf(own(fields, "tenant_id"));
  const timestamp = own(fields, "timestamp") ?? null;
  return checkName("device_id", device) ?? checkName("tenant_id", tenant) ??
    readNumbers(into, fields) ?? readMetrics(into, own(fields, "metrics")) ??
    keepTexts(into, { device: device as string, tenant: tenant as string, timestamp });
}

/** What `JSON.parse` made a property of; never what every object inherits (`__proto__`). */
function own(fields: object, name: string): unknown {
  return Object.hasOwn(fields, name) ? (fields as Record<string, unknown>)[name] : undefined;
}

function tenantOf(value: unknown): unknown {
  return value === undefined || value === null || value === "" ? DEFAULT_TENANT : value;
}

/** Why the value can't be a device's or tenant's name; null: it can. White space is what `trim` takes for it. */
function checkName(field: string, value: unknown): string | null {
  if (typeof value !== "string") return `${field}: expected a string, got ${describe(value)}`;
  const length = codePoints(value);
  if (length === 0 || length > MAX_NAME_LENGTH) {
    return `${field}: expected 1 to ${MAX_NAME_LENGTH} characters, got ${length}`;
  }
  if (CONTROL_CHARACTER.test(value)) {
    return `${field}: expected no control characters, got ${describe(value)}`;
  }
  if (value.trim() === "") {
    return `${field}: expected more than white space, got ${describe(value)}`;
  }
  if (!value.isWellFormed()) {
    return `${field}: expected no unpaired surrogates, got ${describe(value)}`;
  }
  return null;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function readNumbers(into: Reading, fields: object): string | null {
  const temperature = own(fields, "temperature") ?? null;
  const humidity = own(fields, "humidity") ?? null;
  into.temperature = numberOf(temperature);
  into.humidity = numberOf(humidity);
  return (temperature === null ? null : checkNumber("temperature", temperature)) ??
    (humidity === null ? null : checkNumber("humidity", humidity));
}

/** NaN for everything that is no number; adding 0 makes -0 a 0. */
function numberOf(value: unknown): number {
  return typeof value === "number" ? value + 0 : NaN;
}

/** Why the value is no metric's; null: it is. */
function checkNumber(field: string, value: unknown): string | null {
  if (typeof value !== "number") return `${field}: expected a number, got ${describe(value)}`;
  if (!Number.isFinite(value)) return `${field}: expected a finite number, got ${describe(value)}`;
  return null;
}

/** Other than `temperature`, a further metric can't be null: who doesn't have it leaves its name out. */
function readMetrics(into: Reading, metrics: unknown): string | null {
  into.metricCount = 0;
  if (metrics === undefined || metrics === null) return null;
  if (typeof metrics !== "object" || Array.isArray(metrics)) {
    return `metrics: expected an object, got ${describe(metrics)}`;
  }
  const present = Object.entries(metrics);
  if (present.length > MAX_METRICS) {
    return `metrics: expected at most ${MAX_METRICS}, got ${present.length}`;
  }
  for (const [name] of present) {
    if (name === "temperature" || name === "humidity") {
      return `metrics: expected no name that is a field of its own, got "${name}"`;
    }
    if (name.length > MAX_METRIC_NAME_LENGTH || !METRIC_NAME.test(name)) {
      return `metrics: expected names of 1 to ${MAX_METRIC_NAME_LENGTH} letters, digits, "_", "." ` +
        `and "-" that begin with a letter or "_", got ${quote(name)}`;
    }
  }
  for (const [name, value] of present) {
    const reason = checkNumber(`metrics.${name}`, value);
    if (reason !== null) return reason;
    into.metricNames[into.metricCount] = name;
    into.metricValues[into.metricCount++] = numberOf(value);
  }
  return null;
}

/** Encodes the texts into the register's scratch buffer; the timestamp is checked on its bytes there. */
function keepTexts(
  into: Reading,
  texts: { device: string; tenant: string; timestamp: unknown },
): string | null {
  const { device, tenant, timestamp } = texts;
  into.bytes = into.scratch;
  into.deviceStart = 0;
  into.deviceEnd = into.tenantStart = encodeAt(into.scratch, 0, device);
  into.tenantEnd = into.timestampStart = into.timestampEnd = encodeAt(
    into.scratch,
    into.tenantStart,
    tenant,
  );
  into.time = NaN;
  into.naive = false;
  if (timestamp === null) return null;
  if (typeof timestamp === "string" && timestamp.length <= MAX_TIMESTAMP_LENGTH) {
    into.timestampEnd = encodeAt(into.scratch, into.timestampStart, timestamp);
    into.time = timestampMs(into.scratch, into.timestampStart, into.timestampEnd);
  }
  if (Number.isNaN(into.time)) {
    return `timestamp: expected an RFC 3339 date-time, got ${describe(timestamp)}`;
  }
  into.naive = isNaiveTimestamp(into.scratch, into.timestampEnd);
  return null;
}

/** Where the text ends that is written at `at`. */
function encodeAt(scratch: Uint8Array, at: number, text: string): number {
  return at + encoder.encodeInto(text, scratch.subarray(at)).written;
}

function invalidUtf8(bytes: Uint8Array, start: number, end: number): string {
  let at = start;
  for (;;) {
    const length = utf8Length(bytes, at, end);
    if (length === 0) break;
    at += length;
  }
  let length = 1;
  while (at + length < end && beginsCharacter(bytes.subarray(at, at + length))) length++;
  const wrong = bytes.subarray(at, at + length);
  const names = Array.from(wrong, (byte) => `0x${hex(byte)}`).join(" ");
  return beginsCharacter(wrong)
    ? `the text ends within the character ${names} at position ${at - start}`
    : `no character begins with ${names} at position ${at - start}`;
}

/** Whether other bytes can follow that make it a character: the least or the greatest would do. */
function beginsCharacter(bytes: Uint8Array): boolean {
  return [0x80, 0xbf].some((next) => {
    const filled = Uint8Array.of(...bytes, next, next, next);
    return utf8Length(filled, 0, filled.length) > 0;
  });
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
