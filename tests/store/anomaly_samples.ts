/** Anomalies to write into a store: made by the engine, as all are. */
import type { Anomaly, AnomalyBlock } from "../../src/pipeline/ports.ts";
import { AnomalyBlockReader } from "../../src/core/anomaly_block.ts";
import { newEngine, runBatch } from "../core/engine_rig.ts";

export interface Sample {
  readonly tenant?: string;
  readonly device?: string;
  readonly timestamp?: string;
  /** 0 to 3. */
  readonly score?: number;
}

const settings = {
  threshold: 0,
  sampling: 1,
  detectors: [
    { type: "range" as const, metric: "m", min: -Infinity, max: 0, weight: 1 },
    { type: "range" as const, metric: "m", min: -Infinity, max: 1, weight: 1 },
    { type: "range" as const, metric: "m", min: -Infinity, max: 2, weight: 1 },
  ],
};

/** One batch's, with ids `in-0-<offset>`. */
export function blocksOf(
  samples: readonly Sample[],
  at: { time: number; offset?: number },
): readonly AnomalyBlock[] {
  const engine = newEngine({ settings: () => settings });
  const readings = samples.map(({ tenant, device = "d", timestamp, score = 1 }) =>
    JSON.stringify({ device_id: device, tenant_id: tenant, timestamp, metrics: { m: score } })
  );
  runBatch(engine, { readings, ...at });
  return engine.anomalies.finish();
}

/** In the order of their readings. */
export function plainAnomalies(blocks: readonly AnomalyBlock[]): Anomaly[] {
  return blocks.flatMap((block) => {
    const reader = new AnomalyBlockReader(block);
    return Array.from({ length: block.count }, (_, i) => reader.get(i));
  });
}
