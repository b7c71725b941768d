import assert from "node:assert/strict";
import fc from "fast-check";
import { RecordReader, RECORDS_START } from "../../src/core/record.ts";
import { newEngine, runBatch } from "./engine_rig.ts";
import { readingsOf } from "./readings.ts";
import { decodeRecords, textOf } from "./record_twin.ts";

Deno.test("a row's records are read back as a decoder of Kafka's format reads them", () => {
  fc.assert(
    fc.property(fc.array(readingsOf(), { minLength: 1, maxLength: 12 }), (readings) => {
      for (const row of runBatch(newEngine(), { readings, lanes: 2 }).rows) {
        const records = decodeRecords(row);
        const reader = new RecordReader(row);
        let at = RECORDS_START;
        records.forEach(({ size, key, value, headers }, i) => {
          assert.equal(reader.next(), true);
          const text = (start: number, end: number) => textOf(row.body.subarray(start, end));
          assert.equal(reader.index, i + 1);
          assert.deepEqual([reader.start, reader.end], [at, at + size]);
          assert.equal(text(reader.keyStart, reader.keyEnd), textOf(key));
          assert.equal(text(reader.valueStart, reader.valueEnd), textOf(value));
          assert.equal(text(reader.idStart, reader.idEnd), headers[0].value);
          assert.equal(text(reader.tenantStart, reader.tenantEnd), headers[1].value);
          assert.ok(reader.keyLengthStart < reader.keyStart);
          assert.equal(reader.headersStart, reader.valueEnd);
          at += size;
        });
        assert.equal(reader.next(), false);
        assert.equal(reader.next(), false);
      }
    }),
    { numRuns: 150 },
  );
});

Deno.test("a row that was cut off is no row, wherever it was cut", () => {
  const readings = Array.from({ length: 3 }, (_, i) => `{"device_id":"d${i}"}`);
  const [{ body, count }] = runBatch(newEngine(), { readings, lanes: 1 }).rows;
  for (let length = RECORDS_START; length < body.length; length++) {
    const reader = new RecordReader({ body: body.subarray(0, length), count });
    assert.throws(() => {
      while (reader.next());
    }, new RegExp(`reading a journal row: record [012] of 3 ends at \\d+, the row at ${length}`));
  }
});

Deno.test("a length that never ends is no length", () => {
  const body = new Uint8Array(RECORDS_START + 20).fill(0xff, RECORDS_START);
  assert.throws(() => new RecordReader({ body, count: 1 }).next(), /no varint ends at byte 66/);
});
