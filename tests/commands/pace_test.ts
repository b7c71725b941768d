import assert from "node:assert/strict";
import { Pace } from "../../src/commands/pace.ts";

function paceAt(rate: number) {
  const clock = { ms: 1000 };
  return { clock, pace: new Pace(rate, () => clock.ms) };
}

Deno.test("a rate is kept, however seldom one asks, and fractions aren't lost", () => {
  const { clock, pace } = paceAt(3);
  let taken = 0;
  for (let i = 0; i < 100; i++) {
    clock.ms += 130;
    taken += pace.take(1000);
  }
  assert.equal(taken, 1 + 3 * 13);
});

Deno.test("one may go at once; what was missed is caught up for a second at most", () => {
  const { clock, pace } = paceAt(100);
  assert.equal(pace.take(1000), 1);
  clock.ms += 60_000;
  assert.equal(pace.take(40), 40);
  assert.equal(pace.take(1000), 60);
  assert.equal(pace.take(1000), 0);
});

Deno.test("it says when the next is due", () => {
  const { clock, pace } = paceAt(4);
  pace.take(1);
  assert.equal(pace.wait(), 250);
  clock.ms += 100;
  pace.take(1);
  assert.equal(Math.round(pace.wait()), 150);
  assert.equal(new Pace(0, () => 0).take(7), 7);
  assert.equal(new Pace(0, () => 0).wait(), 0);
});
