/** What `/api/stats` of either engine says, as far as it can be compared. */
import { isObject, parseLoosely } from "./compared_result.ts";
import { type Reason, reasons, unexplained } from "./reasons.ts";

const METRICS = ["temperature", "humidity"] as const;
export type Metric = (typeof METRICS)[number];
export { METRICS };

export interface Totals {
  readonly count: number;
  readonly sum: unknown;
  readonly min: unknown;
  readonly max: unknown;
  readonly avg: unknown;
}

export interface DeviceWindow {
  readonly readings: readonly unknown[];
  readonly avg: unknown;
  readonly min: unknown;
  readonly max: unknown;
}

export type DeviceStatistics = Readonly<Record<Metric, DeviceWindow>> & {
  /** As it was sent. */
  readonly last_seen: unknown;
};

/** A page of it, or all. */
export interface EngineStatistics {
  readonly totals: Readonly<Record<Metric, Totals>>;
  readonly devices: ReadonlyMap<string, DeviceStatistics>;
  /** null: that was all. */
  readonly next: string | null;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Why there is nothing to compare. */
export interface Unreadable {
  readonly reason: Reason;
  /** What was answered, in words. */
  readonly answer: string;
}

export function isUnreadable<T extends object>(read: T | Unreadable): read is Unreadable {
  return "reason" in read;
}

export interface Whose {
  readonly side: "old" | "new";
}

/** An answer's members. What both old engines are known to answer instead is named. */
export function membersOf(
  { status, text }: Answer,
  { side }: Whose,
): Record<string, unknown> | Unreadable {
  const answer = `status ${status}, ${text.trim() === "" ? "an empty body" : text.slice(0, 100)}`;
  const isOld = side === "old";
  const nothing = (reason: Reason): Unreadable => ({ reason, answer });
  const broken = unexplained(`the ${side} engine's statistics can't be read`);
  if (status === 500 && isOld && !text.startsWith("{")) return nothing(reasons.brokenStats);
  if (status !== 200) return nothing(broken);
  if (text.trim() === "" && isOld) return nothing(reasons.emptyStats);
  // Python v2 answers every path with its metrics.
  if (isOld && /^# (HELP|TYPE) /.test(text)) return nothing(reasons.noStatistics);
  try {
    const members = isOld ? parseLoosely(text) : JSON.parse(text);
    if (isObject(members) && isObject(members.data)) return members;
  } catch {
    // It isn't what was asked for, whatever it is.
  }
  return nothing(broken);
}

/** `GET /api/stats`. */
export function readStatistics(answer: Answer, whose: Whose): EngineStatistics | Unreadable {
  const members = membersOf(answer, whose);
  if (isUnreadable(members)) return members;
  const data = members.data as Record<string, unknown>;
  const devices = isObject(data.devices) ? Object.entries(data.devices) : [];
  return {
    totals: { temperature: totalsOf(data.temperature), humidity: totalsOf(data.humidity) },
    devices: new Map(devices.map(([id, it]) => [id, deviceOf(it)])),
    next: typeof members.next === "string" ? members.next : null,
  };
}

/** `GET /api/stats/device/:id`; null: it knows no such device. */
export function readDevice(answer: Answer, whose: Whose): DeviceStatistics | Unreadable | null {
  if (answer.status === 404) return null;
  const members = membersOf(answer, whose);
  return isUnreadable(members) ? members : deviceOf(members.data);
}

function totalsOf(given: unknown): Totals {
  const { count, sum, min, max, avg } = isObject(given) ? given : {};
  return { count: typeof count === "number" ? count : NaN, sum, min, max, avg };
}

function deviceOf(given: unknown): DeviceStatistics {
  const { temperature, humidity, last_seen } = isObject(given) ? given : {};
  return { temperature: windowOf(temperature), humidity: windowOf(humidity), last_seen };
}

function windowOf(given: unknown): DeviceWindow {
  const { readings, avg, min, max } = isObject(given) ? given : {};
  return { readings: Array.isArray(readings) ? readings : [], avg, min, max };
}
