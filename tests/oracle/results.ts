/** Compares the output topic with what must stand in it. */
import {
  deviceKey,
  type Expectation,
  type ExpectedResult,
  expectFrom,
  type Settings,
} from "./expectation.ts";
import { Findings } from "./findings.ts";
import { isClose } from "./decimal.ts";
import { partitionOf } from "./murmur2.ts";
import { byPartition, type InputRecord, type OutputRecord } from "./records.ts";
import {
  asObject,
  asString,
  checkBytes,
  decode,
  type Fields,
  type Output,
  parse,
} from "./result_bytes.ts";
import type { WindowStatistics } from "./series.ts";
import { parseTimestamp } from "./timestamp.ts";

export interface Verdict {
  readonly findings: Findings;
  readonly expectation: Expectation;
  /** Output records beyond the first of their id. */
  readonly duplicates: number;
}

const PROCESSED_AT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

export interface Circumstances {
  /** The input topic, never recreated. */
  readonly topic: string;
  /** Of the output topic. */
  readonly outputPartitions: number;
  readonly settings: Settings;
  /** `input` and `output` are what came after this. */
  readonly before?: Expectation;
  /** So far the engine's clock was off; results from then may stand without a timestamp of their own. */
  readonly clockOffMs?: number;
}

export function checkResults(
  input: readonly InputRecord[],
  output: readonly OutputRecord[],
  options: Circumstances,
): Verdict {
  const findings = new Findings();
  const { outputs, duplicates } = collect(output, findings);
  const expectation = expectFrom(input, {
    idPrefix: `${options.topic}-`,
    settings: options.settings,
    before: options.before,
    observed: {
      has: (id) => outputs.has(id),
      timestamp: (id) => asString(outputs.get(id)?.fields.timestamp),
    },
  });
  const { outputPartitions: partitions, clockOffMs = 0 } = options;
  for (const key of expectation.scattered) findings.add("device in several partitions", key);
  const expectedIds = new Set<string>();
  for (const expected of expectation.results) {
    expectedIds.add(expected.id);
    const found = outputs.get(expected.id);
    if (found === undefined) findings.add("lost reading", expected.id);
    else {
      checkValue(found, { expected, findings, clockOffMs });
      checkRecord(found, { expected, findings, partitions, clockOffMs });
      checkBytes(found, { at: expected.id, findings });
    }
  }
  for (const id of outputs.keys()) {
    if (!expectedIds.has(id)) findings.add("result without a reading", id);
  }
  checkOrder(outputs, { expectation, findings });
  return { findings, expectation, duplicates };
}

/** The first result of every id, partition by partition in the order of the log, and how many came again. */
function collect(
  output: readonly OutputRecord[],
  findings: Findings,
): { outputs: Map<string, Output>; duplicates: number } {
  const outputs = new Map<string, Output>();
  let duplicates = 0;
  for (const record of [...byPartition(output).values()].flat()) {
    const at = `output ${record.partition}-${record.offset}`;
    const fields = parse(record.value);
    if (fields === undefined) {
      findings.add("output isn't a JSON object", at);
      continue;
    }
    const id = asString(fields.id);
    if (id === undefined) findings.add("output without id", at);
    else if (!outputs.has(id)) outputs.set(id, { record, fields });
    else {
      duplicates++;
      const first = outputs.get(id)?.record;
      findings.add("id twice", `${id}: ${at}, first ${first?.partition}-${first?.offset}`);
    }
  }
  return { outputs, duplicates };
}

function checkValue(
  found: Output,
  against: { expected: ExpectedResult; findings: Findings; clockOffMs: number },
): void {
  const { fields } = found;
  const { expected, findings } = against;
  const { reading, score, id: at } = expected;
  const compare = (field: string, value: unknown) =>
    findings.compare(`wrong ${field}`, { at, got: fields[field], expected: value });
  const metrics = reading.metrics === undefined
    ? undefined
    : Object.fromEntries([...reading.metrics].map(([name, value]) => [name, Number(value.text)]));
  compare("device_id", reading.device);
  compare("tenant_id", reading.tenant);
  compare("temperature", reading.temperature && Number(reading.temperature.text));
  compare("humidity", reading.humidity && Number(reading.humidity.text));
  compare("metrics", metrics);
  compare("is_anomaly", score.anomaly);
  compare("anomaly_score", score.score);
  compare("reasons", score.reasons.length === 0 ? undefined : score.reasons);
  checkTimes(fields, against);
  for (const metric of ["temperature", "humidity"] as const) {
    const field = `${metric}_stats`;
    checkWindow(fields[field], { at, field, expected: expected[metric], findings });
  }
  const statistics = new Map(Object.entries(asObject(fields.metrics_stats) ?? {}));
  const wanted = [...expected.metrics?.keys() ?? []];
  findings.compare("wrong metrics_stats", { at, got: [...statistics.keys()], expected: wanted });
  for (const name of wanted) {
    const field = `metrics_stats`;
    const window = expected.metrics?.get(name);
    checkWindow(statistics.get(name), { at: `${at} ${name}`, field, expected: window, findings });
  }
}

function checkTimes(
  fields: Fields,
  against: { expected: ExpectedResult; findings: Findings; clockOffMs: number },
): void {
  const { expected, findings, clockOffMs } = against;
  const { id: at, reading } = expected;
  const processedAt = asString(fields.processed_at) ?? "";
  if (!PROCESSED_AT.test(processedAt)) findings.add("wrong processed_at", `${at}: ${processedAt}`);
  if (reading.timestamp !== undefined) {
    const { text } = reading.timestamp;
    findings.compare("wrong timestamp", { at, got: fields.timestamp, expected: text });
    return;
  }
  // The time of reading it: after the record was written, not after its result was made.
  const filled = asString(fields.timestamp) ?? "";
  const ms = parseTimestamp(filled) === undefined ? NaN : Date.parse(filled);
  const from = expected.record.timestamp - clockOffMs;
  if (!(filled.endsWith("Z") && ms >= from && ms <= Date.parse(processedAt))) {
    findings.add("wrong timestamp", `${at}: ${filled} isn't the time of reading it`);
  }
}

function checkWindow(
  got: unknown,
  against: {
    at: string;
    field: string;
    expected: WindowStatistics | undefined;
    findings: Findings;
  },
): void {
  const { avg, min, max, magnitude } = against.expected ??
    { avg: 0, min: 0, max: 0, magnitude: 0 };
  const window = asObject(got) ?? {};
  const right = window.min === min && window.max === max && isClose(window.avg, avg, { magnitude });
  if (right) return;
  const expected = JSON.stringify({ avg, min, max });
  against.findings.add(
    `wrong ${against.field}`,
    `${against.at}: got ${JSON.stringify(got)}, expected ${expected}`,
  );
}

/** Key, headers, partition and timestamp of the record. */
function checkRecord(
  found: Output,
  against: {
    expected: ExpectedResult;
    findings: Findings;
    partitions: number;
    clockOffMs: number;
  },
): void {
  const { expected, findings, clockOffMs } = against;
  const { id: at, reading } = expected;
  const { record, fields } = found;
  const key = new TextEncoder().encode(reading.device);
  const headers = record.headers.map(([name, value]) => [name, decode(value)]);
  findings.compare("wrong key", {
    at,
    got: record.key && decode(record.key),
    expected: reading.device,
  });
  findings.compare("wrong headers", {
    at,
    got: headers,
    expected: [["id", expected.id], ["tenant_id", reading.tenant]],
  });
  const partition = partitionOf(key, against.partitions);
  findings.compare("wrong partition", { at, got: record.partition, expected: partition });
  const processedAt = asString(fields.processed_at) ?? "";
  if (clockOffMs > 0 && record.timestamp === -1) return;
  findings.compare("wrong record timestamp", {
    at,
    got: record.timestamp,
    expected: Date.parse(processedAt),
  });
}

/** A device's results stand in the output in the order of its readings, all in one partition. */
function checkOrder(
  outputs: ReadonlyMap<string, Output>,
  against: { expectation: Expectation; findings: Findings },
): void {
  const results = new Map(against.expectation.results.map((result) => [result.id, result]));
  const last = new Map<string, ExpectedResult>();
  for (const id of outputs.keys()) {
    const result = results.get(id);
    if (result === undefined) continue;
    const key = deviceKey(result.reading.tenant, result.reading.device);
    const before = last.get(key);
    if (before !== undefined && before.record.offset >= result.record.offset) {
      against.findings.add("wrong order", `${result.id} comes after ${before.id}`);
    }
    last.set(key, result);
  }
}
