/** A result of any of the engines, as far as it can be compared. */

export type Fields = Readonly<Record<string, unknown>>;

/** `python`: times as numbers, no timestamp. `go`: whatever else has no `id`. */
export type Format = "plumbline" | "go" | "python";

export interface ComparedResult {
  readonly fields: Fields;
  readonly format: Format;
  /** As text, so that ids of any type can be joined; strings stand as they are. */
  readonly tenant: string;
  readonly device: string;
  /** Whole seconds since 1970: the old engines cut the fraction. null: it bears no time. */
  readonly second: number | null;
}

/** A string: why it is none. Python's `NaN` and `Infinity`, which are no JSON, are taken. */
export function readResult(text: string): ComparedResult | string {
  let fields: unknown;
  try {
    fields = parseLoosely(text);
  } catch (error) {
    return `not JSON: ${(error as Error).message}`;
  }
  if (!isObject(fields)) return "expected an object";
  if (!Object.hasOwn(fields, "device_id")) return "device_id: required";
  return {
    fields,
    format: typeof fields.id === "string"
      ? "plumbline"
      : typeof fields.processed_at === "number"
      ? "python"
      : "go",
    tenant: nameText(fields.tenant_id),
    device: nameText(fields.device_id),
    second: secondOf(fields.timestamp),
  };
}

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Of a timestamp in a result or a reading; null: it is none. */
export function secondOf(timestamp: unknown): number | null {
  const time = typeof timestamp === "string" ? Date.parse(timestamp) : NaN;
  return Number.isNaN(time) ? null : Math.floor(time / 1000);
}

export function nameText(name: unknown): string {
  return typeof name === "string" ? name : JSON.stringify(name ?? null);
}

/** Outside of strings only: a device may be called NaN. */
const STRING_OR_SPECIAL = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g;
const NOT_A_NUMBER = "\u0000NaN";

/** JSON, and what Python writes for numbers that JSON hasn't. Throws where it is neither. */
export function parseLoosely(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const plain = text.replace(STRING_OR_SPECIAL, (found) => {
      if (found.startsWith('"')) return found;
      return found === "NaN" ? JSON.stringify(NOT_A_NUMBER) : found.replace("Infinity", "1e999");
    });
    if (plain === text) throw error;
    return JSON.parse(plain, (_, value) => value === NOT_A_NUMBER ? NaN : value);
  }
}

/** ms since 1970 of a result's `processed_at`, whichever engine wrote it; NaN: it has none. */
export function processedAt({ processed_at: at }: Fields): number {
  if (typeof at === "number") return at * 1000;
  return typeof at === "string" ? Date.parse(at) : NaN;
}

/** Whether a result bears the time at which it was made, as one of a reading without a time does. */
export function atArrival({ fields, format, second }: ComparedResult): boolean {
  if (format === "plumbline") return fields.timestamp === fields.processed_at;
  return second !== null && Math.abs(second - Math.floor(processedAt(fields) / 1000)) <= 1;
}

/** Results of the same reading have the same, unless an engine has changed it. -0 is 0 here. */
export function measuredText({ temperature, humidity }: Fields): string {
  return `${metricText(temperature)} ${metricText(humidity)}`;
}

function metricText(value: unknown): string {
  return typeof value === "number" ? String(value + 0) : JSON.stringify(value ?? null);
}
