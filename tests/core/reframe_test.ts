import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import murmur2OfKafkajs from "kafkajs/src/producer/partitioners/default/murmur2.js";
import { reframe, splitRow } from "../../src/core/reframe.ts";
import { newEngine, runBatch } from "./engine_rig.ts";
import { names, readingsOf } from "./readings.ts";
import { decodeRecords, type PlainRecord } from "./record_twin.ts";

const rows = fc.array(readingsOf({ devices: fc.oneof(names, fc.constantFrom("a", "b")) }), {
  minLength: 1,
  maxLength: 150,
  size: "max",
}).map((readings) => runBatch(newEngine(), { readings, lanes: 0 }).rows[0]);

/** All of a record but its size, which its number in the row changes. */
function content(record: PlainRecord) {
  const { key, value, headers } = record;
  return { key, value, headers };
}

Deno.test("re-framed rows have the same records, each in its key's lane, in order", () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 9 }), (row, lanes) => {
      const records = decodeRecords(row).map(content);
      const framed = reframe(row, lanes);
      const lanesSeen = framed.map(({ lane }) => lane);
      assert.deepEqual(lanesSeen, [...new Set(lanesSeen)].sort((a, b) => a - b), "a row per lane");
      for (let lane = 0; lane < lanes; lane++) {
        const expected = records.filter(({ key }) =>
          (murmur2OfKafkajs(Buffer.from(key)) & 0x7fffffff) % lanes === lane
        );
        const piece = framed.find((each) => each.lane === lane);
        assert.deepEqual(piece === undefined ? [] : decodeRecords(piece).map(content), expected);
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("a row is split into rows that are small enough, or hold one record", () => {
  const bounds = fc.oneof(
    fc.integer({ min: 1, max: 3000 }),
    fc.integer({ min: 3000, max: 60_000 }),
  );
  fc.assert(
    fc.property(rows, bounds, (row, maxBytes) => {
      const records = decodeRecords(row);
      const pieces = splitRow(row, maxBytes);
      const decoded = pieces.map(decodeRecords);
      assert.deepEqual(decoded.flat().map(content), records.map(content));
      pieces.forEach(({ body, count }, i) => {
        assert.ok(body.length <= maxBytes || count === 1, `${body.length} bytes, ${count} records`);
        // The next piece's first record didn't fit; its number may have been a byte or two longer.
        const next = decoded[i + 1]?.[0];
        if (next !== undefined) assert.ok(body.length + next.size + 4 > maxBytes - 2 * count);
      });
    }),
    { numRuns: 60 },
  );
});

Deno.test("a full row keeps its records when their numbers get shorter", () => {
  // Numbers of two bytes become numbers of one, and a record of 64 bytes may so lose its length's second byte.
  const readings = Array.from({ length: 1500 }, (_, i) => `{"device_id":"device-${i % 50}"}`);
  const [row] = runBatch(newEngine(), { readings, lanes: 1 }).rows;
  const records = decodeRecords(row).map(content);
  for (const maxBytes of [row.body.length, row.body.length - 1, 100_000, 5000]) {
    const pieces = splitRow(row, maxBytes);
    assert.deepEqual(pieces.flatMap(decodeRecords).map(content), records);
    if (maxBytes === row.body.length) assert.equal(pieces.length, 1);
  }
});
