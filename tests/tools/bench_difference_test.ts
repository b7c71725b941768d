import assert from "node:assert/strict";
import { verdict } from "../bench/difference.ts";

Deno.test("a difference counts only outside the spread, and single spoiled runs don't widen it", () => {
  const before = { name: "before", runs: [4.0, 4.1, 3.9, 4.0, 4.1, 9.0, 4.0] };
  const same = { name: "after", runs: [4.1, 4.0, 4.1, 4.0, 3.9, 4.1, 4.2] };
  const slower = { name: "after", runs: [4.6, 4.5, 4.5, 4.4, 4.5, 4.6, 8.0] };
  assert.match(verdict(before, same), /0\.100 us \(2\.5 %\), spread 0\.100 us: no difference/);
  assert.match(
    verdict(before, slower),
    /0\.500 us \(12\.5 %\), spread 0\.100 us: after is slower$/,
  );
  assert.match(verdict(slower, before), /-0\.500 us .*: before is faster$/);
  assert.match(verdict({ ...before, runs: [4] }, { ...same, runs: [5] }), /of fewer than 7 runs/);
});
