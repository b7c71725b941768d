/** Each fault has the shape that it claims. */
import assert from "node:assert/strict";
import { type Fault, faultAt, type FaultKind, faultKinds } from "../../src/simulation/faults.ts";
import { type Metric, metrics } from "../../src/simulation/signal.ts";
import type { Simulation } from "../../src/simulation/simulation.ts";
import { numbersOf, simulation } from "./fleet.ts";

const DEVICES = 40;
const STEPS = 8_000;

interface Found {
  readonly fault: Fault;
  /** Numbers of the readings from its first step to its last. */
  readonly numbers: readonly number[];
}

/** Every fault that a fleet has. */
function faultsOf(fleet: Simulation): Found[] {
  const found: Found[] = [];
  for (let device = 0; device < DEVICES; device++) {
    for (const number of numbersOf(fleet, { device, steps: STEPS })) {
      const fault = fleet.faultOf(number);
      if (fault === undefined || fleet.stepOf(number) !== fault.first) continue;
      const numbers = Array.from(
        { length: fault.last - fault.first + 1 },
        (_, i) => number + i * DEVICES,
      );
      found.push({ fault, numbers });
    }
  }
  return found;
}

function rig(kind: FaultKind) {
  const fleet = simulation({ seed: 7, devices: DEVICES, faults: [kind] });
  const sound = simulation({ seed: 7, devices: DEVICES, faults: [] });
  const found = faultsOf(fleet);
  assert.ok(found.length > 100, `${found.length} of ${kind}`);
  return { fleet, sound, found };
}

/** How far a reading is from what the sensor would have shown. */
function error(number: number, at: { fleet: Simulation; sound: Simulation; metric: Metric }) {
  return at.fleet.reading(number)![at.metric] - at.sound.reading(number)![at.metric];
}

Deno.test("a spike is one reading, so far off that the built-in range sees it", () => {
  const { fleet, sound, found } = rig("spike");
  const signs = new Set<number>();
  for (const { fault, numbers } of found) {
    const metric = fault.metric!;
    assert.equal(numbers.length, 1);
    const value = fleet.reading(numbers[0])![metric];
    const [low, high] = metric === "temperature" ? [10, 30] : [20, 80];
    assert.ok(value < low || value > high, `${metric} ${value}`);
    for (const beside of [numbers[0] - DEVICES, numbers[0] + DEVICES]) {
      assert.equal(error(beside, { fleet, sound, metric }), 0);
    }
    signs.add(Math.sign(fault.change));
  }
  assert.deepEqual([...signs].sort(), [-1, 1], "up and down");
});

Deno.test("a drift grows evenly from nothing to its full size, and is gone after its end", () => {
  const { fleet, sound, found } = rig("drift");
  for (const { fault, numbers } of found) {
    const metric = fault.metric!;
    const size = Math.abs(fault.change);
    assert.ok(metric === "temperature" ? size >= 2 && size < 5 : size >= 6 && size < 15);
    assert.ok(numbers.length >= 60 && numbers.length <= 240);
    numbers.forEach((number, i) => {
      const expected = fault.change * (i + 1) / numbers.length;
      const actual = error(number, { fleet, sound, metric });
      assert.ok(Math.abs(actual - expected) <= 0.0101, `${actual} instead of ${expected}`);
    });
    assert.equal(error(numbers.at(-1)! + DEVICES, { fleet, sound, metric }), 0);
  }
});

Deno.test("a stuck sensor repeats its last sound value to the digit; the other goes on", () => {
  const { fleet, sound, found } = rig("stuck");
  for (const { fault, numbers } of found) {
    const metric = fault.metric!;
    const other = metric === "temperature" ? "humidity" : "temperature";
    assert.ok(numbers.length >= 30 && numbers.length <= 120);
    const last = sound.reading(numbers[0] - DEVICES)![metric];
    assert.equal(fleet.reading(numbers[0] - DEVICES)![metric], last, "sound until then");
    for (const number of numbers) {
      assert.equal(fleet.reading(number)![metric], last);
      assert.equal(error(number, { fleet, sound, metric: other }), 0);
    }
    assert.equal(error(numbers.at(-1)! + DEVICES, { fleet, sound, metric }), 0);
  }
});

Deno.test("silence is no reading at all, and nothing but that", () => {
  const { fleet, sound, found } = rig("silence");
  for (const { fault, numbers } of found) {
    assert.equal(fault.metric, undefined);
    assert.ok(numbers.length >= 30 && numbers.length <= 120);
    for (const number of numbers) assert.equal(fleet.reading(number), undefined);
    for (const beside of [numbers[0] - DEVICES, numbers.at(-1)! + DEVICES]) {
      assert.deepEqual(fleet.reading(beside), sound.reading(beside));
    }
  }
});

Deno.test("without a fault a reading is the one of a sound fleet", () => {
  const fleet = simulation({ devices: DEVICES });
  const sound = simulation({ devices: DEVICES, faults: [] });
  for (let number = 0; number < DEVICES * 1000; number++) {
    if (fleet.faultOf(number) !== undefined) continue;
    assert.deepEqual(fleet.reading(number), sound.reading(number));
  }
});

Deno.test("all kinds and both metrics come about equally often", () => {
  const found = faultsOf(simulation({ seed: 3, devices: DEVICES }));
  for (const kind of faultKinds) {
    const share = found.filter(({ fault }) => fault.kind === kind).length / found.length;
    assert.ok(share > 0.2 && share < 0.3, `${kind}: ${share}`);
  }
  const measured = found.filter(({ fault }) => fault.metric !== undefined);
  for (const metric of metrics) {
    const share = measured.filter(({ fault }) => fault.metric === metric).length / measured.length;
    assert.ok(share > 0.4 && share < 0.6, `${metric}: ${share}`);
  }
});

Deno.test("faults of a device don't touch, and none of another kind than asked for comes", () => {
  for (let seed = 0; seed < 50; seed++) {
    let end = 0;
    for (let step = 0; step < STEPS; step++) {
      const fault = faultAt(seed, { step, kinds: ["stuck", "spike"] });
      if (fault === undefined) continue;
      assert.ok(fault.kind === "stuck" || fault.kind === "spike");
      if (fault.first === step) assert.ok(step - end >= 10, `${step} after ${end}`);
      end = fault.last;
    }
    assert.equal(faultAt(seed, { step: seed * 10, kinds: [] }), undefined);
  }
});
