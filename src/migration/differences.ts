/** Two results of the same reading, field by field. */
import {
  atArrival,
  type ComparedResult,
  type Fields,
  isObject,
  processedAt,
} from "./compared_result.ts";
import { type Reason, reasons, unexplained } from "./reasons.ts";

export interface Difference {
  readonly reason: Reason;
  readonly field: string;
  readonly old: unknown;
  readonly new: unknown;
}

const METRICS = ["temperature", "humidity"];
const KNOWN = new Set([
  ...["device_id", "tenant_id", "temperature", "humidity", "timestamp", "processed_at"],
  ...["is_anomaly", "anomaly_score", "temperature_stats", "humidity_stats"],
]);
const NEW = new Set(["id", "reasons", "metrics", "metrics_stats"]);
const BUILT_IN_TENANTS = ["tenant1", "tenant2"];

/** The two, and what collects how they differ. */
interface Pair {
  readonly old: ComparedResult;
  readonly now: ComparedResult;
  readonly add: (field: string, reason: Reason) => void;
  readonly same: (a: unknown, b: unknown) => boolean;
}

/** `tolerance`: by which numbers may differ, as a share of the larger one. */
export function differences(
  old: ComparedResult,
  now: ComparedResult,
  { tolerance }: { tolerance: number },
): Difference[] {
  const found: Difference[] = [];
  const pair: Pair = {
    old,
    now,
    add: (field, reason) =>
      void found.push({ reason, field, old: old.fields[field], new: now.fields[field] }),
    same: (a, b) => alike(a, b, tolerance),
  };
  compareNames(pair);
  const absent = compareMetrics(pair);
  compareScore(pair, absent);
  compareTimestamps(pair);
  compareStats(pair);
  compareProcessedAt(pair);
  compareOthers(pair);
  return found;
}

/** They are joined by these, but by a hash of them. */
function compareNames({ old, now, add }: Pair): void {
  if (old.device !== now.device) add("device_id", unexplained("device_id differs"));
  if (old.tenant !== now.tenant) add("tenant_id", unexplained("tenant_id differs"));
}

/** How many metrics the old engine has a 0 for that weren't there. */
function compareMetrics({ old, now, add, same }: Pair): number {
  let absent = 0;
  for (const metric of METRICS) {
    const [a, b] = [old.fields[metric], now.fields[metric]];
    if (Object.is(a, -0) && b === 0) add(metric, reasons.minusZero);
    if (same(a ?? null, b ?? null)) continue;
    const isAbsent = old.format === "go" && a === 0 && b === undefined;
    if (isAbsent) absent++;
    add(metric, isAbsent ? reasons.values : unexplained(`${metric} differs`));
  }
  return absent;
}

function compareScore({ old, now, add, same }: Pair, absent: number): void {
  const [before, after] = [old.fields, now.fields];
  const [a, b] = [before.anomaly_score ?? 0, after.anomaly_score ?? 0];
  // A 0 that isn't there is out of both ranges, and counts 1.
  const byAbsence = absent > 0 && typeof a === "number" && same(a - absent, b);
  const isOff = !same(a, b);
  if (isOff) {
    add("anomaly_score", byAbsence ? reasons.values : unexplained("anomaly_score differs"));
  }
  const [is, will] = [before.is_anomaly ?? false, after.is_anomaly ?? false];
  if (is !== will) {
    const isBuiltIn = !isOff && is === false && old.format !== "plumbline" &&
      BUILT_IN_TENANTS.includes(old.tenant);
    const known = isBuiltIn ? reasons.unreachable : byAbsence ? reasons.values : undefined;
    add("is_anomaly", known ?? unexplained("is_anomaly differs"));
    return;
  }
  const isLeftOut = ["is_anomaly", "anomaly_score"].some((field) =>
    !Object.hasOwn(before, field) && Object.hasOwn(after, field)
  );
  if (!isLeftOut) return;
  add("is_anomaly", old.format === "go" ? reasons.leftOut : unexplained("is_anomaly is left out"));
}

function compareTimestamps({ old, now, add }: Pair): void {
  const { format, second } = old;
  const [a, b] = [old.fields.timestamp, now.fields.timestamp];
  if (a === b) return;
  if (a === undefined && format === "python") return add("timestamp", reasons.noTimestamp);
  // Go writes +00:00 as Z; any other offset it keeps.
  const isCut = format === "go" && typeof b === "string" &&
    b.replace(/\.\d+(?=Z|[+-])/, "").replace(/[+-]00:00$/, "Z") === a && second === now.second;
  if (isCut) return add("timestamp", reasons.timestamp);
  const byArrival = atArrival(old) && atArrival(now);
  add("timestamp", byArrival ? reasons.arrival : unexplained("timestamp differs"));
}

interface Stats {
  readonly avg: number;
  readonly min: number;
  readonly max: number;
}

function compareStats({ old, now, add, same }: Pair): void {
  for (const metric of METRICS) {
    const field = `${metric}_stats`;
    const [a, b] = [old.fields[field], now.fields[field]];
    if (same(a, b)) continue;
    if (a === undefined && old.format === "python") add(field, reasons.noStats);
    else if (isStats(a) && isStats(b) && old.format === "go" && (isZero(a) || holds(a, b))) {
      add(field, reasons.stats);
    } else add(field, unexplained(`${field} differ`));
  }
}

function isStats(stats: unknown): stats is Stats {
  return isObject(stats) && ["avg", "min", "max"].every((name) => typeof stats[name] === "number");
}

function isZero({ avg, min, max }: Stats): boolean {
  return avg === 0 && min === 0 && max === 0;
}

/** All-time bounds around the window's, the average over one value more: within the bounds. */
function holds(wide: Stats, { min, max }: Stats): boolean {
  return wide.min <= min && wide.max >= max && wide.avg >= wide.min && wide.avg <= wide.max;
}

function compareProcessedAt({ old, now, add }: Pair): void {
  if (Number.isNaN(processedAt(old.fields)) || Number.isNaN(processedAt(now.fields))) {
    add("processed_at", unexplained("processed_at is no time"));
  } else if (old.format !== now.format) {
    add("processed_at", old.format === "python" ? reasons.noTimestamp : reasons.processedAt);
  }
}

function compareOthers({ old, now, add, same }: Pair): void {
  let isNew = false;
  for (const field of new Set([...Object.keys(old.fields), ...Object.keys(now.fields)])) {
    if (KNOWN.has(field)) continue;
    if (NEW.has(field) && old.format !== "plumbline") {
      isNew ||= Object.hasOwn(now.fields, field);
      // Another topic, another folder: each Plumbline has ids of its own.
    } else if (field !== "id" && !same(old.fields[field], now.fields[field])) {
      add(field, unexplained(`${field} differs`));
    }
  }
  if (isNew) add("id", reasons.newFields);
}

export function alike(a: unknown, b: unknown, tolerance: number): boolean {
  if (typeof a === "number" && typeof b === "number") {
    if (a === b || Number.isNaN(a) && Number.isNaN(b)) return true;
    const largest = Math.max(Math.abs(a), Math.abs(b));
    return largest < Infinity && Math.abs(a - b) <= tolerance * largest;
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => alike((a as Fields)[name], (b as Fields)[name], tolerance));
}
