import assert from "node:assert/strict";
import fc from "fast-check";
import { isSampled } from "../../src/core/sampling.ts";
import { names } from "./readings.ts";
import { isSampledPlainly } from "./result_twin.ts";

Deno.test("the decision is that of the plain hash", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(fc.property(share, names, names, names, (sampling, tenant, device, id) => {
    const sampled = isSampled(sampling, { tenant, device, id });
    assert.equal(sampled, isSampledPlainly(sampling, [tenant, device, id]));
    assert.equal(isSampled(sampling, { tenant, device, id }), sampled, "twice the same");
  }));
});

Deno.test("the share is kept: 100,000 readings, and of one device as well as of many", () => {
  for (const sampling of [0.01, 0.1, 0.5, 0.9]) {
    for (const devices of [1, 1000]) {
      let taken = 0;
      for (let i = 0; i < 100_000; i++) {
        const reading = { tenant: "t", device: `device-${i % devices}`, id: `in-0-${i}` };
        if (isSampled(sampling, reading)) taken++;
      }
      const expected = 100_000 * sampling;
      const deviation = Math.sqrt(expected * (1 - sampling));
      assert.ok(
        Math.abs(taken - expected) < 4 * deviation,
        `${taken} taken of 100,000 at ${sampling} with ${devices} devices`,
      );
    }
  }
});

Deno.test("0 takes none, 1 takes all, and a larger share takes what a smaller one took", () => {
  for (let i = 0; i < 2000; i++) {
    const reading = { tenant: "t", device: "d", id: `in-0-${i}` };
    assert.equal(isSampled(0, reading), false);
    assert.equal(isSampled(1, reading), true);
    if (isSampled(0.2, reading)) assert.ok(isSampled(0.3, reading));
  }
});

Deno.test("names that only differ in where one ends are decided apart", () => {
  let different = 0;
  for (let i = 0; i < 1000; i++) {
    const one = isSampled(0.5, { tenant: "a", device: "bc", id: String(i) });
    const other = isSampled(0.5, { tenant: "ab", device: "c", id: String(i) });
    if (one !== other) different++;
  }
  assert.ok(different > 400, `${different} of 1,000`);
});
