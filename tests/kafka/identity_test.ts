import assert from "node:assert/strict";
import fc from "fast-check";
import { standing } from "../../src/kafka/identity.ts";

const WIRE = 2 ** 31;

Deno.test("where the broker stands, for any count and any wrap", () => {
  fc.assert(fc.property(
    fc.integer({ min: 0, max: 2 ** 45 }),
    fc.integer({ min: 0, max: 2 ** 29 }),
    fc.integer({ min: -(2 ** 29), max: 2 ** 29 }),
    (acknowledged, inDoubt, moved) => {
      const has = acknowledged + moved; // the broker has every record below
      if (has < 1) return;
      const place = standing((has - 1) % WIRE, { acknowledged, sent: acknowledged + inDoubt });
      if (moved < 0) assert.deepEqual(place, { kind: "behind", missing: -moved });
      else if (moved > inDoubt) assert.deepEqual(place, { kind: "ahead" });
      else assert.deepEqual(place, { kind: "within", sequence: has });
    },
  ));
});

Deno.test("the last sequence before the wrap is followed by 0", () => {
  const at = { acknowledged: WIRE - 2, sent: WIRE + 3 };
  assert.deepEqual(standing(WIRE - 1, at), { kind: "within", sequence: WIRE });
  assert.deepEqual(standing(2, at), { kind: "within", sequence: WIRE + 3 });
  assert.deepEqual(standing(3, at), { kind: "ahead" });
  assert.deepEqual(standing(WIRE - 4, at), { kind: "behind", missing: 1 });
});
