/** The main job on real input: six hours of four motes, through a real broker. */
import assert from "node:assert/strict";
import { produce, type TestRecord } from "../harness/kafka.ts";
import { makeRoad } from "./road.ts";

const FILE = new URL("../fixtures/wsn/multi-hop.csv", import.meta.url);
const START = Date.parse("2010-05-09T10:00:00Z");
const INTERVAL_MS = 5_000;

/** Every mote's readings, one every 5 s from the same start; the numbers as they stand in the file. */
async function readings(): Promise<TestRecord[]> {
  const lines = (await Deno.readTextFile(FILE)).trim().split("\n").slice(1);
  const sent = new Map<string, number>();
  return lines.map((line) => {
    const [, mote, , humidity, temperature] = line.trim().split(",");
    const number = sent.get(mote) ?? 0;
    sent.set(mote, number + 1);
    const timestamp = new Date(START + number * INTERVAL_MS).toISOString();
    const device = `mote-${mote}`;
    const value = `{"device_id":"${device}","temperature":${temperature},"humidity":${humidity},` +
      `"timestamp":"${timestamp}","tenant_id":"wsn"}`;
    return { key: device, value };
  });
}

Deno.test("every reading of the real motes comes out with its window", async () => {
  await using road = await makeRoad({ name: "motes" });
  const records = await readings();
  await produce(road.input, records);
  await road.start();
  const { expectation } = await road.assertRight();
  assert.equal(expectation.results.length, records.length);
  assert.equal(expectation.devices.size, new Set(records.map((record) => record.key)).size);
  const warm = expectation.results.filter(({ score }) => score.score > 0);
  assert.ok(warm.length > 0 && warm.length < records.length, "some are out of range, not all");
});
