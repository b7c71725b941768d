/** Devices and statistics as the API shows them. */
import type { DeviceView, SeriesView, WindowView } from "../pipeline/ports.ts";
import { jsonObject, JsonText } from "./json.ts";

export function deviceJson(view: DeviceView, options: { readings: boolean }): JsonText {
  const metrics = view.metrics.map(({ name, window }) =>
    [name, windowJson(window, options)] as const
  );
  return jsonObject([
    ["temperature", windowJson(view.temperature, options)],
    ["humidity", windowJson(view.humidity, options)],
    ["metrics", metrics.length === 0 ? undefined : jsonObject(metrics)],
    ["last_seen", view.lastSeen === "" ? null : view.lastSeen],
  ]);
}

/** Numbers are finite here, and written as JSON has them. */
function windowJson(window: WindowView, options: { readings: boolean }): JsonText {
  const { readings, avg, min, max, count } = window;
  const values = options.readings ? `"readings":[${readings.join(",")}],` : "";
  return new JsonText(`{${values}"avg":${avg},"min":${min},"max":${max},"count":${count}}`);
}

export function seriesJson(series: SeriesView): JsonText {
  const { count, sum, min, max, avg } = series;
  return new JsonText(`{"count":${count},"sum":${sum},"min":${min},"max":${max},"avg":${avg}}`);
}

/** ms since 1970 as a time; null for "never". */
export function timeJson(ms: number): string | null {
  return ms === 0 ? null : new Date(ms).toISOString();
}
