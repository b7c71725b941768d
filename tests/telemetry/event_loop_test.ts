import assert from "node:assert/strict";
import { EventLoopDelay } from "../../src/telemetry/event_loop.ts";

Deno.test("the delay is what a beat comes later than it was due", () => {
  let time = 1_000;
  const delays: number[] = [];
  const delay = new EventLoopDelay(250, {
    now: () => time,
    observe: (seconds) => delays.push(seconds),
  });
  for (const passed of [250, 400, 250, 249]) {
    time += passed;
    delay.beat();
  }
  assert.deepEqual(delays, [0, 0.15, 0, 0]);
});

Deno.test("a loop that stands still is seen by an interval", async () => {
  const delays: number[] = [];
  const delay = new EventLoopDelay(20, {
    now: () => performance.now(),
    observe: (seconds) => delays.push(seconds),
  });
  const beats: (() => void)[] = [];
  const timer = setInterval(() => {
    delay.beat();
    beats.shift()?.();
  }, 20);
  const beat = () => new Promise<void>((resolve) => beats.push(resolve));
  await beat();
  const busyUntil = performance.now() + 120;
  while (performance.now() < busyUntil);
  await beat();
  clearInterval(timer);
  assert.ok(delays.at(-1)! >= 0.099, String(delays));
});
