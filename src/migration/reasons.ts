/** Why results of an old engine and Plumbline's differ: by the contract's tables, or unexplained. */

export type Kind = "on purpose" | "defect of the old engine" | "unexplained";

export interface Reason {
  readonly kind: Kind;
  /** On purpose: the contract's row. Defect: its number there, or the table's row, and what it is. */
  readonly name: string;
}

const purpose = (name: string): Reason => ({ kind: "on purpose", name });
const defect = (name: string): Reason => ({ kind: "defect of the old engine", name });

export const unexplained = (name: string): Reason => ({ kind: "unexplained", name });

export const reasons = {
  stats: purpose("statistics in the output always zero (final), over 101 readings (early, v1)"),
  leftOut: purpose("is_anomaly, anomaly_score left out when false or 0 (Go)"),
  minusZero: purpose("-0 comes out as -0 (Go)"),
  timestamp: purpose(
    "fraction of the timestamp cut off; the Go engines refuse a naive timestamp",
  ),
  caseless: purpose("names matched without regard to case (Go)"),
  notUtf8: purpose("invalid UTF-8 replaced silently (Go)"),
  values: purpose(
    "missing values taken as 0 (early), 0 rejected (v1), bool and NaN taken (Python)",
  ),
  shared: purpose("two tenants with one device_id share statistics"),
  settings: purpose(
    "CONSUMER_GROUP, MAX_READINGS, STORAGE_SERVICE_URL without effect (final)",
  ),
  overHttp: purpose(
    "POST /api/data does not reach the output topic; 500 on a missing device_id; trailing text taken",
  ),
  restarted: purpose(
    "statistics gone after a restart; process dies when /api/stats is read under load",
  ),
  unbounded: purpose("unbounded metric labels, unbounded /api/stats"),
  nothingYet: purpose("min 999999, Infinity, empty 200 bodies on a fresh engine"),
  names: purpose(
    "blank, over 256 characters or control characters in device_id (final takes them)",
  ),
  newFields: purpose("no id, reasons, metrics, metrics_stats, key, headers"),
  processedAt: purpose("processed_at to the second, local time"),
  refused: purpose("section 1: everything else is rejected, kept in the dead letters"),
  arrival: purpose("section 1: a reading without a timestamp has the time of reading it"),

  sampling: defect("4: messages dropped by sampling, at random, are counted as errors"),
  unreachable: defect("5: tenant1 (3.0) and tenant2 (2.5) can never have an anomaly"),
  emptyStats: defect("6, 7: GET /api/stats answers 200 with an empty body"),
  lastSeen: defect("12: last_seen goes backwards with an older reading"),
  duplicate: defect("14b: duplicates after kill -9"),
  unknownDevice: defect("15: {} and null become device unknown (early); L9: so in v2"),
  brokenStats: defect("19: a numeric device_id makes GET /api/stats answer 500 (v1)"),
  tenant2: defect("24: tenant2 always fails (v2)"),
  noTimestamp: defect("25: processed_at is a number and there is no timestamp (v2)"),
  noStats: defect("L2: no statistics in the output (v2)"),
  noStatistics: defect("L5: every path answers with the metrics: no statistics over HTTP (v2)"),
  missingTenant: defect("L9: a reading without a tenant is dropped, missing_tenant (v2)"),
  missingMetric: defect(
    "L9: a reading without temperature or humidity is dropped, invalid_data (v2)",
  ),
} as const;
