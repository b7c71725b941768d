import assert from "node:assert/strict";
import { Lease } from "../../src/kafka/lease.ts";

function rig() {
  const clock = { wall: 1_770_000_000_000, steady: 5_000 };
  const lease = new Lease(10_000, { wallClock: () => clock.wall, now: () => clock.steady });
  return { clock, lease };
}

Deno.test("a lease lasts for a session from when the request was sent that was answered last", () => {
  const { clock, lease } = rig();
  assert.equal(lease.lasts, false, "nothing was answered yet");
  lease.sent();
  clock.steady += 4_000;
  lease.answered();
  clock.steady += 5_999;
  assert.equal(lease.lasts, true);
  clock.steady += 1;
  assert.equal(lease.lasts, false);
  lease.sent();
  assert.equal(lease.lasts, false, "not before the answer");
  lease.answered();
  assert.equal(lease.lasts, true);
});

Deno.test("a machine that slept for longer than a session has lost it, though its own clock stood", () => {
  const { clock, lease } = rig();
  lease.sent();
  lease.answered();
  clock.wall += 10_000;
  assert.equal(lease.lasts, false);
});

Deno.test("a wall clock that is set either way ends it, too: nobody can tell that from sleep", () => {
  for (const jump of [-3_600_000, 3_600_000]) {
    const { clock, lease } = rig();
    lease.sent();
    lease.answered();
    clock.wall += jump;
    assert.equal(lease.lasts, false);
    lease.sent();
    lease.answered();
    assert.equal(lease.lasts, true, "the next heartbeat mends it");
  }
});
