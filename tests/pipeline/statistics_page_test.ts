import assert from "node:assert/strict";
import { StateStatistics } from "../../src/pipeline/statistics.ts";
import { lineRanges } from "../../src/http/batch_body.ts";
import { encoder, rig } from "./ingest_rig.ts";
import { InputTopic } from "./log_source.ts";

const WINDOW = 100_000;
const DEVICES = 6;
/** 200,000 values a device: a page is full in the third. */
const READINGS_A_DEVICE = 100_000;
const LINES = 10_000;

Deno.test("long windows make short pages; without their values the page is whole", async () => {
  using node = rig(new InputTopic(1), { maxReadings: WINDOW });
  for (let device = 0; device < DEVICES; device++) {
    const line = `{"device_id":"d${device}","temperature":20.5,"humidity":50}\n`;
    const body = encoder.encode(line.repeat(LINES));
    const ranges = lineRanges(body);
    for (let sent = 0; sent < READINGS_A_DEVICE; sent += LINES) {
      await node.ingest.submitBatch(body, ranges);
    }
  }
  const statistics = new StateStatistics(node.state, {
    store: node.store,
    lifecycle: { running: true, startedAt: 0 },
  });
  const first = statistics.page({ limit: 1000, readings: true });
  assert.deepEqual(first.devices.map(({ device }) => device), ["d0", "d1", "d2"]);
  assert.equal(first.more, true);
  assert.equal(first.devices[0].temperature.readings.length, WINDOW);
  const after = { tenant: "default", device: "d2" };
  const second = statistics.page({ limit: 1000, readings: true, after });
  assert.deepEqual(second.devices.map(({ device }) => device), ["d3", "d4", "d5"]);
  assert.equal(second.more, false);
  const short = statistics.page({ limit: 1000, readings: false });
  assert.deepEqual([short.devices.length, short.more], [DEVICES, false]);
  assert.deepEqual(short.devices[0].temperature.readings, []);
  assert.equal(short.devices[0].temperature.avg, 20.5);
  assert.deepEqual(statistics.page({ limit: 2, readings: true }).devices.length, 2);
});
