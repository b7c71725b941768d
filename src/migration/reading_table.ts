/** The readings that both engines were given: they tell why only one of them has a result. */
import { parseReading, Reading } from "../core/reading.ts";
import {
  type ComparedResult,
  type Fields,
  type Format,
  isObject,
  measuredText,
  nameText,
  parseLoosely,
  secondOf,
} from "./compared_result.ts";
import { type Reason, reasons } from "./reasons.ts";
import { hash, placeOf, type Side, type TemporaryDatabase } from "./result_table.ts";

/** What an engine makes of a reading; null: nothing. */
type Key = Pick<ComparedResult, "tenant" | "device" | "second" | "fields"> | null;

export interface Judged {
  readonly old: Key;
  readonly new: Key;
  /** Why they aren't the same; null: they are, or nothing known explains it. */
  readonly reason: Reason | null;
}

const COLUMNS = "side TEXT, place INTEGER, second INTEGER, measured INTEGER, reason TEXT";
const ROWS_A_COMMIT = 20_000;

export class ReadingTable {
  readonly #db: TemporaryDatabase;
  readonly #insert: { run(...values: unknown[]): unknown };
  #format: Format = "go";
  #find: { get(...values: unknown[]): unknown } | undefined;
  #count = 0;
  #rows = 0;
  /** The last row of each round; rows are numbered as they come. */
  readonly #ends = new Map<number, number>();

  constructor(db: TemporaryDatabase) {
    this.#db = db;
    db.exec(`CREATE TABLE readings (${COLUMNS})`);
    this.#insert = db.prepare("INSERT INTO readings VALUES (?,?,?,?,?)");
  }

  get count(): number {
    return this.#count;
  }

  /** `format`: of the old engine; the round in which the reading came. */
  add(bytes: Uint8Array, { format, round }: { format: Format; round: number }): void {
    this.#format = format;
    const judged = judge(bytes, format);
    for (const side of ["old", "new"] as const) {
      const key = judged[side];
      if (key === null) continue;
      this.#insert.run(
        side,
        placeOf(key),
        key.second,
        measuredHash(key.fields),
        judged.reason && JSON.stringify(judged.reason),
      );
      this.#ends.set(round, ++this.#rows);
    }
    if (++this.#count % ROWS_A_COMMIT === 0) this.#db.exec("COMMIT; BEGIN");
  }

  /** Before `find`, after the first readings: an index that is there from the start costs more. */
  makeIndex(): void {
    this.#db.exec(
      "CREATE INDEX IF NOT EXISTS readings_by_key ON readings (side, place, measured, second)",
    );
    this.#find ??= this.#db.prepare(
      "SELECT count(*) AS count, max(reason) AS reason FROM readings " +
        "WHERE side = ? AND place = ? AND measured = ? AND (second IS NULL OR ? IS NULL OR second = ?)",
    );
  }

  /** Those of this round and before. */
  forget(round: number): void {
    for (const [before, end] of this.#ends) {
      if (before > round) break;
      this.#db.exec(`DELETE FROM readings WHERE rowid <= ${end}`);
      this.#ends.delete(before);
    }
  }

  /** The readings that this result can be of: how many, and what is known of one. After `makeIndex`. */
  find(side: Side, result: ComparedResult): { count: number; reason: Reason | null } {
    // Python's results bear no time.
    const second = this.#format === "python" ? null : result.second;
    const key = [side, placeOf(result), measuredHash(result.fields), second, second];
    const { count, reason } = this.#find!.get(...key) as { count: number; reason: string | null };
    return { count, reason: reason === null ? null : JSON.parse(reason) };
  }
}

/** What isn't there may have become a 0. */
function measuredHash({ temperature, humidity }: Fields): number {
  return hash(measuredText({ temperature: temperature ?? 0, humidity: humidity ?? 0 }));
}

const register = new Reading();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const loose = new TextDecoder("utf-8", { ignoreBOM: true });

/** What both engines make of a reading, as far as that decides who has a result. */
export function judge(bytes: Uint8Array, format: Format): Judged {
  const refusal = parseReading(register, bytes, 0, bytes.length);
  const now = refusal === null ? keyOf(JSON.parse(strict.decode(bytes))) : null;
  const given = looseFields(bytes);
  const old = given === null ? null : format === "python" ? pythonKey(given) : goKey(given);
  if (old === null && now === null) return { old, new: now, reason: null };
  return { old, new: now, reason: reasonOf({ bytes, given, old, now, refusal, format }) };
}

function looseFields(bytes: Uint8Array): Fields | null {
  try {
    const value = parseLoosely(loose.decode(bytes));
    // The early Go engine takes a top-level null as an empty object.
    return value === null ? {} : isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const NAIVE = /T\d\d:\d\d:\d\d(\.\d+)?$/;

function keyOf(fields: Fields): Key {
  const { device_id, tenant_id, timestamp } = fields;
  const second = typeof timestamp === "string" && NAIVE.test(timestamp)
    ? secondOf(`${timestamp}Z`)
    : secondOf(timestamp);
  return { device: nameText(device_id), tenant: nameText(tenant_id || "default"), second, fields };
}

const FIELDS = ["device_id", "temperature", "humidity", "timestamp", "tenant_id"];
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Both Go engines: the early one's `unknown` and zeros, too. */
function goKey(given: Fields): Key {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const field = FIELDS.find((it) => it === name.toLowerCase());
    if (field !== undefined && value !== null) fields[field] = value;
  }
  const { device_id = "", tenant_id = "", temperature = 0, humidity = 0, timestamp } = fields;
  const isTaken = typeof device_id === "string" && typeof tenant_id === "string" &&
    [temperature, humidity].every(Number.isFinite) &&
    (timestamp === undefined ||
      RFC3339.test(String(timestamp)) && secondOf(timestamp) !== null);
  return isTaken ? keyOf({ ...fields, device_id: device_id || "unknown" }) : null;
}

function pythonKey(given: Fields): Key {
  const { device_id = "unknown", tenant_id, temperature = null, humidity = null } = given;
  const isTaken = Boolean(tenant_id) && tenant_id !== "tenant2" &&
    [temperature, humidity].every((it) => typeof it === "number" || typeof it === "boolean");
  return isTaken
    ? { device: nameText(device_id), tenant: nameText(tenant_id), second: null, fields: given }
    : null;
}

function reasonOf(
  of: {
    bytes: Uint8Array;
    given: Fields | null;
    old: Key;
    now: Key;
    refusal: string | null;
    format: Format;
  },
): Reason | null {
  const { old, now, format } = of;
  const given = of.given ?? {};
  const isCaseless = format === "go" &&
    Object.keys(given).some((name) =>
      !FIELDS.includes(name) && FIELDS.includes(name.toLowerCase())
    );
  if (old !== null && now !== null) return isCaseless ? reasons.caseless : null;
  if (now !== null) {
    const { timestamp, tenant_id: tenant, temperature, humidity } = given;
    if (format === "go") {
      if (typeof timestamp === "string" && NAIVE.test(timestamp)) return reasons.timestamp;
      return isCaseless ? reasons.caseless : null;
    }
    if (tenant === "tenant2") return reasons.tenant2;
    if (!tenant) return reasons.missingTenant;
    const isMissing = [temperature, humidity].some((it) => it === undefined || it === null);
    return isMissing ? reasons.missingMetric : null;
  }
  if (isCaseless) return reasons.caseless;
  if (!isUtf8(of.bytes)) return reasons.notUtf8;
  const { device_id: device = null } = given;
  if (device === null || device === "") return reasons.unknownDevice;
  if (hasOtherValues(given)) return reasons.values;
  const isName = typeof device === "string" && of.refusal!.startsWith("device_id");
  return isName ? reasons.names : reasons.refused;
}

/** A metric that is there and no finite number. */
export function hasOtherValues({ temperature, humidity }: Fields): boolean {
  return [temperature, humidity].some((value) => !Number.isFinite(value ?? 0));
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
