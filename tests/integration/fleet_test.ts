/** A fleet that doesn't fit into memory: devices go to SQLite and come back with all they had. */
import assert from "node:assert/strict";
import { produce, type TestRecord } from "../harness/kafka.ts";
import { seededRandom } from "./load.ts";
import { makeRoad } from "./road.ts";

const DEVICES = 5_000;
const ROUNDS = 6;

/** Every device once, in any order; some with values that only an exact sum adds up right. */
function round(number: number, random: () => number): TestRecord[] {
  const devices = Array.from({ length: DEVICES }, (_, i) => ({ name: `fleet-${i}`, at: random() }));
  devices.sort((a, b) => a.at - b.at);
  return devices.map(({ name }) => {
    const temperature = random() < 0.1 ? random() * 1e15 : (random() * 40).toFixed(2);
    const humidity = (random() * 100).toFixed(2);
    const metrics = random() < 0.2 ? `,"metrics":{"co2":${Math.round(random() * 1000)}}` : "";
    const timestamp = `2026-01-01T00:00:0${number}.000Z`;
    const value = `{"device_id":"${name}","temperature":${temperature},"humidity":${humidity}` +
      `${metrics},"timestamp":"${timestamp}"}`;
    return { key: name, value };
  });
}

Deno.test("5,000 devices in 1 MiB of memory keep their statistics, over a kill, too", async () => {
  const random = seededRandom(5);
  const env = { FLEET_MAX_BYTES: "1MiB", MAX_READINGS: "4" };
  await using road = await makeRoad({ name: "fleet", env });
  await road.start();
  for (let number = 0; number < ROUNDS / 2; number++) {
    await produce(road.input, round(number, random));
  }
  await road.until((counters) => counters.read > DEVICES);
  await road.program.kill("SIGKILL");
  await road.start();
  for (let number = ROUNDS / 2; number < ROUNDS; number++) {
    await produce(road.input, round(number, random));
  }
  const { expectation } = await road.assertRight({ maxReadings: 4 });
  assert.equal(expectation.devices.size, DEVICES);
  assert.equal(expectation.results.length, DEVICES * ROUNDS);
});
