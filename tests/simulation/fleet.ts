/** Settings of a simulation for tests, and every reading of one device. */
import fc from "fast-check";
import { faultKinds } from "../../src/simulation/faults.ts";
import { Simulation, type SimulationSettings } from "../../src/simulation/simulation.ts";

export const START = Date.UTC(2026, 0, 1);

export function simulation(settings: Partial<SimulationSettings> = {}): Simulation {
  return new Simulation({
    seed: 1,
    devices: 5,
    tenants: 2,
    start: START,
    stepMs: 60_000,
    faults: faultKinds,
    ...settings,
  });
}

export const anySettings: fc.Arbitrary<SimulationSettings> = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  devices: fc.integer({ min: 1, max: 300 }),
  tenants: fc.integer({ min: 1, max: 20 }),
  start: fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }),
  stepMs: fc.constantFrom(1, 1000, 60_000, 3_600_000),
  faults: fc.subarray([...faultKinds]),
});

/** Numbers of the readings of one device, from its first step. */
export function numbersOf(of: Simulation, { device, steps }: { device: number; steps: number }) {
  return Array.from({ length: steps }, (_, step) => step * of.settings.devices + device);
}
