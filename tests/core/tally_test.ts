import assert from "node:assert/strict";
import { Tally } from "../../src/core/tally.ts";
import { Tenant } from "../../src/core/tenant.ts";
import { PARITY } from "./result_twin.ts";

Deno.test("every judged reading is kept with its tenant, verdict and arrival, however many", () => {
  const tally = new Tally();
  const tenants = ["a", "b", "c"].map((name) => new Tenant(name, PARITY));
  for (const [round, count] of [5000, 3, 20_000].entries()) {
    tally.clear();
    assert.deepEqual([tally.judged, tally.sampledOut, tally.rejected, tally.tenants.length], [
      0,
      0,
      0,
      0,
    ]);
    // Another order in every round: a tenant's number is the batch's alone.
    const tenantOf = (i: number) => tenants[(i + round) % 3];
    for (let i = 0; i < count; i++) tally.judge(tenantOf(i), i % 5 === 0, 1e12 + i);
    assert.equal(tally.judged, count);
    for (let i = 0; i < count; i++) {
      const code = tally.codes[i];
      assert.equal(tally.tenants[code >> 1], tenantOf(i));
      assert.equal(code & 1, i % 5 === 0 ? 1 : 0);
      assert.equal(tally.arrivals[i], 1e12 + i);
    }
  }
});
