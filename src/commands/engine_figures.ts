/** What the metrics of either engine tell of its work between two looks. Pure: it asks nobody. */
import type { EngineFigures } from "../migration/report.ts";
import {
  type Buckets,
  bucketsBetween,
  bucketsOf,
  quantile,
  type Samples,
  sumOf,
} from "./metrics_text.ts";

export interface FiguresLook {
  /** ms by a clock that isn't set. */
  readonly at: number;
  /** null: it has no metrics. */
  readonly samples: Samples | null;
}

/** Readings handled: of Plumbline and final, then v2. */
const COUNTERS = ["process_messages_total", "process_request_count_total"];
/** Those that ended as no result, as each engine counts them. */
const FAILED = ["error", "missing_tenant", "invalid_data"];
/** Early, v2 and Plumbline; then final, which has only the tenants'. */
const LATENCIES = ["processing_latency_seconds", "tenant_processing_latency_seconds"];

/** null: its metrics don't tell. */
export function engineFigures(before: FiguresLook, after: FiguresLook): EngineFigures {
  const seconds = (after.at - before.at) / 1000;
  const [earlier, later] = [before.samples, after.samples];
  if (earlier === null || later === null || seconds <= 0) return NOTHING;
  const rate = (count: (samples: Samples) => number | undefined, digits: number) => {
    const now = count(later);
    if (now === undefined) return null;
    return rounded(Math.max(0, now - (count(earlier) ?? 0)) / seconds, digits);
  };
  const name = COUNTERS.find((it) => later.has(it)) ?? COUNTERS[0];
  const counted = (samples: Samples) => sumOf(samples, name);
  const total = counted(later);
  const failed = FAILED.reduce((sum, status) => sum + (sumOf(later, name, { status }) ?? 0), 0);
  const latencies = LATENCIES.find((it) => later.has(`${it}_bucket`)) ?? LATENCIES[0];
  const between = bucketsBetween(bucketsOf(earlier, latencies), bucketsOf(later, latencies));
  return {
    // A counter of the old engines appears with the first reading.
    per_second: rate(counted, 1) ?? (later.size > 0 ? 0 : null),
    latency_p50_ms: milliseconds(0.5, between),
    latency_p99_ms: milliseconds(0.99, between),
    errors: total === undefined ? null : failed,
    error_share: total === undefined || total === 0 ? null : rounded(failed / total, 6),
    cpu_cores: rate((samples) => sumOf(samples, "process_cpu_seconds_total"), 3),
    memory_bytes: sumOf(later, "process_resident_memory_bytes") ?? null,
    lag: sumOf(later, "plumbline_consumer_lag") ?? null,
  };
}

const NOTHING: EngineFigures = {
  per_second: null,
  latency_p50_ms: null,
  latency_p99_ms: null,
  errors: null,
  error_share: null,
  cpu_cores: null,
  memory_bytes: null,
  lag: null,
};

function milliseconds(share: number, buckets: Buckets): number | null {
  const seconds = quantile(share, buckets);
  return seconds === undefined ? null : rounded(seconds * 1000, 3);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
