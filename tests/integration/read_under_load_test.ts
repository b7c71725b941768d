/** Statistics are read without a pause while readings of new and known devices pour in over Kafka. */
import assert from "node:assert/strict";
import { makeRoad } from "./road.ts";
import { Writer } from "./load.ts";

const READINGS = 60_000;
/** It goes on until the readers have seen so many different states, or so many readings were sent. */
const STATES = 10;
const MAX_READINGS = 300_000;
const DEVICES = 3_000;
const READERS = 6;

/** Every reading has a temperature and a humidity. */
function record(number: number) {
  const device = `dev-${number % Math.min(DEVICES, 1 + (number >> 3))}`;
  const value = JSON.stringify({
    device_id: device,
    tenant_id: `tenant-${number % 3}`,
    temperature: number % 40,
    humidity: number % 90,
    timestamp: new Date(1_770_000_000_000 + number).toISOString(),
  });
  return { key: device, value };
}

Deno.test("statistics read under load: no number is torn, and every reading arrives", async () => {
  await using road = await makeRoad({ name: "read-load" });
  const program = await road.start();
  const address = await program.ready();
  let pouring = true;
  const seen = new Set<number>();
  const poured = (async () => {
    await using writer = new Writer(road.input, road.bootstrap);
    await writer.connect();
    for (let from = 0; from < READINGS || seen.size < STATES && from < MAX_READINGS; from += 1000) {
      await writer.send(Array.from({ length: 1000 }, (_, i) => record(from + i)));
    }
    await road.drained();
  })().finally(() => pouring = false);
  const readers = Array.from({ length: READERS }, async (_, reader) => {
    const query = reader % 2 === 0 ? "limit=1000" : "readings=false&limit=100";
    let last = 0;
    while (pouring) {
      const response = await fetch(`${address}/api/stats?${query}`);
      assert.equal(response.status, 200);
      const { data, processing } = await response.json();
      const { messages_processed: processed } = processing;
      assert.equal(data.temperature.count, processed);
      assert.equal(data.humidity.count, processed);
      assert.ok(processed >= last, `${processed} after ${last}`);
      seen.add(last = processed);
    }
  });
  await Promise.all([poured, ...readers]);
  assert.ok(seen.size >= STATES, `${seen.size} different states seen: a test of nothing`);
  await road.assertRight();
});
