import assert from "node:assert/strict";
import fc from "fast-check";
import { parseReading, Reading } from "../../src/core/reading.ts";
import { readingText, Simulation } from "../../src/simulation/simulation.ts";
import { anySettings, numbersOf, simulation, START } from "./fleet.ts";

Deno.test("the same settings give the same readings, in whatever order they are asked for", () => {
  fc.assert(fc.property(
    anySettings,
    fc.array(fc.nat({ max: 1_000_000 }), { maxLength: 50 }),
    (settings, numbers) => {
      const one = new Simulation(settings);
      const other = new Simulation({ ...settings });
      const forwards = numbers.map((number) => one.reading(number));
      const backwards = numbers.toReversed().map((number) => other.reading(number)).toReversed();
      assert.deepEqual(forwards, backwards);
    },
  ));
});

Deno.test("another seed gives other readings", () => {
  const values = (seed: number) =>
    Array.from({ length: 100 }, (_, i) => simulation({ seed, faults: [] }).reading(i)!.temperature);
  const [one, other] = [values(1), values(2)];
  const same = one.filter((value, i) => value === other[i]).length;
  assert.ok(same < 5, `${same} of 100 are the same`);
});

Deno.test("what is sent is a valid reading that says the same", () => {
  const reading = new Reading();
  fc.assert(fc.property(anySettings, fc.nat({ max: 10_000_000 }), (settings, number) => {
    const made = new Simulation(settings).reading(number);
    if (made === undefined) return;
    const bytes = new TextEncoder().encode(readingText(made));
    assert.equal(parseReading(reading, bytes, 0, bytes.length), null);
    const { device_id, tenant_id, ...rest } = JSON.parse(readingText(made));
    assert.deepEqual([device_id, tenant_id], [made.device, made.tenant]);
    assert.equal(Date.parse(rest.timestamp), made.time);
    assert.equal(rest.temperature, made.temperature);
    assert.equal(rest.humidity, made.humidity);
  }));
});

Deno.test("every device has a name of its own and one tenant, and all tenants have devices", () => {
  const fleet = simulation({ devices: 40, tenants: 7 });
  const tenants = new Map<string, string>();
  for (let number = 0; number < 400; number++) {
    const { device, tenant } = fleet.deviceOf(number);
    assert.equal(tenants.get(device) ?? tenant, tenant);
    tenants.set(device, tenant);
  }
  assert.equal(tenants.size, 40);
  assert.equal(new Set(tenants.values()).size, 7);
});

Deno.test("a device's readings are evenly apart, and those of the fleet between them", () => {
  const fleet = simulation({ devices: 4, stepMs: 1000 });
  const times = Array.from({ length: 9 }, (_, number) => fleet.timeOf(number) - START);
  assert.deepEqual(times, [0, 250, 500, 750, 1000, 1250, 1500, 1750, 2000]);
});

Deno.test("a sound sensor never leaves the built-in range", () => {
  fc.assert(
    fc.property(anySettings, fc.nat({ max: 100_000_000 }), (settings, number) => {
      const { temperature, humidity } = new Simulation({ ...settings, faults: [] })
        .reading(number)!;
      assert.ok(temperature > 12 && temperature < 28, `${temperature} °C`);
      assert.ok(humidity > 27 && humidity < 73, `${humidity} %`);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("afternoons are warm and dry, nights cool and moist", () => {
  const fleet = simulation({ devices: 1, tenants: 1, faults: [], stepMs: 60_000 });
  const at = (hour: number) => {
    const readings = numbersOf(fleet, { device: 0, steps: 5 * 1440 })
      .map((number) => fleet.reading(number)!)
      .filter(({ time }) => new Date(time).getUTCHours() === hour);
    const mean = (values: number[]) => values.reduce((sum, it) => sum + it, 0) / values.length;
    return {
      temperature: mean(readings.map((it) => it.temperature)),
      humidity: mean(readings.map((it) => it.humidity)),
    };
  };
  const [day, night] = [at(15), at(3)];
  assert.ok(day.temperature - night.temperature > 2, `${day.temperature}, ${night.temperature}`);
  assert.ok(night.humidity - day.humidity > 6, `${day.humidity}, ${night.humidity}`);
});

Deno.test("readings of a sound sensor are noisy: it hardly ever repeats itself", () => {
  const fleet = simulation({ faults: [], stepMs: 1000 });
  const values = numbersOf(fleet, { device: 2, steps: 1000 })
    .map((number) => fleet.reading(number)!.temperature);
  const repeats = values.filter((value, i) => i > 0 && value === values[i - 1]).length;
  assert.ok(repeats < 50, `${repeats} of 1000 repeat the one before`);
});
