import assert from "node:assert/strict";
import fc from "fast-check";
import { partitionOf } from "../../src/core/murmur2.ts";
import { keyOf, newEngine, runBatch } from "./engine_rig.ts";
import { names, readingsOf } from "./readings.ts";

Deno.test("a device goes on from its state as if it had never been put away", () => {
  const few = fc.constantFrom("one", '"two"', "\ufeffthree");
  const readings = fc.array(readingsOf({ devices: few, tenants: few }), {
    maxLength: 30,
    size: "max",
  });
  fc.assert(
    fc.property(
      readings,
      readings,
      fc.integer({ min: 1, max: 6 }),
      (before, after, maxReadings) => {
        const stayed = newEngine({ maxReadings });
        runBatch(stayed, { readings: before });
        const archive = new Map();
        for (const tenant of ["one", '"two"', "\ufeffthree", "default"]) {
          for (const device of ["one", '"two"', "\ufeffthree"]) {
            const found = stayed.fleet.inMemory(tenant, device);
            if (found !== undefined) archive.set(keyOf(tenant, device), found.toState(9));
          }
        }
        const came = newEngine({ maxReadings, archive });
        came.restore(stayed.totals.toState(9));
        const batch = { readings: after, offset: 100, firstId: 10 };
        assert.deepEqual(runBatch(came, batch), runBatch(stayed, batch));
        for (const key of archive.keys()) {
          const [tenant, device] = JSON.parse(key);
          const back = came.fleet.inMemory(tenant, device)?.toState(20);
          if (back === undefined) continue; // not in the second part
          assert.deepEqual(back, stayed.fleet.inMemory(tenant, device)!.toState(20));
        }
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("a device's lane is its id's partition alone, and follows the count", () => {
  fc.assert(fc.property(names, names, (id, tenant) => {
    const engine = newEngine();
    const text = JSON.stringify({ device_id: id, tenant_id: tenant });
    runBatch(engine, { readings: [text] });
    const device = engine.fleet.inMemory(tenant, id)!;
    const key = new TextEncoder().encode(id);
    for (const lanes of [4, 1, 7, 7, 0, 4]) {
      assert.equal(device.lane(lanes), lanes === 0 ? 0 : partitionOf(key, lanes));
    }
  }));
});

Deno.test("last_seen never goes back", () => {
  const engine = newEngine();
  const seen = (timestamp: string | null) => {
    runBatch(engine, { readings: [JSON.stringify({ device_id: "d", timestamp })] });
    return engine.fleet.inMemory("default", "d")!.lastSeen;
  };
  assert.equal(seen("2026-01-02T00:00:00"), "2026-01-02T00:00:00Z");
  assert.equal(seen("2026-01-01T00:00:00Z"), "2026-01-02T00:00:00Z");
  // The same moment: the first one stays.
  assert.equal(seen("2026-01-02T02:00:00+02:00"), "2026-01-02T00:00:00Z");
  assert.equal(seen("2026-01-02T00:00:00.000000001Z"), "2026-01-02T00:00:00Z", "a ms holds no ns");
  assert.equal(seen("2026-01-02T00:00:00.5-01:00"), "2026-01-02T00:00:00.5-01:00");
  assert.equal(seen(null), "2026-02-03T04:05:06.007Z");
  assert.equal(seen("2026-02-03T04:05:06Z"), "2026-02-03T04:05:06.007Z");
  assert.equal(
    seen("2027-12-31T23:59:59.123456789+11:30"),
    "2027-12-31T23:59:59.123456789+11:30",
    "the longest that there is",
  );
  assert.equal(seen(null), "2027-12-31T23:59:59.123456789+11:30");
});
