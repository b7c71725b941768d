import assert from "node:assert/strict";
import fc from "fast-check";
import { edits, nearName } from "../../src/core/near_name.ts";

Deno.test("edits: insertions, deletions, replacements, neighbours exchanged", () => {
  const table: [string, string, number][] = [
    ["", "", 0],
    ["", "abc", 3],
    ["PROT", "PORT", 1],
    ["abc", "ac", 1],
    ["abc", "abxc", 1],
    ["abc", "axc", 1],
    ["ca", "abc", 3],
    ["abcd", "badc", 2],
  ];
  for (const [a, b, distance] of table) assert.equal(edits(a, b), distance, `${a} ${b}`);
});

Deno.test("edits: the same both ways, nothing only for the same, at most the longer length", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });
  fc.assert(fc.property(word, word, (a, b) => {
    const distance = edits(a, b);
    assert.equal(distance, edits(b, a));
    assert.equal(distance === 0, a === b);
    assert.ok(distance <= Math.max(a.length, b.length));
  }));
});

Deno.test("the nearest name, if it is near enough", () => {
  const known = ["limit", "after", "tenant"];
  assert.equal(nearName("tennant", known, () => 1), "tenant");
  assert.equal(nearName("tennnant", known, () => 1), undefined);
  assert.equal(nearName("limits", [], () => 1), undefined);
});
