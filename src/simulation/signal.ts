/** What a sound sensor measures: its place, the time of day, the weather of the week, and noise. */
import { bell, between, mix } from "./random.ts";

export const metrics = ["temperature", "humidity"] as const;
export type Metric = (typeof metrics)[number];

interface Range {
  readonly low: number;
  readonly high: number;
}

interface Shape {
  /** Mean of a sensor over all days. */
  readonly base: Range;
  /** Half the difference between day and night; below 0: lowest in the afternoon. */
  readonly daily: Range;
  /** Half the difference between the warmest and the coldest days. */
  readonly weather: Range;
  /** Standard deviation of the noise; it never goes beyond 3.5 of them. */
  readonly noise: number;
}

/**
 * °C and % of relative humidity. Whatever is drawn, the sum stays within 12.1 and 27.9 °C and within
 * 27.5 and 72.5 %: the built-in `range` detectors (10 to 30, 20 to 80) find a sound sensor normal.
 */
const shapes: Readonly<Record<Metric, Shape>> = {
  temperature: {
    base: { low: 18, high: 22 },
    daily: { low: 1.5, high: 4 },
    weather: { low: 0.2, high: 1 },
    noise: 0.25,
  },
  humidity: {
    base: { low: 45, high: 55 },
    daily: { low: -10, high: -4 },
    weather: { low: 1, high: 4 },
    noise: 1,
  },
};

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A sensor of its own: which seed its numbers are drawn under. */
export interface Sensor {
  readonly seed: number;
  readonly metric: Metric;
}

/** The value without noise at a time (ms since 1970, UTC). Warmest about 15:00. */
export function rhythm({ seed, metric }: Sensor, time: number): number {
  const shape = shapes[metric];
  const draw = (use: number, range: Range) => between(mix(seed, use), range);
  const peak = draw(1, { low: 14 * HOUR, high: 16 * HOUR });
  const period = draw(2, { low: 3 * DAY, high: 8 * DAY });
  const phase = draw(3, { low: 0, high: 2 * Math.PI });
  return draw(4, shape.base) +
    draw(5, shape.daily) * Math.cos((2 * Math.PI * (time - peak)) / DAY) +
    draw(6, shape.weather) * Math.sin((2 * Math.PI * time) / period + phase);
}

/** What the noise adds at a step of the device. */
export function noise({ seed, metric }: Sensor, step: number): number {
  return shapes[metric].noise * bell(mix(mix(seed, 7), step));
}
