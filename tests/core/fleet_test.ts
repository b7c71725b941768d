import assert from "node:assert/strict";
import fc from "fast-check";
import { type Device, type DeviceState } from "../../src/core/device.ts";
import { Fleet } from "../../src/core/fleet.ts";
import { parseReading, Reading } from "../../src/core/reading.ts";
import { keyOf } from "./engine_rig.ts";
import { names } from "./readings.ts";
import { PARITY } from "./result_twin.ts";

const encoder = new TextEncoder();

function readingOf(tenant: string, device: string): Reading {
  const bytes = encoder.encode(
    JSON.stringify({ device_id: device, tenant_id: tenant, temperature: 1 }),
  );
  const reading = new Reading();
  assert.equal(parseReading(reading, bytes, 0, bytes.length), null);
  return reading;
}

function newFleet(options: { archive?: Map<string, DeviceState>; maxBytes?: number } = {}) {
  const { archive = new Map<string, DeviceState>(), maxBytes = Infinity } = options;
  const loads: string[] = [];
  const fleet = new Fleet({
    maxReadings: 10,
    maxBytes,
    settings: () => PARITY,
    archive: {
      load(tenant, device) {
        loads.push(keyOf(tenant, device));
        return archive.get(keyOf(tenant, device));
      },
      countOf: (tenant) => [...archive.values()].filter((it) => it.tenant === tenant).length,
    },
  });
  return { fleet, loads, archive };
}

Deno.test("a device is found by its bytes as a Map finds it, through forgetting and coming back", () => {
  const few = fc.oneof(names, fc.constantFrom("a", "ab", "abc", "b", "bc", "c"));
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ tenant: few, device: few }) },
    {
      weight: 1,
      arbitrary: fc.record({ forget: fc.nat(), count: fc.integer({ min: 1, max: 5 }) }),
    },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const { fleet, loads, archive } = newFleet();
      const twin = new Map<string, Device>();
      const everSeen = new Set<string>();
      for (const step of steps) {
        if ("forget" in step) {
          const all = [...twin.values()];
          const gone = all.slice(step.forget % (all.length + 1)).slice(0, step.count);
          for (const device of gone) {
            const key = keyOf(device.tenant.name, device.id);
            archive.set(key, device.toState(7));
            twin.delete(key);
          }
          fleet.forget(gone);
        } else {
          const { tenant, device: id } = step;
          const key = keyOf(tenant, id);
          const known = twin.get(key);
          assert.equal(fleet.inMemory(tenant, id), known);
          loads.length = 0;
          const device = fleet.find(readingOf(tenant, id));
          assert.deepEqual(loads, known === undefined ? [key] : [], "the archive is asked once");
          if (known !== undefined) assert.equal(device, known);
          assert.equal(device.id, id);
          assert.equal(device.tenant.name, tenant);
          if (known === undefined) assert.equal(device.isNew, !archive.has(key));
          device.temperature.push(everSeen.size, 1);
          twin.set(key, device);
          everSeen.add(key);
        }
        assert.equal(fleet.size, twin.size);
        assert.ok(fleet.bytes >= 0);
      }
      for (const [key, device] of twin) {
        assert.equal(fleet.inMemory(device.tenant.name, device.id), device, key);
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("30,000 devices, names that only differ in one place, and every one is itself", () => {
  const { fleet } = newFleet();
  const tenants = ["t", "t1", "default"];
  const all: Device[] = [];
  for (let i = 0; i < 30_000; i++) {
    all.push(fleet.find(readingOf(tenants[i % 3], `device-${Math.floor(i / 3)}`)));
  }
  assert.equal(fleet.size, 30_000);
  for (let i = 0; i < 30_000; i += 97) {
    assert.equal(fleet.find(readingOf(tenants[i % 3], `device-${Math.floor(i / 3)}`)), all[i]);
  }
  fleet.forget(all.filter((_, i) => i % 2 === 0));
  assert.equal(fleet.size, 15_000);
  for (let i = 0; i < 30_000; i += 101) {
    const found = fleet.inMemory(tenants[i % 3], `device-${Math.floor(i / 3)}`);
    assert.equal(found, i % 2 === 0 ? undefined : all[i]);
  }
});

Deno.test("names whose hashes are equal are kept apart", () => {
  // FNV-1a by hand, as the table has it: two names of one length that meet.
  const hash = (name: string) => {
    let hash = 0x811c9dc5 ^ name.length;
    for (const letter of `${name}t`) {
      hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
    }
    return hash ^ (hash >>> 15);
  };
  const seen = new Map<number, string>();
  const pairs: [string, string][] = [];
  for (let i = 1; pairs.length < 3; i++) {
    const name = (Math.imul(i, 2654435761) >>> 0).toString(36).padStart(7, "0");
    const other = seen.get(hash(name));
    if (other !== undefined && other.length === name.length) pairs.push([other, name]);
    seen.set(hash(name), name);
  }
  const { fleet } = newFleet();
  for (const pair of pairs) {
    const [one, other] = pair.map((name) => fleet.find(readingOf("t", name)));
    assert.equal(one.hash, other.hash, "a test of nothing otherwise");
    assert.notEqual(one, other);
    assert.equal(fleet.find(readingOf("t", pair[0])), one);
    assert.equal(fleet.find(readingOf("t", pair[1])), other);
    fleet.forget([one]);
    assert.equal(fleet.inMemory("t", pair[0]), undefined);
    assert.equal(fleet.find(readingOf("t", pair[1])), other);
  }
});

Deno.test("the oldest are put away first, until nine tenths of the bound are left", () => {
  const sizes = fc.array(fc.record({ values: fc.nat({ max: 30 }), batch: fc.nat({ max: 9 }) }), {
    maxLength: 40,
    size: "max",
  });
  fc.assert(fc.property(sizes, fc.integer({ min: 1, max: 60_000 }), (devices, maxBytes) => {
    const { fleet } = newFleet({ maxBytes });
    devices.forEach(({ values, batch }, i) => {
      const device = fleet.find(readingOf("t", `d${i}`));
      for (let n = 0; n < values; n++) device.metric(`m${n}`).push(n, n);
      device.lastBatch = batch;
      fleet.account(device);
    });
    const all = devices.map((_, i) => fleet.inMemory("t", `d${i}`)!);
    assert.equal(fleet.bytes, all.reduce((sum, device) => sum + device.bytes, tenantBytes(all)));
    assert.equal(fleet.overflowing, fleet.bytes > maxBytes);
    const victims = fleet.leastRecentlyUsed();
    const kept = all.filter((device) => !victims.includes(device));
    const youngest = Math.max(...victims.map((device) => device.lastBatch), -1);
    assert.ok(kept.every((device) => device.lastBatch >= youngest));
    const last = victims.at(-1)?.bytes;
    fleet.forget(victims);
    assert.equal(fleet.bytes, kept.reduce((sum, device) => sum + device.bytes, tenantBytes(kept)));
    assert.ok(fleet.bytes <= maxBytes * 0.9 || kept.length === 0);
    if (last !== undefined) {
      assert.ok(fleet.bytes + last + 2000 > maxBytes * 0.9, "not one too many");
    }
  }));
});

Deno.test("tenants share what is theirs, and are forgotten with their last device", () => {
  let asked = 0;
  const fleet = new Fleet({
    maxReadings: 10,
    maxBytes: Infinity,
    archive: { load: () => undefined, countOf: () => 0 },
    settings: () => (asked++, PARITY),
  });
  const [a, b] = ["a", "b"].map((id) => fleet.find(readingOf("t", id)));
  assert.equal(a.tenant, b.tenant);
  assert.equal(asked, 1);
  fleet.forget([a]);
  assert.equal(fleet.find(readingOf("t", "a")).tenant, b.tenant);
  assert.equal(asked, 1);
  fleet.forget([b, fleet.inMemory("t", "a")!]);
  assert.notEqual(fleet.find(readingOf("t", "a")).tenant, b.tenant);
  assert.equal(asked, 2);
  const left = fleet.inMemory("t", "a")!;
  assert.equal(fleet.bytes, left.bytes + left.tenant.bytes);
  fleet.forget([left]);
  assert.equal(fleet.bytes, 0);
  assert.equal(fleet.pieceBytes, 0);
});

Deno.test("pages that devices of another size have left are used again, or given up", () => {
  const { fleet } = newFleet({ maxBytes: 4e6 });
  const evict = () => {
    while (fleet.overflowing) fleet.forget(fleet.leastRecentlyUsed());
  };
  let batch = 1;
  // Each length has pieces of a size of its own; one name in thirty stays.
  for (let length = 10; length < 250; length += 8) {
    const come: Device[] = [];
    for (let i = 0; i < 3000; i++) {
      const device = fleet.find(readingOf("t", `${i}`.padEnd(length, "x")));
      device.lastBatch = i % 30 === 0 ? 1e9 : batch++;
      come.push(device);
      evict();
      assert.ok(fleet.bytes <= 4e6 && fleet.unusedBytes < 4e6 / 4 + 2.2e6, `at ${length}`);
    }
    for (const device of come) device.lastBatch %= 1e9;
  }
  assert.ok(fleet.size > 0);
});

function tenantBytes(devices: readonly Device[]): number {
  const tenants = new Set(devices.map(({ tenant }) => tenant));
  return [...tenants].reduce((sum, tenant) => sum + tenant.bytes, 0);
}
