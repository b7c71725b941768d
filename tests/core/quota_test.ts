import assert from "node:assert/strict";
import fc from "fast-check";
import { type DeviceState } from "../../src/core/device.ts";
import { RateQuota } from "../../src/core/quota.ts";
import { type TenantSettings } from "../../src/core/tenant.ts";
import { keyOf, newEngine, runBatch, TIME } from "./engine_rig.ts";
import { PARITY } from "./result_twin.ts";

Deno.test("over any stretch of time at most the burst and the rate are taken", () => {
  const steps = fc.array(
    fc.record({ wait: fc.integer({ min: -2000, max: 5000 }), wanted: fc.nat(20) }),
    { maxLength: 50 },
  );
  const limits = fc.record({
    readingsPerSecond: fc.double({ min: 0.1, max: 50, noNaN: true }),
    burst: fc.integer({ min: 1, max: 30 }),
  });
  fc.assert(fc.property(limits, steps, (limits, steps) => {
    const quota = new RateQuota(limits);
    let time = 1e12, forward = 0, taken = 0;
    for (const { wait, wanted } of steps) {
      time += wait;
      forward += Math.max(0, wait);
      const most = limits.burst + forward * limits.readingsPerSecond / 1000;
      const [before, available] = [taken, quota.available(time)];
      assert.equal(quota.available(time), available, "asking takes none");
      for (let i = 0; i < wanted; i++) if (quota.take(time)) taken++;
      assert.equal(taken - before, Math.min(wanted, available));
      assert.ok(taken <= most + 1e-6, `${taken} of at most ${most}`);
    }
    quota.take(time + 1e9);
    let full = 1;
    while (quota.take(time + 1e9)) full++;
    assert.equal(full, limits.burst, "a long pause fills it, no more");
  }));
});

const text = (tenant: string, device: string) =>
  `{"device_id":"${device}","tenant_id":"${tenant}","temperature":20}`;

Deno.test("a tenant over its rate is refused, the others go on; the next second it may again", () => {
  const limited = { ...PARITY, quotas: { readingsPerSecond: 2, burst: 3, over: "drop" } } as const;
  const engine = newEngine({ settings: (tenant) => tenant === "loud" ? limited : PARITY });
  const readings = Array.from({ length: 10 }, (_, i) => text(i % 2 === 0 ? "loud" : "calm", "d"));
  const { kinds, reasons } = runBatch(engine, { readings });
  assert.deepEqual(kinds.filter((_, i) => i % 2 === 1), new Array(5).fill("result"));
  assert.deepEqual(kinds.filter((_, i) => i % 2 === 0), [
    ...new Array(3).fill("result"),
    ...new Array(2).fill("over quota"),
  ]);
  assert.equal(
    reasons[0],
    'quota: expected at most 2 readings a second of tenant "loud", got one more',
  );
  assert.deepEqual([...engine.tally.overQuota], [["loud", 2]]);
  assert.equal(engine.fleet.inMemory("loud", "d")!.temperature.count, 3);
  const later = runBatch(engine, { readings, offset: 10, firstId: 9, time: TIME + 1000 });
  assert.equal(later.kinds.filter((it) => it === "over quota").length, 3);
  engine.fleet.reconfigure();
  const reloaded = runBatch(engine, { readings, offset: 20, firstId: 19, time: TIME + 1000 });
  assert.equal(reloaded.kinds.filter((it) => it === "over quota").length, 5, "no new burst");
});

Deno.test("a device too many is refused, known ones go on, from the archive, too", () => {
  const archive = new Map<string, DeviceState>();
  let settings: TenantSettings = { ...PARITY, quotas: { devices: 2, over: "drop" } };
  const engine = newEngine({ archive, settings: () => settings });
  const send = (...devices: string[]) =>
    runBatch(engine, { readings: devices.map((device) => text("t", device)) });
  assert.deepEqual(send("a", "b", "c", "a").kinds, ["result", "result", "over quota", "result"]);
  const all = ["a", "b"].map((id) => engine.fleet.inMemory("t", id)!);
  for (const device of all) archive.set(keyOf("t", device.id), device.toState(1));
  engine.fleet.forget(all);
  const again = send("c", "a", "d");
  assert.deepEqual(again.kinds, ["over quota", "result", "over quota"]);
  assert.equal(again.reasons[0], 'quota: expected at most 2 devices of tenant "t", got one more');
  settings = { ...PARITY, quotas: { devices: 3, over: "drop" } };
  engine.fleet.reconfigure();
  assert.deepEqual(send("c", "d").kinds, ["result", "over quota"]);
});
