/** Tenants' settings and the score, by the contract's sections 3 and 5. */
import type { Reading } from "./reading.ts";

/** A detector of `TENANTS_FILE`; the bounds themselves are normal. */
export interface RangeDetector {
  readonly type: "range";
  readonly metric: string;
  readonly min?: number;
  readonly max?: number;
  readonly weight?: number;
}

export interface TenantSettings {
  readonly threshold?: number;
  readonly sampling?: number;
  readonly detectors?: readonly RangeDetector[];
}

/** The content of `TENANTS_FILE`. */
export interface TenantsFile {
  readonly defaults?: TenantSettings;
  readonly tenants?: Readonly<Record<string, TenantSettings>>;
}

export interface Reason {
  readonly detector: string;
  readonly metric: string;
  readonly score: number;
  readonly detail: string;
}

const PARITY: Required<TenantSettings> = {
  threshold: 2,
  sampling: 1,
  detectors: [
    { type: "range", metric: "temperature", min: 10, max: 30, weight: 1 },
    { type: "range", metric: "humidity", min: 20, max: 80, weight: 1 },
  ],
};

export function settingsOf(tenant: string, file: TenantsFile): Required<TenantSettings> {
  const named = file.tenants ?? {};
  const own = Object.hasOwn(named, tenant) ? named[tenant] : {};
  return { ...PARITY, ...file.defaults, ...own };
}

export function scoreOf(
  reading: Reading,
  settings: Required<TenantSettings>,
): { score: number; anomaly: boolean; reasons: Reason[] } {
  const reasons: Reason[] = [];
  for (const detector of settings.detectors) {
    const value = valueOf(reading, detector.metric);
    if (value === undefined) continue;
    const detail = detector.max !== undefined && value > detector.max
      ? `${value} is above ${detector.max}`
      : detector.min !== undefined && value < detector.min
      ? `${value} is below ${detector.min}`
      : undefined;
    if (detail === undefined) continue;
    const { metric, weight = 1 } = detector;
    reasons.push({ detector: "range", metric, score: weight, detail });
  }
  const score = reasons.reduce((sum, reason) => sum + reason.score, 0);
  return { score, anomaly: score >= settings.threshold, reasons };
}

function valueOf(reading: Reading, metric: string): number | undefined {
  const value = metric === "temperature"
    ? reading.temperature
    : metric === "humidity"
    ? reading.humidity
    : reading.metrics?.get(metric);
  return value === undefined ? undefined : Number(value.text) + 0;
}
