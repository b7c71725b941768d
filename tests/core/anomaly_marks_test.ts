import assert from "node:assert/strict";
import * as fc from "fast-check";
import { anomalyMarks } from "../../src/core/anomaly_marks.ts";
import { frameResults } from "../../src/core/frame.ts";
import { RecordReader } from "../../src/core/record.ts";

const encoder = new TextEncoder();

/** Names that look like the mark, or a part of it. */
const name = fc.oneof(
  fc.string({ minLength: 1, unit: "binary" }).filter((text) => text.isWellFormed()),
  fc.constantFrom(
    '"is_anomaly":true',
    'x","is_anomaly":true,"',
    "is_anomaly",
    '\\"is_anomaly":true',
  ),
);

const result = fc.record({
  device: name,
  tenant: name,
  id: fc.string(),
  isAnomaly: fc.boolean(),
  metric: fc.constantFrom("is_anomaly", "co2"),
  detail: name,
});

Deno.test("the marks within values are those of the anomalies, whatever names look like", () => {
  fc.assert(
    fc.property(fc.array(result, { maxLength: 8 }), (results) => {
      const body = frameResults(
        results.map(({ device, tenant, id, isAnomaly, metric, detail }) => ({
          device,
          tenant,
          id,
          value: encoder.encode(JSON.stringify({
            device_id: device,
            metrics: { [metric]: 1 },
            tenant_id: tenant,
            is_anomaly: isAnomaly,
            reasons: [{ metric, detail }],
            id,
          })),
        })),
      );
      const marks = anomalyMarks(body);
      assert.deepEqual(marks, marks.toSorted((a, b) => a - b));
      const records = new RecordReader({ body, count: results.length });
      const found: number[] = [];
      while (records.next()) {
        const { valueStart, valueEnd } = records;
        found.push(marks.filter((mark) => mark >= valueStart && mark < valueEnd).length);
      }
      assert.deepEqual(found, results.map(({ isAnomaly }) => isAnomaly ? 1 : 0));
    }),
    { numRuns: 500 },
  );
});

Deno.test("a row is read on from any of its records", () => {
  const count = 5;
  const body = frameResults(
    Array.from({ length: count }, (_, i) => ({
      device: `d${i}`,
      tenant: "t",
      id: String(i),
      value: encoder.encode(`{"n":${i}}`),
    })),
  );
  const keys = (records: RecordReader) => {
    const read: string[] = [];
    while (records.next()) {
      read.push(new TextDecoder().decode(body.subarray(records.keyStart, records.keyEnd)));
    }
    return read;
  };
  const all = keys(new RecordReader({ body, count }));
  for (let record = 1; record < count; record++) {
    const before = new RecordReader({ body, count });
    while (before.index < record) before.next();
    const rest = new RecordReader({ body, count }, { record, at: before.end });
    assert.deepEqual(keys(rest), all.slice(record));
    assert.equal(rest.index, count);
  }
});
