import assert from "node:assert/strict";
import { type RunOptions, runSimulation } from "../../src/commands/simulation_run.ts";
import type { Delivery, Target } from "../../src/commands/simulation_target.ts";
import type { SimulatedReading } from "../../src/simulation/simulation.ts";
import { simulation } from "../simulation/fleet.ts";

/** A target that keeps what it takes; `answer` says how much of a batch that is. */
function recorder(answer: (batch: readonly SimulatedReading[], call: number) => Partial<Delivery>) {
  const taken: number[] = [];
  let calls = 0;
  const target: Target = {
    name: "the target",
    maxBatch: 10,
    send(batch) {
      const unsent = answer(batch, ++calls).unsent ?? [];
      const left = batch.filter((reading) => !unsent.includes(reading));
      taken.push(...left.map(({ number }) => number));
      const delivery = { accepted: left.length, rejected: [], ...answer(batch, calls), unsent };
      return Promise.resolve(delivery);
    },
    close: () => Promise.resolve(),
  };
  return { target, taken };
}

function run(target: Target, options: Partial<RunOptions> = {}) {
  const told: string[] = [];
  const done = runSimulation({
    simulation: simulation({ faults: [] }),
    target,
    first: 0,
    rate: 0,
    stop: new AbortController().signal,
    now: () => performance.now(),
    onNumber() {},
    tell: (line) => told.push(line),
    onProgress() {},
    ...options,
  });
  return done.then((outcome) => ({ ...outcome, told }));
}

const upTo = (end: number) => Array.from({ length: end }, (_, i) => i);

Deno.test("exactly the readings that were asked for are sent, in their order", async () => {
  const { target, taken } = recorder(() => ({}));
  const { counts, failure, told } = await run(target, { count: 137 });
  assert.deepEqual(taken, upTo(137));
  assert.deepEqual(counts, { sent: 137, accepted: 137, rejected: 0, unanswered: 0, next: 137 });
  assert.equal(failure, undefined);
  assert.deepEqual(told, []);
});

Deno.test("silent devices make it no fewer: the count is of readings", async () => {
  const fleet = simulation({ faults: ["silence"] });
  const { target, taken } = recorder(() => ({}));
  const noted: number[] = [];
  const { counts } = await run(target, {
    simulation: fleet,
    first: 100,
    count: 3000,
    onNumber: (number) => noted.push(number),
  });
  assert.equal(taken.length, 3000);
  assert.ok(counts.next > 3100, "some were silent");
  assert.deepEqual(noted, upTo(counts.next).slice(100), "the silent ones are noted, too");
  assert.deepEqual(taken, noted.filter((number) => fleet.reading(number) !== undefined));
});

Deno.test("what isn't taken is sent again: nothing is skipped, nothing twice, told once", async () => {
  const { target, taken } = recorder((batch, call) =>
    call % 2 === 1 && call < 6
      ? { unsent: batch.slice(3), failure: { message: `trouble ${call}` } }
      : {}
  );
  const { counts, told } = await run(target, { count: 20 });
  assert.deepEqual(taken.toSorted((a, b) => a - b), upTo(20));
  assert.deepEqual([counts.accepted, counts.unanswered], [20, 0]);
  assert.deepEqual(told, [
    "the target doesn't take readings: trouble 1. Trying again until it does.",
    "the target takes readings again, after 0 s.",
    "the target doesn't take readings: trouble 3. Trying again until it does.",
    "the target takes readings again, after 0 s.",
  ]);
});

Deno.test("an outage is told once, however often it is tried", async () => {
  const { target, taken } = recorder((batch, call) =>
    call < 4 ? { unsent: batch, failure: { message: "away" } } : {}
  );
  const { told } = await run(target, { count: 10 });
  assert.equal(told.filter((line) => line.includes("away")).length, 1);
  assert.deepEqual(taken, upTo(10));
});

Deno.test("rejected readings are counted, each reason told once", async () => {
  const { target } = recorder((batch) => ({
    accepted: batch.length - 2,
    rejected: batch.slice(0, 2).map((reading) => ({ reading, message: "not liked" })),
  }));
  const { counts, told } = await run(target, { count: 30 });
  assert.deepEqual([counts.sent, counts.accepted, counts.rejected], [30, 24, 6]);
  assert.deepEqual(told, ["rejected: not liked"]);
});

Deno.test("a target that can't be sent to ends it, with the reason", async () => {
  const { target } = recorder((batch) => ({
    unsent: batch,
    failure: { message: "status 404", final: true },
  }));
  const { counts, failure } = await run(target, { count: 30 });
  assert.equal(failure, "status 404");
  assert.deepEqual(counts, { sent: 10, accepted: 0, rejected: 0, unanswered: 10, next: 10 });
});

Deno.test("the stop ends an outage; what has no answer is counted", async () => {
  const stop = new AbortController();
  const { target } = recorder((batch) => ({ unsent: batch, failure: { message: "away" } }));
  const { counts, failure } = await run(target, { stop: stop.signal, tell: () => stop.abort() });
  assert.equal(failure, undefined);
  assert.deepEqual([counts.sent, counts.unanswered], [10, 10]);
});

Deno.test("the stop waits for the answers that are on their way", async () => {
  const stop = new AbortController();
  const { target: ready } = recorder(() => ({}));
  const target: Target = {
    ...ready,
    async send(batch) {
      stop.abort();
      await new Promise((resolve) => setTimeout(resolve));
      return await ready.send(batch);
    },
  };
  const { counts } = await run(target, { stop: stop.signal });
  assert.deepEqual([counts.sent, counts.accepted, counts.unanswered], [10, 10, 0]);
});

Deno.test("a rate is kept until the time is over", async () => {
  const { target, taken } = recorder(() => ({}));
  const begun = performance.now();
  await run(target, { rate: 100, durationMs: 500 });
  const seconds = (performance.now() - begun) / 1000;
  assert.ok(seconds >= 0.49 && seconds < 5, `${seconds} s`);
  assert.ok(taken.length > 10 && taken.length <= 1 + 100 * seconds, `${taken.length} readings`);
});
