/**
 * What must become of each of the 89 cases, written down by hand from the contract (sections 1 to 3
 * and the table "On purpose"), not computed. Windows aren't here: they depend on the cases before and
 * are the oracle's.
 */

/** A result's own fields; `timestamp` absent: the time of reading it. */
export interface ExpectedFields {
  readonly device_id: string;
  readonly temperature?: number;
  readonly humidity?: number;
  readonly timestamp?: string;
  readonly tenant_id: string;
  readonly is_anomaly: boolean;
  readonly anomaly_score: number;
  readonly reasons?: readonly ExpectedReason[];
}

export interface ExpectedReason {
  readonly detector: "range";
  readonly metric: string;
  readonly score: number;
  readonly detail: string;
}

export type Expected =
  /** `legacy`: what differs under `deploy/tenants.legacy.json`. */
  | { readonly result: ExpectedFields; readonly legacy?: Legacy }
  /** Results of a case that is sent many times, by the number of the message. */
  | { readonly results: (message: number) => ExpectedFields; readonly legacy?: Legacy }
  /** How the dead letter's reason begins, or what it must say where the contract gives no beginning. */
  | { readonly rejected: string | RegExp };

export interface Legacy {
  readonly is_anomaly?: boolean;
  /** About half of the messages have no result and count as sampled out. */
  readonly sampled?: boolean;
}

const MIDNIGHT = "2026-01-01T00:00:00Z";

/** A normal reading of tenant1, as most cases are. */
function normal(device_id: string, fields: Partial<ExpectedFields> = {}): ExpectedFields {
  return {
    device_id,
    temperature: 21.5,
    humidity: 45.25,
    timestamp: MIDNIGHT,
    tenant_id: "tenant1",
    is_anomaly: false,
    anomaly_score: 0,
    ...fields,
  };
}

function temperature(detail: string): ExpectedReason {
  return { detector: "range", metric: "temperature", score: 1, detail };
}

function humidity(detail: string): ExpectedReason {
  return { detector: "range", metric: "humidity", score: 1, detail };
}

/** One detector fired: the score is below every threshold. */
function suspicious(reason: ExpectedReason) {
  return { anomaly_score: 1, reasons: [reason] };
}

/** Both fired: an anomaly, except for the legacy file's tenants with thresholds above 2. */
function anomalous(...reasons: ExpectedReason[]) {
  return { is_anomaly: true, anomaly_score: 2, reasons };
}

const BOTH_HIGH = anomalous(temperature("35 is above 30"), humidity("90 is above 80"));
const UNREACHABLE: Legacy = { is_anomaly: false };

function countedUp(message: number): ExpectedFields {
  const moist = message + 0.5;
  const reasons: ExpectedReason[] = [];
  if (message < 10) reasons.push(temperature(`${message} is below 10`));
  if (message > 30) reasons.push(temperature(`${message} is above 30`));
  if (moist < 20) reasons.push(humidity(`${moist} is below 20`));
  if (moist > 80) reasons.push(humidity(`${moist} is above 80`));
  return normal("win", {
    temperature: message,
    humidity: moist,
    anomaly_score: reasons.length,
    // 0 to 9 and 80 to 119 have both out.
    is_anomaly: reasons.length === 2,
    reasons: reasons.length === 0 ? undefined : reasons,
  });
}

export const EXPECTED: Readonly<Record<string, Expected>> = {
  "normal, tenant1": { result: normal("dev-1") },
  "no tenant": { result: normal("dev-1", { tenant_id: "default" }) },
  "empty tenant": { result: normal("dev-1", { tenant_id: "default" }) },
  "null tenant": { result: normal("dev-1", { tenant_id: "default" }) },
  "numeric tenant": { rejected: "tenant_id: expected a string, got the number 7" },
  "unknown tenant, in range": { result: normal("dev-1", { tenant_id: "acme" }) },
  "unknown tenant, T out": {
    result: normal("dev-1", {
      tenant_id: "acme",
      temperature: 35,
      ...suspicious(temperature("35 is above 30")),
    }),
  },
  "unknown tenant, T and H out": {
    result: normal("dev-1", { tenant_id: "acme", temperature: 35, humidity: 90, ...BOTH_HIGH }),
  },
  "no tenant, T and H out": {
    result: normal("dev-1", { tenant_id: "default", temperature: 35, humidity: 90, ...BOTH_HIGH }),
  },
  "tenant1, T and H out": {
    result: normal("dev-1", { temperature: 35, humidity: 90, ...BOTH_HIGH }),
    legacy: UNREACHABLE,
  },
  "tenant1, T and H low": {
    result: normal("dev-1", {
      temperature: 5,
      humidity: 10,
      ...anomalous(temperature("5 is below 10"), humidity("10 is below 20")),
    }),
    legacy: UNREACHABLE,
  },
  "boundary 30/80 (default tenant)": {
    result: normal("dev-1", { tenant_id: "acme", temperature: 30, humidity: 80 }),
  },
  "boundary 10/20": {
    result: normal("dev-1", { tenant_id: "acme", temperature: 10, humidity: 20 }),
  },
  "just past 30.000001/80.000001": {
    result: normal("dev-1", {
      tenant_id: "acme",
      temperature: 30.000001,
      humidity: 80.000001,
      ...anomalous(temperature("30.000001 is above 30"), humidity("80.000001 is above 80")),
    }),
  },
  "tenant2 x200, T and H out (sampling)": {
    result: normal("t2", { tenant_id: "tenant2", temperature: 35, humidity: 90, ...BOTH_HIGH }),
    legacy: { is_anomaly: false, sampled: true },
  },
  "temperature only": { result: normal("t-only", { humidity: undefined }) },
  "humidity only": { result: normal("h-only", { temperature: undefined }) },
  "neither": { result: normal("neither", { temperature: undefined, humidity: undefined }) },
  "temperature 0": {
    result: normal("t0", { temperature: 0, ...suspicious(temperature("0 is below 10")) }),
  },
  "humidity 0": {
    result: normal("h0", { humidity: 0, ...suspicious(humidity("0 is below 20")) }),
  },
  "both 0": {
    result: normal("b0", {
      temperature: 0,
      humidity: 0,
      ...anomalous(temperature("0 is below 10"), humidity("0 is below 20")),
    }),
    legacy: UNREACHABLE,
  },
  "negative": {
    result: normal("neg", { temperature: -40.5, ...suspicious(temperature("-40.5 is below 10")) }),
  },
  "-0.0": {
    result: normal("nz", {
      temperature: 0,
      humidity: 45,
      ...suspicious(temperature("0 is below 10")),
    }),
  },
  "null temperature": { result: normal("nt", { temperature: undefined }) },
  "null both": { result: normal("nb", { temperature: undefined, humidity: undefined }) },
  "missing device_id": { rejected: "device_id: required" },
  "empty device_id": { rejected: "device_id: " },
  "null device_id": { rejected: "device_id: " },
  "numeric device_id": { rejected: "device_id: expected a string, got the number 42" },
  "bool device_id": { rejected: "device_id: expected a string, got " },
  "nested device_id": { rejected: "device_id: expected a string, got " },
  "list device_id": { rejected: "device_id: expected a string, got " },
  "unicode/html device_id": { result: normal('d<é>&"\u2028') },
  "device_id with slash": { result: normal("a/b") },
  "blank device_id": { rejected: "device_id: " },
  "temperature as string": { rejected: 'temperature: expected a number, got the string "21.5"' },
  "both as strings": { rejected: 'temperature: expected a number, got the string "21.5"' },
  "temperature bool": { rejected: "temperature: expected a number, got " },
  "temperature object": { rejected: "temperature: expected a number, got " },
  "temperature list": { rejected: "temperature: expected a number, got " },
  "NaN literal": { rejected: "not JSON: " },
  "1e999": { rejected: "temperature: expected a finite number, got " },
  "integer 25": { result: normal("int", { temperature: 25, humidity: 50 }) },
  "float 25.0": { result: normal("flt", { temperature: 25, humidity: 50 }) },
  "many digits": {
    result: normal("dig", {
      temperature: 21.123456789012344,
      humidity: 0.1,
      ...suspicious(humidity("0.1 is below 20")),
    }),
  },
  "1e21 and 1e-7": {
    result: normal("exp", {
      temperature: 1e21,
      humidity: 1e-7,
      ...anomalous(temperature("1e+21 is above 30"), humidity("1e-7 is below 20")),
    }),
    legacy: UNREACHABLE,
  },
  "2^53+1": {
    result: normal("p53", {
      temperature: 9007199254740992,
      humidity: 45,
      ...suspicious(temperature("9007199254740992 is above 30")),
    }),
  },
  "timestamp: no timestamp": { result: normal("ts-no", { timestamp: undefined }) },
  "timestamp: null timestamp": { result: normal("ts-null", { timestamp: undefined }) },
  "timestamp: epoch seconds int": { rejected: "timestamp: expected " },
  "timestamp: epoch float": { rejected: "timestamp: expected " },
  "timestamp: epoch string": { rejected: "timestamp: expected " },
  "timestamp: naive ISO": { result: normal("ts-naive") },
  "timestamp: naive ISO micros (Python isoformat)": {
    result: normal("ts-naive", { timestamp: "2026-01-01T00:00:00.123456Z" }),
  },
  "timestamp: space separator": { rejected: "timestamp: expected " },
  "timestamp: date only": { rejected: "timestamp: expected " },
  "timestamp: offset +02:00": {
    result: normal("ts-offset", { timestamp: "2026-01-01T02:00:00+02:00" }),
  },
  "timestamp: offset +0200": { rejected: "timestamp: expected " },
  "timestamp: millis": { result: normal("ts-millis", { timestamp: "2026-01-01T00:00:00.123Z" }) },
  "timestamp: nanos": {
    result: normal("ts-nanos", { timestamp: "2026-01-01T00:00:00.123456789Z" }),
  },
  "timestamp: lower-case t z": { rejected: "timestamp: expected " },
  "timestamp: garbage": { rejected: "timestamp: expected " },
  "timestamp: empty": { rejected: "timestamp: expected " },
  "timestamp: year 9999": { result: normal("ts-year", { timestamp: "9999-12-31T23:59:59Z" }) },
  "timestamp: year 10000": { rejected: "timestamp: expected " },
  "timestamp: year 1": { result: normal("ts-year", { timestamp: "0001-01-01T00:00:00Z" }) },
  "timestamp: leap second": { rejected: "timestamp: expected " },
  "extra fields": { result: normal("xf") },
  "upper-case field names": { rejected: "device_id: required" },
  "repeated key": { result: normal("rk", { temperature: 22, humidity: 45 }) },
  "duplicate message": { result: normal("dup") },
  "empty object": { rejected: "device_id: required" },
  "object with only device_id": {
    result: normal("only", {
      temperature: undefined,
      humidity: undefined,
      timestamp: undefined,
      tenant_id: "default",
    }),
  },
  "leading/trailing spaces": { result: normal("sp") },
  "900 kB message": { result: normal("huge") },
  "device_id of 10,000 chars": { rejected: "device_id: " },
  "120 readings 0..119, one device": { results: countedUp, legacy: UNREACHABLE },
  "top-level null": { rejected: /object, got null$/ },
  "top-level array": { rejected: /object, got an array$/ },
  "top-level string": { rejected: /object, got the string "hello"$/ },
  "top-level number": { rejected: /object, got the number 5$/ },
  "non-JSON": { rejected: "not JSON: " },
  "empty value": { rejected: "not JSON: " },
  "tombstone (null value)": { rejected: /null.*tombstone/ },
  "trailing garbage": { rejected: "not JSON: " },
  "two objects": { rejected: "not JSON: " },
  "truncated": { rejected: "not JSON: " },
  "invalid UTF-8 in device_id": { rejected: "not UTF-8" },
  "UTF-8 BOM first": { rejected: "not JSON: " },
};
