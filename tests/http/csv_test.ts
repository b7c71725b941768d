import assert from "node:assert/strict";
import fc from "fast-check";
import { csvLine, downloadName } from "../../src/http/csv.ts";
import { readCsv } from "./csv_twin.ts";

Deno.test("any cells come back, and none of the texts is a formula", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom(..."=+-@\t\r\n\"',;a1\uff1d\uff0b") }),
  );
  const cell = fc.oneof(text, fc.double({ noNaN: true }), fc.constant(undefined));
  fc.assert(
    fc.property(fc.array(fc.array(cell, { minLength: 1, maxLength: 5 })), (lines) => {
      const read = readCsv(lines.map(csvLine).join(""));
      assert.equal(read.length, lines.length);
      for (const [i, line] of lines.entries()) {
        assert.equal(read[i].length, line.length);
        for (const [j, value] of line.entries()) {
          const got = read[i][j];
          if (typeof value !== "string") {
            assert.equal(got, value === undefined ? "" : String(value));
            continue;
          }
          assert.equal(got.startsWith("'") && got.slice(1) === value ? value : got, value);
          assert.doesNotMatch(got, /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/);
        }
      }
    }),
  );
});

Deno.test("what a spreadsheet would run is shown, what it may calculate with stays a number", () => {
  assert.equal(
    csvLine(["=1+1", -5.5, "a,b", 'x"y', "plain"]),
    `"'=1+1",-5.5,"a,b","x""y",plain\r\n`,
  );
});

Deno.test("a download's name is safe, whatever the device is called", () => {
  assert.equal(downloadName("press-7", "csv"), "readings-press-7.csv");
  assert.equal(downloadName('../a"\r\nb\u202e', "json"), "readings-.._a_b_.json");
  assert.ok(downloadName("x".repeat(256), "csv").length < 100);
});
