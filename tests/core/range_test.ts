import assert from "node:assert/strict";
import fc from "fast-check";
import { RangeDetector, type RangeSettings } from "../../src/core/detect/range.ts";
import { anyValue } from "./exact_twin.ts";
import { metricNames } from "./readings.ts";

const bounds = fc.tuple(
  fc.oneof(anyValue, fc.constant(-Infinity)),
  fc.oneof(anyValue, fc.constant(Infinity)),
).map(([a, b]) => a <= b ? { min: a, max: b } : { min: b, max: a });

Deno.test("it fires outside of its bounds alone, and says why", () => {
  const weights = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(bounds, metricNames, weights, anyValue, ({ min, max }, metric, weight, value) => {
      const settings: RangeSettings = { type: "range", metric, min, max, weight };
      const detector = new RangeDetector(settings);
      assert.equal(detector.fires(value), value < min || value > max);
      assert.equal(detector.fires(min), false);
      assert.equal(detector.fires(max), false);
      assert.equal(detector.fires(NaN), false);
      if (!detector.fires(value)) return;
      const bytes = new Uint8Array(500).fill(0x21);
      const end = detector.writeReason(new DataView(bytes.buffer), 3, value);
      const detail = value > max ? `${value} is above ${max}` : `${value} is below ${min}`;
      assert.equal(
        new TextDecoder().decode(bytes.subarray(3, end)),
        JSON.stringify({ detector: "range", metric, score: weight, detail }),
      );
    }),
    { numRuns: 2000 },
  );
});
