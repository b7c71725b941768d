import assert from "node:assert/strict";
import { DEFAULT_SETTINGS, expectFrom, type Settings } from "./expectation.ts";
import { describe } from "./findings.ts";
import { partitionOf } from "./murmur2.ts";
import type { InputRecord, OutputRecord } from "./records.ts";
import { checkResults } from "./results.ts";
import type { WindowStatistics } from "./series.ts";

const TOPIC = "in";
const PARTITIONS = 4;
const WRITTEN = Date.parse("2026-01-01T00:00:10.000Z");
const PROCESSED = Date.parse("2026-01-01T00:00:10.250Z");
const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Options {
  readonly settings?: Settings;
}

function input(values: readonly (string | null)[]): InputRecord[] {
  return values.map((value, offset) => ({
    partition: 1,
    offset,
    value: value === null ? null : encoder.encode(value),
    timestamp: WRITTEN,
  }));
}

/** Temperatures 1, 2, 3 … of two devices in turn, with one record that is no reading. */
function sample(): InputRecord[] {
  const values = Array.from(
    { length: 12 },
    (_, i) =>
      `{"device_id":"dev-${i % 2}","temperature":${i + 1}.1,"humidity":50,` +
      `"timestamp":"2026-01-01T00:00:0${i % 10}Z","tenant_id":"acme"}`,
  );
  values.splice(5, 0, "garbage");
  return input(values);
}

/** What a faultless engine writes for the input, in input order. */
function faultless(records: readonly InputRecord[], options: Options = {}): OutputRecord[] {
  const expectation = expectFrom(records, {
    idPrefix: `${TOPIC}-`,
    settings: options.settings ?? DEFAULT_SETTINGS,
    observed: { has: () => true, timestamp: () => "2026-01-01T00:00:10.100Z" },
  });
  const next = new Map<number, number>();
  return expectation.results.map((result) => {
    const { reading, score } = result;
    const value = JSON.stringify({
      device_id: reading.device,
      temperature: reading.temperature && Number(reading.temperature.text),
      humidity: reading.humidity && Number(reading.humidity.text),
      metrics: reading.metrics && Object.fromEntries(
        [...reading.metrics].map(([name, { text }]) => [name, Number(text)]),
      ),
      timestamp: reading.timestamp?.text ?? "2026-01-01T00:00:10.100Z",
      processed_at: new Date(PROCESSED).toISOString(),
      tenant_id: reading.tenant,
      is_anomaly: score.anomaly,
      anomaly_score: score.score,
      temperature_stats: shown(result.temperature),
      humidity_stats: shown(result.humidity),
      metrics_stats: result.metrics &&
        Object.fromEntries([...result.metrics].map(([name, window]) => [name, shown(window)])),
      reasons: score.reasons.length > 0 ? score.reasons : undefined,
      id: result.id,
    });
    const key = encoder.encode(reading.device);
    const partition = partitionOf(key, PARTITIONS);
    const offset = next.get(partition) ?? 0;
    next.set(partition, offset + 1);
    const headers = [["id", result.id], ["tenant_id", reading.tenant]] as const;
    return {
      partition,
      offset,
      key,
      headers: headers.map(([name, text]) => [name, encoder.encode(text)] as const),
      value: encoder.encode(value),
      timestamp: PROCESSED,
    };
  });
}

function shown(window: WindowStatistics | undefined): { avg: number; min: number; max: number } {
  const { avg, min, max } = window ?? { avg: 0, min: 0, max: 0 };
  return { avg, min, max };
}

function check(records: readonly InputRecord[], output: readonly OutputRecord[], o: Options = {}) {
  const settings = o.settings ?? DEFAULT_SETTINGS;
  return checkResults(records, output, { topic: TOPIC, outputPartitions: PARTITIONS, settings });
}

function kinds(records: readonly InputRecord[], output: readonly OutputRecord[], o: Options = {}) {
  return check(records, output, o).findings.list().map((one) => one.kind);
}

/** The output with one record's value edited as text. */
function edited(output: OutputRecord[], edit: (value: string) => string, at = 7): OutputRecord[] {
  return output.map((record, index) => {
    if (index !== at || record.value === null) return record;
    const before = decoder.decode(record.value);
    const after = edit(before);
    assert.notEqual(after, before, "the planted error changes nothing");
    return { ...record, value: encoder.encode(after) };
  });
}

function replaced(output: OutputRecord[], change: Partial<OutputRecord>): OutputRecord[] {
  return output.map((record, index) => index === 7 ? { ...record, ...change } : record);
}

Deno.test("a faultless output has no differences", () => {
  const verdict = check(sample(), faultless(sample()));
  assert.equal(describe(verdict.findings.list()), "");
  assert.equal(verdict.duplicates, 0);
  assert.equal(verdict.expectation.results.length, 12);
  assert.equal(verdict.expectation.rejections.length, 1);
});

Deno.test("a result written down by hand from the contract has no differences", () => {
  const records = input([
    '{"device_id":"a","temperature":35.2,"humidity":45,"timestamp":"2026-01-01T00:00:00"}',
    '{"device_id":"a","temperature":-0.0,"metrics":{"co2":400.50},"timestamp":"2026-01-01T02:00:00+02:00","tenant_id":null}',
  ]);
  const values = [
    '{"device_id":"a","temperature":35.2,"humidity":45,"timestamp":"2026-01-01T00:00:00Z","processed_at":"2026-01-01T00:00:10.250Z","tenant_id":"default","is_anomaly":false,"anomaly_score":1,"temperature_stats":{"avg":35.2,"min":35.2,"max":35.2},"humidity_stats":{"avg":45,"min":45,"max":45},"reasons":[{"detector":"range","metric":"temperature","score":1,"detail":"35.2 is above 30"}],"id":"in-1-0"}',
    '{"device_id":"a","temperature":0,"metrics":{"co2":400.5},"timestamp":"2026-01-01T02:00:00+02:00","processed_at":"2026-01-01T00:00:10.250Z","tenant_id":"default","is_anomaly":false,"anomaly_score":1,"temperature_stats":{"avg":17.6,"min":0,"max":35.2},"humidity_stats":{"avg":45,"min":45,"max":45},"metrics_stats":{"co2":{"avg":400.5,"min":400.5,"max":400.5}},"reasons":[{"detector":"range","metric":"temperature","score":1,"detail":"0 is below 10"}],"id":"in-1-1"}',
  ];
  const key = encoder.encode("a");
  const output = values.map((value, offset) => ({
    partition: partitionOf(key, PARTITIONS),
    offset,
    key,
    headers: [
      ["id", encoder.encode(`in-1-${offset}`)],
      ["tenant_id", encoder.encode("default")],
    ] as const,
    value: encoder.encode(value),
    timestamp: PROCESSED,
  }));
  assert.equal(describe(check(records, output).findings.list()), "");
});

Deno.test("a lost reading is reported", () => {
  assert.deepEqual(kinds(sample(), faultless(sample()).toSpliced(7, 1)), ["lost reading"]);
});

Deno.test("an id that came twice is reported and counted apart", () => {
  const output = faultless(sample());
  const verdict = check(sample(), [...output, { ...output[7], offset: 99 }]);
  assert.deepEqual(verdict.findings.list().map((one) => one.kind), ["id twice"]);
  assert.equal(verdict.duplicates, 1);
});

Deno.test("a result of a rejected record is reported", () => {
  const output = edited(faultless(sample()), (value) => value.replace("in-1-8", "in-1-5"));
  const found = kinds(sample(), output);
  assert.ok(found.includes("result without a reading"), found.join());
  assert.ok(found.includes("lost reading"), found.join());
});

Deno.test("wrong windows are reported: mean, min, max, one value too many", () => {
  const output = faultless(sample());
  const wrong = (from: RegExp, to: string) =>
    kinds(sample(), edited(output, (value) => value.replace(from, to)));
  assert.deepEqual(wrong(/"avg":[\d.]+/, '"avg":5.1000000001'), ["wrong temperature_stats"]);
  assert.deepEqual(wrong(/"min":2.1/, '"min":2'), ["wrong temperature_stats"]);
  assert.deepEqual(wrong(/"max":50/, '"max":51'), ["wrong humidity_stats"]);
  const longer = faultless(sample(), { settings: { ...DEFAULT_SETTINGS, maxReadings: 3 } });
  const settings = { ...DEFAULT_SETTINGS, maxReadings: 2 };
  assert.deepEqual(kinds(sample(), longer, { settings }), ["wrong temperature_stats"]);
});

Deno.test("wrong windows of further metrics are reported", () => {
  const records = input([1, 2, 3].map((i) => `{"device_id":"m","metrics":{"a":${i},"b":0.${i}}}`));
  const output = faultless(records);
  assert.equal(describe(check(records, output).findings.list()), "");
  const wrong = edited(output, (value) => value.replace('"avg":0.2,', '"avg":0.21,'), 2);
  assert.deepEqual(kinds(records, wrong), ["wrong metrics_stats"]);
  const missing = edited(output, (value) => value.replace(/,"b":\{[^}]*\}/, ""), 2);
  assert.ok(kinds(records, missing).includes("wrong metrics_stats"));
});

Deno.test("wrong score, flag, reasons and values are reported", () => {
  const output = faultless(sample());
  const wrong = (from: string, to: string) =>
    kinds(sample(), edited(output, (value) => value.replace(from, to)));
  assert.deepEqual(wrong('"anomaly_score":1', '"anomaly_score":0'), ["wrong anomaly_score"]);
  assert.deepEqual(wrong('"is_anomaly":false', '"is_anomaly":true'), ["wrong is_anomaly"]);
  assert.deepEqual(wrong("8.1 is below 10", "8.1 is above 10"), ["wrong reasons"]);
  assert.deepEqual(wrong('"humidity":50', '"humidity":50.5'), ["wrong humidity"]);
  assert.deepEqual(wrong('"tenant_id":"acme"', '"tenant_id":"default"'), ["wrong tenant_id"]);
  assert.deepEqual(wrong('07Z","proc', '07.5Z","proc'), ["wrong timestamp"]);
  assert.deepEqual(wrong('10.250Z"', '10Z"'), ["wrong processed_at", "wrong record timestamp"]);
});

Deno.test("wrong order of a device's results is reported", () => {
  const output = faultless(sample());
  const [first, second] = [output[6], output[8]];
  output[6] = { ...first, offset: second.offset };
  output[8] = { ...second, offset: first.offset };
  assert.deepEqual(kinds(sample(), output), ["wrong order"]);
});

Deno.test("wrong key, headers, partition and record timestamp are reported", () => {
  const output = faultless(sample());
  const { headers } = output[7];
  const wrong = (change: Partial<OutputRecord>) => kinds(sample(), replaced(output, change));
  assert.deepEqual(wrong({ key: encoder.encode("dev-2") }), ["wrong key"]);
  assert.deepEqual(wrong({ key: null }), ["wrong key"]);
  assert.deepEqual(wrong({ headers: [headers[1], headers[0]] }), ["wrong headers"]);
  assert.deepEqual(wrong({ headers: [headers[0]] }), ["wrong headers"]);
  const partition = (output[7].partition + 1) % PARTITIONS;
  assert.ok(wrong({ partition, offset: 50 }).includes("wrong partition"));
  assert.deepEqual(wrong({ timestamp: PROCESSED + 1 }), ["wrong record timestamp"]);
});

Deno.test("bytes that JSON.stringify wouldn't write are reported", () => {
  const output = faultless(sample());
  const wrong = (from: string | RegExp, to: string) =>
    kinds(sample(), edited(output, (value) => value.replace(from, to)));
  assert.deepEqual(wrong('"humidity":50', '"humidity":50.0'), ["wrong bytes"]);
  assert.deepEqual(wrong('"anomaly_score":1', '"anomaly_score": 1'), ["wrong bytes"]);
  assert.deepEqual(wrong(/"min":([\d.]+),"max":([\d.]+)/, '"max":$2,"min":$1'), ["wrong bytes"]);
  assert.deepEqual(wrong('"id":', '"extra":1,"id":'), ["unknown field", "wrong bytes"]);
  const swapped = wrong(/("tenant_id":"acme"),("is_anomaly":false)/, "$2,$1");
  assert.deepEqual(swapped, ["wrong bytes"]);
});

Deno.test("only where a tenant samples may a reading have no result", () => {
  const settings = { ...DEFAULT_SETTINGS, tenants: { tenants: { acme: { sampling: 0.5 } } } };
  // What comes out is what was sampled in: the windows are those of the kept readings.
  const kept = sample().filter((record) => record.offset % 3 !== 0);
  const verdict = check(sample(), faultless(kept, { settings }), { settings });
  assert.equal(describe(verdict.findings.list()), "");
  assert.equal(verdict.expectation.sampledOut, 5);
  assert.ok(kinds(sample(), faultless(kept)).includes("lost reading"));
});

Deno.test("a missing timestamp must be the time of reading it", () => {
  const records = input(['{"device_id":"now","temperature":20}']);
  const output = faultless(records);
  assert.equal(describe(check(records, output).findings.list()), "");
  for (const text of ["2026-01-01T00:00:09.999Z", "2026-01-01T00:00:10.251Z", "now"]) {
    const wrong = edited(output, (value) => value.replace("2026-01-01T00:00:10.100Z", text), 0);
    assert.deepEqual(kinds(records, wrong), ["wrong timestamp"]);
  }
});

Deno.test("a device in two partitions can't be judged, and that is said", () => {
  const records = sample().map((record) =>
    record.offset === 3 ? { ...record, partition: 2 } : record
  );
  assert.ok(kinds(records, faultless(records)).includes("device in several partitions"));
});
