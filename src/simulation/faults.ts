/**
 * Which faults a device has, and when. Time is counted in steps: a step is one reading of the device.
 * Each stretch of 400 steps holds at most one fault, so two never overlap:
 *
 * | kind | what it looks like | steps |
 * |---|---|---|
 * | `spike` | one reading far off: 20 to 30 °C, 55 to 70 % | 1 |
 * | `drift` | an error that grows evenly from nothing to 2 to 5 °C, 6 to 15 % | 60 to 240 |
 * | `stuck` | the last value before the fault, repeated to the digit | 30 to 120 |
 * | `silence` | no reading at all | 30 to 120 |
 */
import { between, mix } from "./random.ts";
import { type Metric, metrics } from "./signal.ts";

export const faultKinds = ["spike", "drift", "stuck", "silence"] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** Silence takes all of them: undefined. */
  readonly metric: Metric | undefined;
  /** Its first and last step. */
  readonly first: number;
  readonly last: number;
  /** Spike: how far off. Drift: how far off at its last step. Otherwise 0. */
  readonly change: number;
}

/** One fault at most in so many steps. */
export const STRETCH = 400;
/** Sound steps at the beginning of each stretch: a stuck sensor has a value to be stuck at. */
const SOUND = 10;
/** Of all stretches so many have a fault. */
const SHARE = 0.6;

const lengths: Readonly<Record<FaultKind, { low: number; high: number }>> = {
  spike: { low: 1, high: 2 },
  drift: { low: 60, high: 241 },
  stuck: { low: 30, high: 121 },
  silence: { low: 30, high: 121 },
};

const changes: Readonly<Record<Metric, Partial<Record<FaultKind, { low: number; high: number }>>>> =
  {
    temperature: { spike: { low: 20, high: 30 }, drift: { low: 2, high: 5 } },
    humidity: { spike: { low: 55, high: 70 }, drift: { low: 6, high: 15 } },
  };

/** The fault that a device has at a step, if it has one. `seed` is the device's own. */
export function faultAt(
  seed: number,
  at: { step: number; kinds: readonly FaultKind[] },
): Fault | undefined {
  const fault = faultOfStretch(seed, { stretch: Math.floor(at.step / STRETCH), kinds: at.kinds });
  return fault !== undefined && fault.first <= at.step && at.step <= fault.last ? fault : undefined;
}

function faultOfStretch(
  seed: number,
  { stretch, kinds }: { stretch: number; kinds: readonly FaultKind[] },
): Fault | undefined {
  if (kinds.length === 0) return undefined;
  const own = mix(mix(seed, 0xfa017), stretch);
  if (between(own, { low: 0, high: 1 }) >= SHARE) return undefined;
  const draw = (use: number, range: { low: number; high: number }) => between(mix(own, use), range);
  const whole = (use: number, range: { low: number; high: number }) => Math.floor(draw(use, range));
  const kind = kinds[whole(1, { low: 0, high: kinds.length })];
  const length = whole(2, lengths[kind]);
  const first = stretch * STRETCH + whole(3, { low: SOUND, high: STRETCH - length + 1 });
  const metric = kind === "silence" ? undefined : metrics[whole(4, { low: 0, high: 2 })];
  const range = metric && changes[metric][kind];
  const sign = draw(6, { low: -1, high: 1 }) < 0 ? -1 : 1;
  const change = range === undefined ? 0 : sign * draw(5, range);
  return { kind, metric, first, last: first + length - 1, change };
}
