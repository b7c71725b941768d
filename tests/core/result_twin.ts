/**
 * The plain twin of engine and result: what sections 1 to 4 of the contract say, with objects, lists and
 * `JSON.stringify`. Of the program it uses the exact sum alone, which has a twin of its own.
 */
import { ExactSum } from "../../src/core/exact_sum.ts";
import { plainReading } from "./reading_twin.ts";

export interface PlainDetector {
  type: "range";
  metric: string;
  min: number;
  max: number;
  weight: number;
}

export interface PlainSettings {
  threshold: number;
  sampling: number;
  detectors: PlainDetector[];
}

export interface PlainDevice {
  metrics: Map<string, number[]>;
  lastSeen: string;
  lastSeenMs: number;
}

export type PlainOutcome =
  | { kind: "rejected" }
  | { kind: "sampled out" }
  | { kind: "result"; tenant: string; device: string; value: string };

export const PARITY: PlainSettings = {
  threshold: 2,
  sampling: 1,
  detectors: [
    { type: "range", metric: "temperature", min: 10, max: 30, weight: 1 },
    { type: "range", metric: "humidity", min: 20, max: 80, weight: 1 },
  ],
};

export class PlainEngine {
  readonly devices = new Map<string, PlainDevice>();
  readonly #settings: (tenant: string) => PlainSettings;
  readonly #maxReadings: number;

  constructor(options: { settings: (tenant: string) => PlainSettings; maxReadings: number }) {
    this.#settings = options.settings;
    this.#maxReadings = options.maxReadings;
  }

  device(tenant: string, device: string): PlainDevice | undefined {
    return this.devices.get(JSON.stringify([tenant, device]));
  }

  apply(bytes: Uint8Array, at: { id: string; time: number }): PlainOutcome {
    const reading = plainReading(bytes);
    if (reading === undefined) return { kind: "rejected" };
    const { tenant, device: name } = reading;
    const settings = this.#settings(tenant);
    if (!isSampledPlainly(settings.sampling, [tenant, name, at.id])) return { kind: "sampled out" };

    const known = this.device(tenant, name);
    const device: PlainDevice = known ??
      { metrics: new Map(), lastSeen: "", lastSeenMs: -Infinity };
    const further = new Set([
      ...device.metrics.keys(),
      ...reading.metrics.map(([metric]) => metric),
    ]);
    further.delete("temperature");
    further.delete("humidity");
    if (further.size > 32) return { kind: "rejected" };
    this.devices.set(JSON.stringify([tenant, name]), device);

    const values = new Map(reading.metrics);
    if (!Number.isNaN(reading.temperature)) values.set("temperature", reading.temperature);
    if (!Number.isNaN(reading.humidity)) values.set("humidity", reading.humidity);
    for (const [metric, value] of values) {
      device.metrics.set(metric, [...device.metrics.get(metric) ?? [], value]);
    }
    const processedAt = new Date(at.time).toISOString();
    const timestamp = reading.timestamp === ""
      ? processedAt
      : reading.timestamp + (reading.naive ? "Z" : "");
    const timestampMs = reading.timestamp === "" ? at.time : reading.time;
    if (timestampMs > device.lastSeenMs) {
      device.lastSeenMs = timestampMs;
      device.lastSeen = timestamp;
    }

    const fired = settings.detectors.filter(({ metric, min, max }) => {
      const value = values.get(metric);
      return value !== undefined && (value < min || value > max);
    });
    const score = fired.reduce((sum, { weight }) => sum + weight, 0);
    const result: Record<string, unknown> = { device_id: name };
    if (values.has("temperature")) result.temperature = values.get("temperature");
    if (values.has("humidity")) result.humidity = values.get("humidity");
    if (reading.metrics.length > 0) result.metrics = Object.fromEntries(reading.metrics);
    result.timestamp = timestamp;
    result.processed_at = processedAt;
    result.tenant_id = tenant;
    result.is_anomaly = score >= settings.threshold;
    result.anomaly_score = score;
    result.temperature_stats = this.#stats(device, "temperature");
    result.humidity_stats = this.#stats(device, "humidity");
    if (reading.metrics.length > 0) {
      result.metrics_stats = Object.fromEntries(
        reading.metrics.map(([metric]) => [metric, this.#stats(device, metric)]),
      );
    }
    if (fired.length > 0) {
      result.reasons = fired.map(({ metric, min, max, weight }) => {
        const value = values.get(metric)!;
        const detail = value > max ? `${value} is above ${max}` : `${value} is below ${min}`;
        return { detector: "range", metric, score: weight, detail };
      });
    }
    result.id = at.id;
    return { kind: "result", tenant, device: name, value: JSON.stringify(result) };
  }

  #stats(device: PlainDevice, metric: string): { avg: number; min: number; max: number } {
    const window = (device.metrics.get(metric) ?? []).slice(-this.#maxReadings);
    if (window.length === 0) return { avg: 0, min: 0, max: 0 };
    const sum = new ExactSum();
    for (const value of window) sum.add(value);
    return { avg: sum.mean(window.length), min: Math.min(...window), max: Math.max(...window) };
  }
}

/** FNV-1a and MurmurHash3's finaliser by arbitrary precision, each name closed by U+001F. */
export function isSampledPlainly(sampling: number, names: readonly string[]): boolean {
  const word = (n: bigint) => BigInt.asUintN(32, n);
  let hash = 0x811c9dc5n;
  for (const name of names) {
    for (const unit of [...name.split("").map((c) => c.charCodeAt(0)), 0x1f]) {
      hash = word((hash ^ BigInt(unit)) * 0x01000193n);
    }
  }
  hash = word((hash ^ (hash >> 16n)) * 0x85ebca6bn);
  hash = word((hash ^ (hash >> 13n)) * 0xc2b2ae35n);
  hash ^= hash >> 16n;
  return sampling >= 1 || Number(hash) / 2 ** 32 < sampling;
}
