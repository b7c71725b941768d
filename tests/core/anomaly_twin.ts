/** An anomaly as its result tells it: what the engine keeps of it must say the same. */
import { type Anomaly } from "../../src/core/anomaly_block.ts";

/** The result's own words, without what a device's window says. */
export function anomalyInResult(text: string) {
  const it = JSON.parse(text);
  return {
    id: it.id,
    tenant: it.tenant_id,
    device: it.device_id,
    timestamp: it.timestamp,
    processedAt: it.processed_at,
    score: it.anomaly_score,
    temperature: it.temperature ?? null,
    humidity: it.humidity ?? null,
    metrics: Object.entries(it.metrics ?? {}).sort(),
    reasons: it.reasons ?? [],
  };
}

/** The same of what was kept. */
export function comparableAnomaly(anomaly: Anomaly) {
  return {
    ...anomaly,
    metrics: [...anomaly.metrics].sort(),
    reasons: anomaly.reasons.map((it) => JSON.parse(it)),
  };
}
