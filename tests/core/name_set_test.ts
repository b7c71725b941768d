import assert from "node:assert/strict";
import * as fc from "fast-check";
import { NameSet } from "../../src/core/name_set.ts";

const encoder = new TextEncoder();
const anyName = fc.string({ unit: "grapheme", maxLength: 5 });

Deno.test("a name is found where its bytes stand, and no other one is", () => {
  let found = 0;
  fc.assert(
    fc.property(fc.array(anyName), anyName, anyName, anyName, (names, before, name, after) => {
      const set = new NameSet(names);
      const isOne = (text: string) => names.includes(text);
      const bytes = encoder.encode(before + name + after);
      const start = encoder.encode(before).length;
      const end = start + encoder.encode(name).length;
      if (isOne(name)) found++;
      assert.equal(set.has(bytes, { start, end }), isOne(name));
      assert.equal(set.has(bytes, { start: 0, end }), isOne(before + name));
      assert.equal(set.has(bytes, { start, end: bytes.length }), isOne(name + after));
    }),
    { numRuns: 2_000 },
  );
  assert.ok(found > 10, `${found}`);
});

Deno.test("names with the same hash are kept apart", () => {
  // Found by search: FNV-1a gives both 813437719.
  const [one, other] = ["1yhht59", "1frrcyc"];
  const set = new NameSet([one]);
  const both = new NameSet([one, other]);
  for (const [name, isOne] of [[one, true], [other, false]] as const) {
    const bytes = encoder.encode(name);
    assert.equal(set.has(bytes, { start: 0, end: bytes.length }), isOne);
    assert.equal(both.has(bytes, { start: 0, end: bytes.length }), true);
  }
});
