import assert from "node:assert/strict";
import { backoffMs, type Lane, Lanes } from "../../src/storage_service/lanes.ts";
import type { Result } from "../../src/storage_service/records_in_hand.ts";

function resultOf(deviceHash: number): Result {
  const row = { id: 1, time: 0, count: 1, bytes: 0, stored: new Uint8Array(1), next: 0 };
  return {
    row,
    index: 0,
    deviceHash,
    id: String(deviceHash),
    tenant: "default",
    value: new Uint8Array(),
  };
}

/** Lanes of these devices, one result each, with a clock that the test moves. No jitter: half the delay. */
function lanesOf(...devices: number[]) {
  const clock = { ms: 1000 };
  const lanes = new Lanes({ now: () => clock.ms, random: () => 0 });
  for (const device of devices) lanes.add(resultOf(device));
  return { lanes, clock };
}

function take(lanes: Lanes): Lane {
  const lane = lanes.take();
  assert.ok(lane !== undefined, "no lane may be tried");
  return lane;
}

function failNext(lanes: Lanes): Lane {
  const probe = lanes.down;
  const lane = take(lanes);
  lanes.fail(lane, { probe });
  return lane;
}

Deno.test("backoff doubles from 100 ms to 30 s, half of it by chance", () => {
  const delays = (random: number) => [1, 2, 3, 9, 10, 50].map((n) => backoffMs(n, () => random));
  assert.deepEqual(delays(1), [100, 200, 400, 25_600, 30_000, 30_000]);
  assert.deepEqual(delays(0), [50, 100, 200, 12_800, 15_000, 15_000]);
});

Deno.test("many that failed together don't come back together", () => {
  const clock = { ms: 0 };
  let n = 0;
  const lanes = new Lanes({ now: () => clock.ms, random: () => (n++ * 7 % 20) / 20 });
  for (let device = 0; device < 10; device++) {
    lanes.add(resultOf(device));
    // Another one's success between: each failure is the device's own.
    lanes.add(resultOf(100 + device));
  }
  const retries: number[] = [];
  for (let i = 0; i < 10; i++) {
    const failing = take(lanes);
    lanes.fail(failing, { probe: false });
    retries.push(failing.retryAt);
    lanes.succeed(take(lanes), { probe: false });
  }
  assert.equal(new Set(retries).size, 10, retries.join());
  assert.ok(retries.every((at) => at >= 50 && at <= 100), retries.join());
});

Deno.test("after Retry-After one request goes out, and not to the second in all engines", () => {
  for (const [random, at] of [[0, 61_000], [1, 67_000]]) {
    const clock = { ms: 1000 };
    const lanes = new Lanes({ now: () => clock.ms, random: () => random });
    for (const device of [1, 2, 3]) lanes.add(resultOf(device));
    lanes.fail(take(lanes), { probe: false, afterMs: 60_000 });
    assert.equal(lanes.take(), undefined);
    assert.equal(lanes.down, true, "one request at a time from then on");
    assert.equal(lanes.wakeAt, at);
    clock.ms = at;
    take(lanes);
  }
});

Deno.test("lanes take turns; one that is busy isn't handed out again", () => {
  const { lanes } = lanesOf(1, 2);
  lanes.add(resultOf(1));
  const first = take(lanes);
  const second = take(lanes);
  assert.deepEqual([first.key, second.key], [1, 2]);
  lanes.add(resultOf(1));
  assert.equal(lanes.take(), undefined);
  lanes.succeed(first, { probe: false });
  assert.equal(take(lanes), first);
});

Deno.test("a lane that failed waits its time, the others don't", () => {
  const { lanes, clock } = lanesOf(1, 2);
  const lane = failNext(lanes);
  assert.equal(lanes.down, false);
  assert.equal(lanes.wakeAt, 1050);
  lanes.succeed(take(lanes), { probe: false });
  assert.equal(lanes.take(), undefined);
  clock.ms = 1050;
  assert.equal(take(lanes), lane);
});

Deno.test("two that fail without a success between: the service is down, probes get rarer", () => {
  const { lanes, clock } = lanesOf(1, 2, 3, 4, 5);
  failNext(lanes);
  failNext(lanes);
  assert.equal(lanes.down, true);
  const pauses: number[] = [];
  for (let i = 0; i < 6; i++) {
    const before = clock.ms;
    clock.ms = Math.max(before, lanes.wakeAt);
    pauses.push(clock.ms - before);
    failNext(lanes);
  }
  assert.deepEqual(pauses, [0, 50, 100, 200, 400, 800]);
});

Deno.test("a success among requests that were under way before doesn't end it, a probe's does", () => {
  const { lanes } = lanesOf(1, 2, 3, 4);
  const before = take(lanes);
  failNext(lanes);
  failNext(lanes);
  lanes.succeed(before, { probe: false });
  assert.equal(lanes.down, true);
  lanes.succeed(take(lanes), { probe: true });
  assert.equal(lanes.down, false);
});

Deno.test("when the service is back, those that failed while it was away don't wait on", () => {
  const { lanes, clock } = lanesOf(1, 2, 3);
  const one = failNext(lanes);
  const two = failNext(lanes);
  clock.ms = lanes.wakeAt;
  lanes.succeed(take(lanes), { probe: true });
  assert.deepEqual([take(lanes), take(lanes)], [one, two]);
});

Deno.test("a lane that failed before others succeeded says nothing about the service", () => {
  const { lanes, clock } = lanesOf(1, 2);
  const bad = failNext(lanes);
  lanes.succeed(take(lanes), { probe: false });
  clock.ms = bad.retryAt;
  failNext(lanes);
  lanes.add(resultOf(3));
  failNext(lanes);
  assert.equal(lanes.down, false, "one suspect only");
  // Nor is it let go before its time, when the service was away and is back.
  lanes.add(resultOf(4));
  failNext(lanes);
  assert.equal(lanes.down, true);
  lanes.add(resultOf(5));
  lanes.succeed(take(lanes), { probe: true });
  assert.deepEqual([take(lanes).key, take(lanes).key], [3, 4]);
  clock.ms = bad.retryAt - 1;
  assert.equal(lanes.take(), undefined);
  clock.ms = bad.retryAt;
  assert.equal(take(lanes), bad);
});
