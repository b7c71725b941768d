/** The first tenants by name, out of devices in any order, against a plain map of all of them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { FoundTenants } from "../../src/pipeline/found_tenants.ts";

Deno.test("any devices, names and pages: what is found is what a plain map has", () => {
  const tenant = fc.integer({ min: 0, max: 3000 }).map((n) => `t${n}`);
  const device = fc.record({ tenant, results: fc.nat(9), time: fc.option(fc.nat(9)) });
  let cut = 0;
  fc.assert(
    fc.property(
      fc.array(device, { minLength: 3000, maxLength: 6000 }),
      fc.array(tenant, { maxLength: 2000 }),
      fc.record({
        limit: fc.integer({ min: 1, max: 400 }),
        after: fc.option(tenant, { nil: undefined, freq: 1 }),
        tenants: fc.option(fc.array(tenant, { maxLength: 50 }).map((it) => new Set(it)), {
          nil: undefined,
          freq: 1,
        }),
      }),
      (devices, names, query) => {
        const found = new FoundTenants(query);
        const all = new Map<string, { devices: number; results: number; lastProcessed: number }>();
        const of = (name: string) => {
          const known = all.get(name) ?? { devices: 0, results: 0, lastProcessed: NaN };
          all.set(name, known);
          return known;
        };
        for (const { tenant, results, time } of devices) {
          found.offer(tenant, "d", {
            lastSeenMs: 0,
            results,
            lastProcessed: time,
            lastScore: null,
          });
          const it = of(tenant);
          it.devices++;
          it.results += results;
          if (time !== null) it.lastProcessed = Math.max(time, it.lastProcessed || 0);
        }
        for (const name of names) {
          found.name(name);
          of(name);
        }
        const rest = [...all].filter(([name]) =>
          name > (query.after ?? "") && (query.tenants?.has(name) ?? true)
        ).sort(([a], [b]) => a < b ? -1 : 1);
        const page = rest.slice(0, query.limit).map(([tenant, it]) => ({ tenant, ...it }));
        const next = rest.length > query.limit ? page.at(-1)!.tenant : undefined;
        assert.deepEqual(found.page(), { tenants: page, next });
        cut += rest.length > 1000 ? 1 : 0;
      },
    ),
    { numRuns: 40 },
  );
  assert.ok(cut > 0, "none was thrown away: a test of less");
});
