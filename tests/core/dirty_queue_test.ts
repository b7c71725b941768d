import assert from "node:assert/strict";
import fc from "fast-check";
import { type Device } from "../../src/core/device.ts";
import { DirtyQueue } from "../../src/core/dirty_queue.ts";

/** All that the queue knows of a device. */
function deviceOf(name: number): Device {
  return { id: String(name), dirtySince: 0 } as Device;
}

Deno.test("the queue is the devices that are behind, in the order in which they fell behind", () => {
  const devices = 6;
  const step = fc.record({
    device: fc.integer({ min: 0, max: devices - 1 }),
    saved: fc.boolean(),
    limit: fc.integer({ min: 1, max: 8 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const queue = new DirtyQueue();
      const all = Array.from({ length: devices }, (_, name) => deviceOf(name));
      const behind: Device[] = [];
      steps.forEach(({ device: name, saved, limit }, i) => {
        const device = all[name];
        if (saved) {
          device.dirtySince = 0;
          if (behind.includes(device)) behind.splice(behind.indexOf(device), 1);
        } else if (device.dirtySince === 0) {
          device.dirtySince = i + 1;
          queue.push(device);
          behind.push(device);
        }
        assert.equal(queue.oldest(), behind[0]);
        assert.deepEqual(queue.next(limit), behind.slice(0, limit));
      });
    }),
    { numRuns: 500 },
  );
});

Deno.test("entries of devices that were saved out of turn don't pile up behind one that wasn't", () => {
  const queue = new DirtyQueue();
  const stuck = deviceOf(0);
  stuck.dirtySince = 1;
  queue.push(stuck);
  for (let since = 2; since < 100_000; since++) {
    const device = deviceOf(since);
    device.dirtySince = since;
    queue.push(device);
    device.dirtySince = 0;
  }
  assert.equal(queue.oldest(), stuck);
  assert.ok(queue.length < 5000, `${queue.length} entries for one device`);
});
