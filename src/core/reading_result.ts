import { readJson } from "./reading_json.ts";
import type { Reading } from "./reading_register.ts";
import { scanMetrics } from "./scan_metrics.ts";
import { ascii, matches } from "./scan_bytes.ts";
import { scannedNumber, scanNumber } from "./scan_number.ts";
import { rawStringEnd } from "./scan_string.ts";
import { timestampMs } from "./timestamp.ts";

/** A result's fields in their order (section 2 of the contract), up to the last one that replay needs. */
const DEVICE_ID = ascii('{"device_id":"');
const TEMPERATURE = ascii(',"temperature":');
const HUMIDITY = ascii(',"humidity":');
const METRICS = ascii(',"metrics":');
const TIMESTAMP = ascii(',"timestamp":"');
const PROCESSED_AT = ascii(',"processed_at":"');
const TENANT_ID = ascii(',"tenant_id":"');
const NORMAL = ascii(',"is_anomaly":false,"anomaly_score":');
const ANOMALY = ascii(',"is_anomaly":true,"anomaly_score":');

const decoder = new TextDecoder();

/**
 * Reads back what one of our own results says of its reading, for replay. A reading without a
 * timestamp got the time of reading it, so there is always one, with a zone. The register's ranges are
 * as `parseReading` leaves them. Throws where the bytes are no result.
 */
export function parseResult(into: Reading, bytes: Uint8Array, start: number, end: number): void {
  if (scanResult(into, bytes, start, end)) return;
  const reason = readJson(into, bytes, start, end);
  if (reason !== null) throw new Error(`reading back a result: ${reason}`);
  const { anomaly_score: score } = JSON.parse(decoder.decode(bytes.subarray(start, end)));
  if (typeof score !== "number") throw new Error("reading back a result: it has no anomaly_score");
  into.score = score;
}

/** The fast path. It trusts that the bytes were written by us: only escapes make it give up. */
function scanResult(into: Reading, bytes: Uint8Array, start: number, end: number): boolean {
  into.temperature = NaN;
  into.humidity = NaN;
  into.metricCount = 0;
  if (!matches(bytes, start, DEVICE_ID)) return false;
  const deviceStart = start + DEVICE_ID.length;
  const deviceEnd = rawStringEnd(bytes, deviceStart, end);
  if (deviceEnd < 0) return false;
  let at = deviceEnd + 1;
  if (matches(bytes, at, TEMPERATURE)) {
    at = scanNumber(bytes, at + TEMPERATURE.length);
    if (at < 0) return false;
    into.temperature = scannedNumber[0];
  }
  if (matches(bytes, at, HUMIDITY)) {
    at = scanNumber(bytes, at + HUMIDITY.length);
    if (at < 0) return false;
    into.humidity = scannedNumber[0];
  }
  if (matches(bytes, at, METRICS)) {
    at = scanMetrics(into, bytes, at + METRICS.length);
    if (at < 0) return false;
  }
  if (!matches(bytes, at, TIMESTAMP)) return false;
  const timestampStart = at + TIMESTAMP.length;
  const timestampEnd = rawStringEnd(bytes, timestampStart, end);
  if (timestampEnd < 0 || !matches(bytes, timestampEnd + 1, PROCESSED_AT)) return false;
  at = rawStringEnd(bytes, timestampEnd + 1 + PROCESSED_AT.length, end);
  if (at < 0 || !matches(bytes, at + 1, TENANT_ID)) return false;
  const tenantStart = at + 1 + TENANT_ID.length;
  const tenantEnd = rawStringEnd(bytes, tenantStart, end);
  if (tenantEnd < 0) return false;
  at = tenantEnd + 1;
  at += matches(bytes, at, NORMAL)
    ? NORMAL.length
    : matches(bytes, at, ANOMALY)
    ? ANOMALY.length
    : 0;
  if (at === tenantEnd + 1 || scanNumber(bytes, at) < 0) return false;
  into.score = scannedNumber[0];

  const time = timestampMs(bytes, timestampStart, timestampEnd);
  if (time !== time) return false;
  into.bytes = bytes;
  into.deviceStart = deviceStart;
  into.deviceEnd = deviceEnd;
  into.tenantStart = tenantStart;
  into.tenantEnd = tenantEnd;
  into.timestampStart = timestampStart;
  into.timestampEnd = timestampEnd;
  into.naive = false;
  into.time = time;
  return true;
}
