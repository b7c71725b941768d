/**
 * What must come out of an input topic: every reading in input order, with its window, and the state
 * that is left at the end. Readings of one device must stand in one partition.
 */
import { byPartition, type InputRecord } from "./records.ts";
import { isRefusal, judgeReading, type Reading, type Refusal } from "./reading.ts";
import { Series, type WindowStatistics } from "./series.ts";
import { scoreOf, settingsOf, type TenantsFile } from "./tenants.ts";
import { parseTimestamp, type Timestamp } from "./timestamp.ts";

export interface Settings {
  /** Empty: no TENANTS_FILE. */
  readonly tenants: TenantsFile;
  readonly maxReadings: number;
  readonly maxReadingBytes: number;
}

export const DEFAULT_SETTINGS: Settings = {
  tenants: {},
  maxReadings: 100,
  maxReadingBytes: 1024 * 1024,
};

export interface ExpectedResult {
  readonly id: string;
  readonly record: InputRecord;
  readonly reading: Reading;
  readonly score: ReturnType<typeof scoreOf>;
  readonly temperature: WindowStatistics | undefined;
  readonly humidity: WindowStatistics | undefined;
  readonly metrics: ReadonlyMap<string, WindowStatistics> | undefined;
}

export interface ExpectedRejection {
  readonly id: string;
  readonly record: InputRecord;
  readonly refusal: Refusal;
}

export class ExpectedDevice {
  readonly temperature: Series;
  readonly humidity: Series;
  readonly metrics = new Map<string, Series>();
  lastSeen: Timestamp | undefined;

  constructor(readonly tenant: string, readonly device: string, readonly maxReadings: number) {
    this.temperature = new Series(maxReadings);
    this.humidity = new Series(maxReadings);
  }

  see(timestamp: Timestamp | undefined): void {
    if (timestamp === undefined) return;
    if (this.lastSeen === undefined || timestamp.instant > this.lastSeen.instant) {
      this.lastSeen = timestamp;
    }
  }
}

export interface Expectation {
  /** Counters as invariant 5 has them. */
  readonly read: number;
  readonly sampledOut: number;
  readonly resultCount: number;
  /** Of this part of the input; all else here is of the parts before it, too. */
  readonly results: readonly ExpectedResult[];
  readonly rejections: readonly ExpectedRejection[];
  /** By `deviceKey`. */
  readonly devices: ReadonlyMap<string, ExpectedDevice>;
  readonly global: {
    readonly temperature: Series;
    readonly humidity: Series;
    readonly metrics: ReadonlyMap<string, Series>;
  };
  /** The partition of every device. */
  readonly homes: ReadonlyMap<string, number>;
  /** Devices that stand in several partitions: nothing can be said about the order of their readings. */
  readonly scattered: readonly string[];
}

/** Tells what can't be known from the input: which readings were sampled in, and the clock's timestamps. */
export interface Observed {
  /** Whether a result with this id came out. */
  has(id: string): boolean;
  /** The `timestamp` in the result with this id. */
  timestamp(id: string): string | undefined;
}

const MAX_METRICS = 32;

export function deviceKey(tenant: string, device: string): string {
  return JSON.stringify([tenant, device]);
}

/**
 * `idPrefix`: what stands before `<partition>-<offset>` in an id, `<topic>-`. `before`: what was expected
 * of the input up to here; its devices and sums are gone on with, so it can't be used any more.
 */
export function expectFrom(
  input: readonly InputRecord[],
  options: { idPrefix: string; settings: Settings; observed: Observed; before?: Expectation },
): Expectation {
  const { settings, observed, before } = options;
  const results: ExpectedResult[] = [];
  const rejections: ExpectedRejection[] = [...before?.rejections ?? []];
  const devices = new Map(before?.devices);
  const global = {
    temperature: before?.global.temperature ?? new Series(0),
    humidity: before?.global.humidity ?? new Series(0),
    metrics: new Map(before?.global.metrics),
  };
  const homes = new Map(before?.homes);
  const scattered = new Set(before?.scattered);
  let sampledOut = before?.sampledOut ?? 0;
  for (const [partition, records] of byPartition(input)) {
    for (const record of records) {
      const id = record.id ?? `${options.idPrefix}${partition}-${record.offset}`;
      const reading = judgeReading(record.value, settings);
      if (isRefusal(reading)) {
        rejections.push({ id, record, refusal: reading });
        continue;
      }
      const key = deviceKey(reading.tenant, reading.device);
      if ((homes.get(key) ?? partition) !== partition) scattered.add(key);
      homes.set(key, partition);
      const known = devices.get(key);
      if (bringsTooManyMetrics(reading, known)) {
        rejections.push({ id, record, refusal: { field: "metrics", why: "more than 32 names" } });
        continue;
      }
      const tenant = settingsOf(reading.tenant, settings.tenants);
      if (tenant.sampling < 1 && !observed.has(id)) {
        sampledOut++;
        continue;
      }
      const device = known ??
        new ExpectedDevice(reading.tenant, reading.device, settings.maxReadings);
      if (known === undefined) devices.set(key, device);
      const metrics = apply(reading, { device, global });
      device.see(reading.timestamp ?? parseTimestamp(observed.timestamp(id) ?? ""));
      results.push({
        id,
        record,
        reading,
        score: scoreOf(reading, tenant),
        temperature: device.temperature.statistics(),
        humidity: device.humidity.statistics(),
        metrics,
      });
    }
  }
  return {
    read: (before?.read ?? 0) + input.length,
    sampledOut,
    resultCount: (before?.resultCount ?? 0) + results.length,
    results,
    rejections,
    devices,
    global,
    homes,
    scattered: [...scattered],
  };
}

function bringsTooManyMetrics(reading: Reading, known: ExpectedDevice | undefined): boolean {
  if (known === undefined || reading.metrics === undefined) return false;
  return new Set([...known.metrics.keys(), ...reading.metrics.keys()]).size > MAX_METRICS;
}

/** The windows of the reading's further metrics, after it. */
function apply(
  reading: Reading,
  to: { device: ExpectedDevice; global: Expectation["global"] & { metrics: Map<string, Series> } },
): ReadonlyMap<string, WindowStatistics> | undefined {
  for (const metric of ["temperature", "humidity"] as const) {
    const value = reading[metric];
    if (value === undefined) continue;
    to.device[metric].add(value);
    to.global[metric].add(value);
  }
  if (reading.metrics === undefined) return undefined;
  const statistics = new Map<string, WindowStatistics>();
  for (const [name, value] of reading.metrics) {
    const series = seriesOf(to.device.metrics, { name, limit: to.device.maxReadings });
    series.add(value);
    seriesOf(to.global.metrics, { name, limit: 0 }).add(value);
    const window = series.statistics();
    if (window !== undefined) statistics.set(name, window);
  }
  return statistics;
}

function seriesOf(of: Map<string, Series>, wanted: { name: string; limit: number }): Series {
  let series = of.get(wanted.name);
  if (series === undefined) of.set(wanted.name, series = new Series(wanted.limit));
  return series;
}
