import assert from "node:assert/strict";
import { StateStatistics } from "../../src/pipeline/statistics.ts";
import { PARITY } from "../core/result_twin.ts";
import { tempFolder } from "../harness/temp.ts";
import { startNode } from "./node.ts";

const START = 1_770_000_000_000;
const encoder = new TextEncoder();

function rig(maxFleetBytes: number) {
  const folder = tempFolder();
  const settings = (tenant: string) => ({ ...PARITY, sampling: tenant === "none" ? 0 : 1 });
  const clock = { time: START };
  const node = startNode({ dir: folder.path, clock, settings, maxReadings: 3, maxFleetBytes });
  const lifecycle = { running: true, startedAt: 5 };
  const statistics = new StateStatistics(node.state, {
    store: node.store,
    lifecycle,
  });
  return {
    ...node,
    clock,
    lifecycle,
    statistics,
    submit: (fields: Record<string, unknown>) =>
      node.ingest.submit(encoder.encode(JSON.stringify(fields))),
    [Symbol.dispose]() {
      node.crash();
      folder[Symbol.dispose]();
    },
  };
}

for (const [where, maxFleetBytes] of [["memory", 1e9], ["the store", 1]] as const) {
  Deno.test(`a device's statistics, from ${where}`, async () => {
    using node = rig(maxFleetBytes);
    for (const temperature of [1, 20, 4, 6]) {
      await node.submit({
        device_id: "d",
        temperature,
        metrics: { co2: temperature * 100 },
        timestamp: `2026-01-01T00:00:${10 + temperature}`,
      });
    }
    assert.equal(node.state.engine.fleet.size, where === "memory" ? 1 : 0);
    assert.deepEqual(node.statistics.device("default", "d"), {
      tenant: "default",
      device: "d",
      temperature: { readings: [20, 4, 6], avg: 10, min: 4, max: 20, count: 4 },
      humidity: { readings: [], avg: null, min: null, max: null, count: 0 },
      metrics: [{
        name: "co2",
        window: { readings: [2000, 400, 600], avg: 1000, min: 400, max: 2000, count: 4 },
      }],
      lastSeen: "2026-01-01T00:00:30Z",
    });
    assert.equal(node.statistics.device("default", "e"), undefined);
    assert.equal(node.statistics.device("other", "d"), undefined);
  });

  Deno.test(`pages of devices, from ${where}`, async () => {
    using node = rig(maxFleetBytes);
    const keys = [["t1", "a"], ["t1", "b"], ["t2", "a"], ["t2", "\ufeffz"], ["t3", "c"]];
    for (const [tenant_id, device_id] of keys.toReversed()) {
      await node.submit({ tenant_id, device_id });
    }
    const found: string[][] = [];
    let after: { tenant: string; device: string } | undefined;
    for (let more = true; more;) {
      const page = node.statistics.page({ limit: 2, after, readings: true });
      ({ more } = page);
      assert.ok(page.devices.length === 2 || !more);
      found.push(...page.devices.map(({ tenant, device }) => [tenant, device]));
      for (const { device, shared } of page.devices) assert.equal(shared, device === "a", device);
      const last = page.devices.at(-1)!;
      after = { tenant: last.tenant, device: last.device };
    }
    assert.deepEqual(found, keys);
    const { devices, more } = node.statistics.page({ limit: 9, tenant: "t2", readings: false });
    assert.deepEqual([devices.map(({ device }) => device), more], [["a", "\ufeffz"], false]);
    assert.deepEqual(node.statistics.tenantsOf("a"), ["t1", "t2"]);
  });
}

Deno.test("a page leaves the readings out where they aren't wanted", async () => {
  for (const maxFleetBytes of [1, 1e9]) {
    using node = rig(maxFleetBytes);
    await node.submit({ device_id: "d", temperature: 7, metrics: { co2: 3 } });
    const [device] = node.statistics.page({ limit: 1, readings: false }).devices;
    assert.deepEqual(device.temperature, { readings: [], avg: 7, min: 7, max: 7, count: 1 });
    assert.deepEqual(device.metrics[0].window.readings, []);
  }
});

Deno.test("what was sampled out or rejected is known to nobody", async () => {
  using node = rig(1e9);
  await node.submit({ device_id: "d", tenant_id: "none", temperature: 5 });
  await node.submit({ device_id: "d", temperature: "hot" });
  assert.equal(node.statistics.device("none", "d"), undefined);
  assert.deepEqual(node.statistics.page({ limit: 9, readings: true }), {
    devices: [],
    more: false,
  });
  assert.deepEqual(node.statistics.global().temperature, {
    count: 0,
    sum: 0,
    min: null,
    max: null,
    avg: null,
  });
  const processing = node.statistics.processing();
  assert.deepEqual([processing.errors, processing.sampledOut, processing.lastProcessed], [1, 1, 0]);
});

Deno.test("all devices together, and how the engine does", async () => {
  using node = rig(1);
  await node.submit({ device_id: "a", temperature: 0.1, metrics: { co2: 3 } });
  node.clock.time += 1000;
  await node.submit({ device_id: "b", tenant_id: "t", temperature: 0.2, humidity: -5 });
  node.lifecycle.running = false;
  assert.deepEqual(node.statistics.global(), {
    temperature: { count: 2, sum: 0.3, min: 0.1, max: 0.2, avg: 0.15 },
    humidity: { count: 1, sum: -5, min: -5, max: -5, avg: -5 },
    metrics: [{ name: "co2", series: { count: 1, sum: 3, min: 3, max: 3, avg: 3 } }],
  });
  assert.deepEqual(node.statistics.processing(), {
    running: false,
    messagesProcessed: 2,
    lastProcessed: START + 1000,
    lastStarted: 5,
    errors: 0,
    sampledOut: 0,
  });
});
