/** How the text of a command's option becomes a value; what it doesn't take is said in words. */
import { InvalidArgumentError } from "../../deps_cli.ts";
import { NotAllowed, parseServiceUrl } from "../config/values.ts";
import { type FaultKind, faultKinds } from "../simulation/faults.ts";

/** Both bounds included. */
export function wholeNumber(
  { low, high }: { low: number; high: number },
): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= low && value <= high) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${low} to ${high}.`);
  };
}

export function numberFrom(low: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    if (value >= low && Number.isFinite(value)) return value;
    throw new InvalidArgumentError(`Expected a number of ${low} or above.`);
  };
}

const units: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600 };

const LONGEST_SECONDS = 500 * 3600;

/** `90`, `90s`, `5m`, `1h`, in seconds. */
export function seconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text);
  const value = match === null ? 0 : Number(match[1]) * units[match[2] ?? ""];
  if (value > 0 && value <= LONGEST_SECONDS) return value;
  throw new InvalidArgumentError(
    "Expected a time above 0, up to 500h: a number, with s, m or h behind it.",
  );
}

/** As `seconds`; shorter ones would only keep both sides busy. */
export function interval(text: string): number {
  const value = seconds(text);
  if (value >= 0.1) return value;
  throw new InvalidArgumentError("Expected a time of 0.1s or above.");
}

/** ms since 1970. */
export function instant(text: string): number {
  const shape = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;
  const value = shape.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(value)) return value;
  throw new InvalidArgumentError("Expected a time like 2026-01-31T08:00:00Z, or a date.");
}

/** Kinds of faults, separated by commas; `none`: no faults. */
export function faultList(text: string): FaultKind[] {
  if (text === "none") return [];
  const kinds = text.split(",").map((kind) => kind.trim());
  const wrong = kinds.find((kind) => !(faultKinds as readonly string[]).includes(kind));
  if (wrong === undefined) return [...new Set(kinds)] as FaultKind[];
  throw new InvalidArgumentError(
    `${JSON.stringify(wrong)} is none of them. Expected none, or some of ${faultKinds.join(", ")}.`,
  );
}

/** A path that an unset variable has emptied is none. */
export function pathText(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("Expected a path, got an empty text.");
}

/** `http://host:port`, without a path's last slash. */
export function serverAddress(text: string): string {
  try {
    const address = parseServiceUrl(text);
    if (address !== "") return address;
  } catch (error) {
    if (!(error instanceof NotAllowed)) throw error;
    throw new InvalidArgumentError(`It ${error.message}. Expected http://host:port.`);
  }
  throw new InvalidArgumentError("Expected http://host:port.");
}
