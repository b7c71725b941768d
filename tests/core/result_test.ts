import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import KafkaDecoder from "kafkajs/src/protocol/decoder.js";
import decodeByKafkajs from "kafkajs/src/protocol/recordBatch/record/v0/decoder.js";
import { RecordReader } from "../../src/core/record.ts";
import { newEngine, runBatch, TIME } from "./engine_rig.ts";
import { names, readingsOf } from "./readings.ts";
import { decodeRecords, textOf } from "./record_twin.ts";
import { PARITY, PlainEngine, type PlainSettings } from "./result_twin.ts";

const RICH: PlainSettings = {
  threshold: 1.5,
  sampling: 1,
  detectors: [
    ...PARITY.detectors,
    { type: "range", metric: "co2", min: -Infinity, max: 40, weight: 0.1 },
    { type: "range", metric: "pm2.5", min: 5.5, max: Infinity, weight: 1e-7 },
    { type: "range", metric: "__proto__", min: 3, max: 3, weight: 0.2 },
    { type: "range", metric: "temperature", min: 12.25, max: 25, weight: 0 },
  ],
};

function settings(tenant: string): PlainSettings {
  return tenant.length % 2 === 0 ? PARITY : RICH;
}

Deno.test("a result is what JSON.stringify makes of the contract's object, framed as Kafka frames it", () => {
  const few = fc.oneof(names, fc.constantFrom("one", "two"));
  fc.assert(
    fc.property(
      fc.array(readingsOf({ devices: few, tenants: few }), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 0, max: 2 ** 53 - 100 }),
      fc.constantFrom(0, 1, 3, 7),
      (readings, offset, lanes) => {
        const engine = newEngine({ settings, maxReadings: 4 });
        const twin = new PlainEngine({ settings, maxReadings: 4 });
        const expected = readings.map((bytes, i) =>
          twin.apply(bytes, { id: `in-0-${offset + i}`, time: TIME })
        );
        const { kinds, values, rows } = runBatch(engine, { readings, offset, lanes });
        assert.deepEqual(kinds, expected.map(({ kind }) => kind));
        const results = expected.filter((outcome) => outcome.kind === "result");
        assert.deepEqual(values, results.map(({ value }) => value));

        const byValue = new Map(results.map((result, i) => [result.value, { ...result, i }]));
        assert.equal(rows.reduce((sum, row) => sum + row.count, 0), results.length);
        for (const row of rows) {
          let before = -1;
          for (const { key, value, headers } of decodeRecords(row)) {
            const result = byValue.get(textOf(value));
            assert.ok(result, `not expected: ${textOf(value)}`);
            assert.ok(result.i > before, "order within a row");
            before = result.i;
            assert.equal(textOf(key), result.device);
            assert.deepEqual(headers, [
              { name: "id", value: JSON.parse(result.value).id },
              { name: "tenant_id", value: result.tenant },
            ]);
          }
        }
      },
    ),
    { numRuns: 600 },
  );
});

Deno.test("kafkajs decodes the records", () => {
  const readings = Array.from({ length: 300 }, (_, i) => reading(`sensor-${i % 7} é😀`, i));
  const { rows, values } = runBatch(newEngine(), { readings, lanes: 1 });
  const [row] = rows;
  const decoder = new KafkaDecoder(Buffer.from(row.body.subarray(61)));
  values.forEach((value, i) => {
    const record = decodeByKafkajs(new KafkaDecoder(decoder.readVarIntBytes()), {
      firstOffset: "1000",
      firstTimestamp: String(TIME),
    });
    assert.equal(record.value.toString(), value);
    assert.equal(record.key.toString(), `sensor-${i % 7} é😀`);
    assert.equal(record.offset, String(1000 + i));
    assert.equal(record.timestamp, String(TIME));
    assert.equal(record.headers.id.toString(), `in-0-${i}`);
    assert.equal(record.headers.tenant_id.toString(), "default");
  });
  assert.equal(decoder.canReadBytes(1), false);
});

Deno.test("keys, values and records of every length around the borders of the varints", () => {
  const seen = { key: new Set<number>(), value: new Set<number>(), record: new Set<number>() };
  const look = (text: string) => {
    const { rows, values } = runBatch(newEngine(), { readings: [text], lanes: 1 });
    const [{ key, value, size }] = decodeRecords(rows[0]);
    assert.equal(textOf(value), values[0]);
    const reader = new RecordReader(rows[0]);
    assert.ok(reader.next() && !reader.next());
    assert.equal(reader.end - reader.start, size);
    assert.deepEqual(rows[0].body.subarray(reader.valueStart, reader.valueEnd), value);
    assert.deepEqual(rows[0].body.subarray(reader.keyStart, reader.keyEnd), key);
    seen.key.add(key.length);
    seen.value.add(value.length);
    seen.record.add(size);
  };
  for (let length = 1; length <= 256; length++) look(reading("k".repeat(length), length));
  // A name stands in both value and record, a timestamp's fraction only once: all lengths come by.
  for (const nameLength of [44, 48]) {
    const fields = Array.from(
      { length: 32 },
      (_, i) => `"m${i}${"x".repeat(nameLength)}":-1.2345678901234567e-300`,
    );
    for (let filler = 0; filler < 500; filler++) {
      const device = "😀".repeat(100);
      const tenant = "t".repeat(1 + filler % 250);
      const fraction = filler < 250 ? ".5" : ".55";
      look(
        `{"device_id":"${device}","tenant_id":"${tenant}","metrics":{${fields.join(",")}},` +
          `"timestamp":"2026-02-03T04:05:06${fraction}Z"}`,
      );
    }
  }
  for (const border of [63, 64]) assert.ok(seen.key.has(border), `no key of ${border} bytes`);
  for (const border of [8191, 8192]) {
    assert.ok(seen.value.has(border), `no value of ${border} bytes`);
    // What follows a record's length is as long as it says.
    const size = border + (border > 8191 ? 3 : 2);
    assert.ok(seen.record.has(size), `no record of ${size} bytes`);
  }
});

Deno.test("the largest record that there can be stays below what a row keeps free for it", () => {
  const digits = "-1.2345678901234567e-300";
  const metrics = Array.from({ length: 32 }, (_, i) => "m".repeat(62) + String(i).padStart(2, "0"));
  const detectors = Array.from({ length: 128 }, (_, i) => ({
    type: "range" as const,
    metric: metrics[i % 32],
    min: -1.2345678901234567e-301 - i * 1e-310,
    max: Infinity,
    weight: 1.2345678901234567e-300,
  }));
  const fields = metrics.map((name) => `${JSON.stringify(name)}:${digits}`);
  const name = (tail: string) => "\u{10ffff}".repeat(255) + tail;
  const largest = (i: number) =>
    `{"device_id":${JSON.stringify(name(i % 2 ? '"' : "😀"))},"tenant_id":"${name("t")}",` +
    `"temperature":${digits},"humidity":${digits},"metrics":{${fields.join(",")}},` +
    `"timestamp":"2026-02-03T04:05:06.123456789+11:30"}`;
  const engine = newEngine({ settings: () => ({ threshold: 0, sampling: 1, detectors }) });
  const readings = Array.from({ length: 100 }, (_, i) => largest(i));
  // The longest name of a topic, and the largest offset.
  const { kinds, rows, values } = runBatch(engine, { readings, lanes: 1, offset: 2 ** 53 - 100 });
  assert.deepEqual(new Set(kinds), new Set(["result"]));
  assert.equal(JSON.parse(values[0]).reasons.length, 128);
  const longest = Math.max(...rows.flatMap((row) => decodeRecords(row).map(({ size }) => size)));
  assert.ok(longest + 2 * 249 < 98_000, `a record of ${longest} bytes`);
  assert.ok(rows.length > 1);
  for (const { body } of rows) assert.ok(body.length <= 950_000, `a row of ${body.length} bytes`);
  // A row isn't closed long before it has to be, either.
  for (const { body } of rows.slice(0, -1)) assert.ok(body.length > 850_000);
});

Deno.test("weights that add up to more than a double holds: the score is the largest double", () => {
  const detectors = ["temperature", "humidity"].map((metric) => ({
    type: "range" as const,
    metric,
    min: 0,
    max: 1,
    weight: Number.MAX_VALUE,
  }));
  const engine = newEngine({ settings: () => ({ threshold: 2, sampling: 1, detectors }) });
  const { values } = runBatch(engine, { readings: [reading("d", 8)] });
  const result = JSON.parse(values[0]);
  assert.equal(result.anomaly_score, Number.MAX_VALUE);
  assert.equal(result.is_anomaly, true);
});

function reading(device: string, i: number): string {
  return JSON.stringify({
    device_id: device,
    temperature: i / 4,
    humidity: 40 + i % 50,
    timestamp: "2026-02-03T04:05:06Z",
  });
}
