/** The main job on real input: six hours of four motes, through a real broker. */
import assert from "node:assert/strict";
import { produce } from "../harness/kafka.ts";
import { moteReadings } from "./motes.ts";
import { makeRoad } from "./road.ts";

Deno.test("every reading of the real motes comes out with its window", async () => {
  await using road = await makeRoad({ name: "motes" });
  const records = await moteReadings();
  await produce(road.input, records);
  await road.start();
  const { expectation } = await road.assertRight();
  assert.equal(expectation.results.length, records.length);
  assert.equal(expectation.devices.size, new Set(records.map((record) => record.key)).size);
  const warm = expectation.results.filter(({ score }) => score.score > 0);
  assert.ok(warm.length > 0 && warm.length < records.length, "some are out of range, not all");
});
