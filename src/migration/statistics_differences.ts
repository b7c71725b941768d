/** The statistics of both engines, number by number. */
import { alike } from "./differences.ts";
import {
  type DeviceStatistics,
  type DeviceWindow,
  type EngineStatistics,
  type Metric,
  METRICS,
} from "./engine_statistics.ts";
import { secondOf } from "./compared_result.ts";
import { type Reason, reasons, unexplained } from "./reasons.ts";

export interface StatisticsDifference {
  readonly reason: Reason;
  readonly field: string;
  readonly old: unknown;
  readonly new: unknown;
}

/** Old windows of both Go engines and v1. */
const OLD_WINDOW = 100;
const SUM_TOLERANCE = 1e-6;

/** What an old engine shows where nothing has come yet. */
const NOTHING: readonly unknown[] = [0, 999999, -999999, Infinity, -Infinity, null, undefined];

/** The sums over all devices. Only where neither engine was reading. */
export function totalsDifferences(
  old: EngineStatistics["totals"],
  now: EngineStatistics["totals"],
): StatisticsDifference[] {
  return METRICS.flatMap((metric) => {
    const [a, b] = [old[metric], now[metric]];
    const as = (name: string) => ({ field: `${metric}.${name}` });
    if (a.count !== b.count) {
      const reason = a.count < b.count
        ? reasons.restarted
        : unexplained(`the old engine has counted more of ${metric}`);
      return [{ ...as("count"), reason, old: a.count, new: b.count }];
    }
    return (["sum", "min", "max", "avg"] as const).flatMap((name) => {
      const [x, y] = [a[name], b[name]];
      // Added one by one, in the order in which they came.
      if (alike(x, y, SUM_TOLERANCE)) return [];
      const isNothing = a.count === 0 && NOTHING.includes(x);
      const reason = isNothing
        ? reasons.nothingYet
        : unexplained(`all of ${metric}: ${name} differs`);
      return [{ ...as(name), reason, old: x, new: y }];
    });
  });
}

/** One device; `tolerance` as of results. */
export function deviceDifferences(
  old: DeviceStatistics,
  now: DeviceStatistics,
  { tolerance }: { tolerance: number },
): StatisticsDifference[] {
  const found = METRICS.flatMap((metric) =>
    windowDifferences(metric, { old: old[metric], now: now[metric], tolerance })
  );
  const [before, after] = [secondOf(zoned(old.last_seen)), secondOf(zoned(now.last_seen))];
  if (before === after) return found;
  const isBackwards = before !== null && after !== null && before < after;
  return [...found, {
    reason: isBackwards ? reasons.lastSeen : unexplained("a device's last_seen differs"),
    field: "last_seen",
    old: old.last_seen,
    new: now.last_seen,
  }];
}

/** v1 passes on what came, also without a zone. */
function zoned(time: unknown): unknown {
  return typeof time === "string" && /T\d\d:\d\d:\d\d(\.\d+)?$/.test(time) ? `${time}Z` : time;
}

function windowDifferences(
  metric: Metric,
  { old, now, tolerance }: { old: DeviceWindow; now: DeviceWindow; tolerance: number },
): StatisticsDifference[] {
  const [a, b] = [old.readings, now.readings];
  if (!alike(a, b, tolerance)) {
    const reason = windowReason(a, b, tolerance);
    const ends = (readings: readonly unknown[]) =>
      `${readings.length} readings, the last ${JSON.stringify(readings.slice(-3))}`;
    return [{
      reason: reason ?? unexplained(`a device's ${metric} readings differ`),
      field: `${metric}.readings`,
      old: ends(a),
      new: ends(b),
    }];
  }
  return (["avg", "min", "max"] as const).flatMap((name) => {
    const [x, y] = [old[name], now[name]];
    if (alike(x, y, tolerance)) return [];
    const known = b.length === 0 && NOTHING.includes(x)
      ? reasons.nothingYet
      : a.length >= OLD_WINDOW && isWider(name, { old, now })
      ? reasons.stats
      : undefined;
    return [{
      reason: known ?? unexplained(`a device's ${metric} ${name} differs`),
      field: `${metric}.${name}`,
      old: x,
      new: y,
    }];
  });
}

/** One is the end of the other. */
function windowReason(
  a: readonly unknown[],
  b: readonly unknown[],
  tolerance: number,
): Reason | undefined {
  const length = Math.min(a.length, b.length);
  if (a.length === b.length) return undefined;
  const isEnd = alike(a.slice(a.length - length), b.slice(b.length - length), tolerance);
  if (!isEnd) return undefined;
  // A full window of the old one, and MAX_READINGS says otherwise; or it has begun later.
  if (a.length === OLD_WINDOW) return reasons.settings;
  return a.length < b.length ? reasons.restarted : undefined;
}

/** All-time bounds (early, v1), and an average over one value more. */
function isWider(
  name: "avg" | "min" | "max",
  { old, now }: { old: DeviceWindow; now: DeviceWindow },
): boolean {
  const [x, y] = [Number(old[name]), Number(now[name])];
  if (name === "min") return x <= y;
  if (name === "max") return x >= y;
  return x >= Number(old.min) && x <= Number(old.max);
}
