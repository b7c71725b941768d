/** Fires when a value lies outside [min, max]; the bounds themselves are normal. */
export interface RangeSettings {
  readonly type: "range";
  readonly metric: string;
  /** -Infinity: no lower bound. */
  readonly min: number;
  /** Infinity: no upper bound. */
  readonly max: number;
  /** What it adds to the score when it fires. */
  readonly weight: number;
}

/** The reason that a result gives, as a JSON text. */
export function rangeReason(range: RangeSettings, value: number): string {
  const detail = value > range.max
    ? `${value} is above ${range.max}`
    : `${value} is below ${range.min}`;
  return JSON.stringify({ detector: "range", metric: range.metric, score: range.weight, detail });
}
