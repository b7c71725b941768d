/**
 * Series as they stand in rows: the statistics in columns for people, the rest in blobs.
 * SQLite has no -0: a minimum of -0 comes back as 0.
 */
import type { SeriesState } from "../pipeline/ports.ts";

/** Temperature and humidity, as devices and the global row have them. */
export interface StatisticsRow {
  readonly temperatureCount: number;
  readonly temperatureSum: number;
  readonly temperatureMin: number | null;
  readonly temperatureMax: number | null;
  readonly temperatureExact: Uint8Array;
  readonly temperatureWindow: Uint8Array;
  readonly humidityCount: number;
  readonly humiditySum: number;
  readonly humidityMin: number | null;
  readonly humidityMax: number | null;
  readonly humidityExact: Uint8Array;
  readonly humidityWindow: Uint8Array;
}

/** A further metric, in a row of its own. */
export interface MetricRow {
  readonly name: string;
  readonly count: number;
  readonly sum: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly exact: Uint8Array;
  readonly window: Uint8Array;
}

interface Metric {
  readonly name: string;
  readonly series: SeriesState;
}

export function readStatistics(
  row: StatisticsRow,
): { temperature: SeriesState; humidity: SeriesState } {
  return {
    temperature: {
      count: row.temperatureCount,
      sum: row.temperatureSum,
      min: row.temperatureMin,
      max: row.temperatureMax,
      exact: plainBytes(row.temperatureExact),
      window: plainBytes(row.temperatureWindow),
    },
    humidity: {
      count: row.humidityCount,
      sum: row.humiditySum,
      min: row.humidityMin,
      max: row.humidityMax,
      exact: plainBytes(row.humidityExact),
      window: plainBytes(row.humidityWindow),
    },
  };
}

export function readMetric(row: MetricRow): Metric {
  const { name, count, sum, min, max } = row;
  const series = {
    count,
    sum,
    min,
    max,
    exact: plainBytes(row.exact),
    window: plainBytes(row.window),
  };
  return { name, series };
}

/** SQLite's buffer as a plain array over the same memory: callers compare and slice it as such. */
export function plainBytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
