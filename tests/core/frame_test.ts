import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { frameResults } from "../../src/core/frame.ts";
import { newEngine, runBatch } from "./engine_rig.ts";
import { names, readingsOf } from "./readings.ts";
import { decodeRecords, textOf } from "./record_twin.ts";

const rows = fc.array(readingsOf({ devices: fc.oneof(names, fc.constantFrom("a", "b")) }), {
  minLength: 1,
  maxLength: 150,
  size: "max",
}).map((readings) => runBatch(newEngine(), { readings, lanes: 0 }).rows[0]);

Deno.test("results taken out of a row and framed again are the row, byte for byte", () => {
  fc.assert(
    fc.property(rows, (row) => {
      const results = decodeRecords(row).map(({ key, value, headers: [id, tenant] }) => ({
        device: textOf(key),
        id: id.value,
        tenant: tenant.value,
        value,
      }));
      assert.equal(Buffer.compare(frameResults(results), row.body), 0);
    }),
    { numRuns: 60 },
  );
});
