/** Why only one of the engines has a result, as far as the result itself or the readings tell. */
import { type ComparedResult, isObject } from "./compared_result.ts";
import { hasOtherValues, type ReadingTable } from "./reading_table.ts";
import { type Reason, reasons, unexplained } from "./reasons.ts";
import type { Side } from "./result_table.ts";

export interface Lonely {
  readonly side: Side;
  readonly result: ComparedResult;
  /** So many pairs there are of the same device, second and values. */
  readonly alike: number;
}

/** `readings`: null where they weren't given. */
export function whyAlone(
  lonely: Lonely,
  { oldFormat, readings }: { oldFormat: string; readings: ReadingTable | null },
): Reason {
  const { side, result, alike } = lonely;
  if (oldFormat !== "plumbline") {
    const known = side === "new" ? onlyNew(result, oldFormat) : onlyOld(result, oldFormat);
    if (known !== null) return known;
  }
  const who = side === "new" ? "only Plumbline has a result" : "only the old engine has a result";
  if (readings === null) {
    return unexplained(alike > 0 ? `${who}, one more of several alike (--input tells)` : who);
  }
  const { count, reason } = readings.find(side, result);
  if (reason !== null) return reason;
  if (count === 0) return unexplained(`${who}, and there is no such reading`);
  return side === "old" && alike >= count
    ? reasons.duplicate
    : unexplained(`${who}, and there is the reading`);
}

/** A ULID: it came over HTTP. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

function onlyNew({ fields, tenant }: ComparedResult, oldFormat: string): Reason | null {
  if (ULID.test(String(fields.id))) return reasons.overHttp;
  if (oldFormat === "go") return tenant === "tenant2" ? reasons.sampling : null;
  if (tenant === "tenant2") return reasons.tenant2;
  if (fields.temperature === undefined || fields.humidity === undefined) {
    return reasons.missingMetric;
  }
  return tenant === "default" ? reasons.missingTenant : null;
}

/** The rules of a name: the contract, section 1. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const LONGEST_NAME = 256;

function onlyOld({ fields }: ComparedResult, oldFormat: string): Reason | null {
  const { device_id: device, tenant_id: tenant } = fields;
  if (oldFormat === "go" && tenant === "tenant2") return reasons.sampling;
  if (typeof device !== "string" || typeof tenant !== "string") return reasons.refused;
  if (hasOtherValues(fields)) return reasons.values;
  if (device !== "" && !isName(device) || !isName(tenant)) return reasons.names;
  return device.includes("\ufffd") && oldFormat === "go" ? reasons.notUtf8 : null;
}

function isName(name: string): boolean {
  return name.trim() !== "" && [...name].length <= LONGEST_NAME && !CONTROL.test(name);
}

/** Why only the old engine has statistics of a device. */
export function deviceWhyAlone(device: string): Reason {
  if (device !== "" && !isName(device)) return reasons.names;
  if (device.includes("\ufffd")) return reasons.notUtf8;
  return unexplained("only the old engine knows a device");
}

/** For an example: what is worth reading of a result. */
export function shortened(value: string): unknown {
  try {
    const fields: unknown = JSON.parse(value);
    if (isObject(fields) && value.length <= 2000) return fields;
  } catch {
    // Python's numbers, or no result at all.
  }
  return value.slice(0, 300);
}
