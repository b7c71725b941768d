/** What is counted for `FLEET_MAX_BYTES` is what the heap and its buffers take. */
import assert from "node:assert/strict";
import v8 from "node:v8";
import vm from "node:vm";
import { Engine } from "../../src/core/engine.ts";
import { Series } from "../../src/core/series.ts";
import { CellPool } from "../../src/core/cells.ts";
import { newEngine, runBatch } from "./engine_rig.ts";

v8.setFlagsFromString("--expose-gc");
const collect = vm.runInNewContext("gc") as () => void;

/** Heap and array buffers after collections: buffers are freed by the one after that which finds them. */
function held(): number {
  for (let i = 0; i < 4; i++) collect();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

const KINDS: [string, (i: number) => number][] = [
  ["decimals", (i) => (i * 37 % 6000) / 100],
  ["full precision", (i) => 20 + 10 * Math.sin(i)],
  ["of every size", (i) => (i % 3 === 0 ? 1e308 : i % 3 === 1 ? Math.sin(i) : 1e16 * Math.sin(i))],
];

Deno.test("a series of 100 readings holds at most 4 KiB, and says about how much", () => {
  for (const [name, kind] of KINDS) {
    for (const [pushes, bound] of [[1, 1200], [120, 4096]]) {
      const { said, measured } = measureSeries({ pushes, kind });
      assert.ok(said <= bound, `${name}: says ${said}`);
      assert.ok(measured <= bound, `${name}: measured ${measured}`);
      assert.ok(Math.abs(said - measured) < 250, `${name}: says ${said}, measured ${measured}`);
    }
  }
});

/** Bytes of one of 10,000 series. A call of its own: what it made is garbage after. */
function measureSeries({ pushes, kind }: { pushes: number; kind: (i: number) => number }) {
  const before = held();
  const pool = new CellPool();
  const all = Array.from({ length: 10_000 }, () => {
    const series = new Series(100, { pool });
    for (let i = 0; i < pushes; i++) {
      series.push(kind(i), 1.7e12 + i);
      // What is worked out for a reader is kept, too.
      void series.window.min;
    }
    void series.window.mean();
    return series;
  });
  const measured = (held() - before) / all.length;
  return { said: all[0].bytes, measured };
}

/** Each device of each tenant sends once. */
function round(
  engine: Engine,
  of: { first?: number; tenants: number; devices: number; n: number },
): void {
  const readings = [];
  const { first = 0 } = of;
  for (let tenant = first; tenant < first + of.tenants; tenant++) {
    for (let device = 0; device < of.devices; device++) {
      readings.push(JSON.stringify({
        device_id: `device-${device}`,
        tenant_id: `tenant-${tenant}`,
        temperature: (of.n * 37 + device) % 3000 / 100,
        humidity: (of.n * 41 + tenant) % 9000 / 100,
        timestamp: new Date(1.7e12 + of.n).toISOString(),
      }));
    }
  }
  runBatch(engine, { readings, firstId: 1 + of.n * 100, offset: of.n * readings.length });
  // What the batch has made doesn't belong to the devices.
  engine.begin({ time: 0, lanes: 1, firstId: 0 });
}

for (const [tenants, devices] of [[1000, 10], [10_000, 1], [2, 5000]]) {
  Deno.test(`${tenants} tenants with ${devices} devices each take what is counted for them`, () => {
    measureFleet({ tenants: 1, devices: 1, rounds: 1 });
    for (const rounds of [1, 120]) {
      const { said, measured } = measureFleet({ tenants, devices, rounds });
      const share = measured / said;
      assert.ok(share > 0.8 && share < 1.1, `${rounds}: ${measured} bytes, ${said} counted`);
    }
  });
}

function measureFleet({ rounds, ...of }: { tenants: number; devices: number; rounds: number }) {
  const before = held();
  const engine = newEngine();
  for (let n = 0; n < rounds; n++) round(engine, { ...of, n });
  const measured = held() - before;
  assert.equal(engine.fleet.size, of.tenants * of.devices);
  return { said: engine.fleet.bytes + engine.fleet.unusedBytes, measured };
}

Deno.test("devices that come and go leave the fleet within its bound, and nothing behind", () => {
  const maxBytes = 10_000_000;
  const engine = newEngine({ maxBytes });
  const before = held();
  let most = 0;
  for (let n = 0; n < 100; n++) {
    round(engine, { first: n * 90, tenants: 100, devices: 10, n });
    while (engine.fleet.overflowing) {
      const victims = engine.fleet.leastRecentlyUsed();
      for (const device of victims) engine.saved(device, 1 + n * 100);
      engine.fleet.forget(victims);
    }
    assert.ok(engine.fleet.bytes <= maxBytes, `${engine.fleet.bytes} after round ${n}`);
    assert.ok(engine.fleet.pieceBytes < engine.fleet.bytes, "pieces are of no device");
    most = Math.max(most, engine.fleet.bytes);
  }
  assert.ok(most > maxBytes * 0.8, "a test of nothing otherwise");
  const real = held() - before;
  assert.ok(real < maxBytes * 1.2, `${real} bytes with ${engine.fleet.bytes} counted`);
});
