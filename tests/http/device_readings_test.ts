/** `GET /api/stats/device/:id/readings` over a real engine and a real store. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { deviceReadingsRoute } from "../../src/http/device_readings.ts";
import { Pages } from "../../src/http/pages.ts";
import { inRows } from "../../src/http/reading_rows.ts";
import { StateStatistics } from "../../src/pipeline/statistics.ts";
import { tempFolder } from "../harness/temp.ts";
import { startNode } from "../pipeline/node.ts";
import { askAs } from "./as_tenants.ts";
import { readCsv } from "./csv_twin.ts";
import { apiOver } from "./in_memory.ts";

const encoder = new TextEncoder();

function rig(options: { maxFleetBytes?: number } = {}) {
  const folder = tempFolder();
  const clock = { time: Date.parse("2026-01-02T03:04:05.006Z") };
  const node = startNode({ dir: folder.path, clock, output: false, maxReadings: 3, ...options });
  const lifecycle = { running: true, startedAt: 0 };
  const statistics = new StateStatistics(node.state, { store: node.store, lifecycle });
  const { api } = apiOver({ statistics });
  const route = deviceReadingsRoute(statistics, new Pages({ now: () => 0 }));
  return {
    node,
    clock,
    statistics,
    async send(...readings: Record<string, unknown>[]) {
      for (const reading of readings) {
        await node.ingest.submit(encoder.encode(JSON.stringify(reading)));
      }
    },
    /** The text of a refusal is its message. */
    async ask(id: string, query = "", tenants: ReadonlySet<string> | null = null) {
      if (tenants !== null) return await askAs(tenants, route, { query, params: { id } });
      const path = `/api/stats/device/${encodeURIComponent(id)}/readings`;
      const response = await api.request(`${path}?${query}`);
      const { status, headers } = response;
      const text = await response.text();
      return { status, headers, text: status < 400 ? text : JSON.parse(text).message as string };
    },
    [Symbol.dispose]() {
      node.crash();
      folder[Symbol.dispose]();
    },
  };
}

const AT = (second: number) => `2026-01-01T00:00:0${second}Z`;

Deno.test("the windows' values with their times, side by side where they came together", async () => {
  using it = rig();
  await it.send(
    { device_id: "d", temperature: 1, timestamp: AT(0) },
    { device_id: "d", temperature: 2, humidity: 50, timestamp: AT(1) },
    { device_id: "d", temperature: 3, metrics: { time: 7, co2: 400 }, timestamp: AT(2) },
    { device_id: "d", temperature: -4.5, humidity: 60, metrics: { time: 8 } },
    { device_id: "d", humidity: 55, timestamp: "2026-01-01T01:00:01.500+01:00" },
  );
  const { status, headers, text } = await it.ask("d");
  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "application/json; charset=utf-8");
  assert.equal(headers.get("content-disposition"), 'inline; filename="readings-d.json"');
  const time = (second: string) => `2026-01-01T00:00:0${second}Z`;
  assert.deepEqual(JSON.parse(text), {
    status: "ok",
    device_id: "d",
    tenant_id: "default",
    readings: [
      { time: time("1.000"), temperature: 2, humidity: 50 },
      { time: time("1.500"), humidity: 55 },
      { time: time("2.000"), temperature: 3, metrics: { time: 7, co2: 400 } },
      { time: "2026-01-02T03:04:05.006Z", temperature: -4.5, humidity: 60, metrics: { time: 8 } },
    ],
  });

  const csv = await it.ask("d", "format=csv");
  assert.equal(csv.headers.get("content-type"), "text/csv; charset=utf-8; header=present");
  assert.equal(csv.headers.get("content-disposition"), 'attachment; filename="readings-d.csv"');
  assert.equal(csv.headers.get("content-length"), String(csv.text.length));
  assert.deepEqual(readCsv(csv.text), [
    [
      "time",
      "tenant_id",
      "device_id",
      "temperature",
      "humidity",
      "metrics.time",
      "metrics.co2",
    ],
    [time("1.000"), "default", "d", "2", "50", "", ""],
    [time("1.500"), "default", "d", "", "55", "", ""],
    [time("2.000"), "default", "d", "3", "", "7", "400"],
    ["2026-01-02T03:04:05.006Z", "default", "d", "-4.5", "60", "8", ""],
  ]);
});

Deno.test("names that a spreadsheet would take for formulas are texts in it", async () => {
  using it = rig();
  const id = '=HYPERLINK("http://x","y")';
  await it.send({ device_id: id, tenant_id: "@t", temperature: 1, timestamp: AT(0) });
  const { text } = await it.ask(id, "format=csv");
  assert.deepEqual(readCsv(text)[1].slice(1, 3), ["'@t", `'${id}`]);
  assert.equal(JSON.parse((await it.ask(id)).text).device_id, id);
});

Deno.test("a device that was put away says the same as in memory", async () => {
  using it = rig();
  for (let i = 0; i < 5; i++) {
    await it.send({ device_id: "d", temperature: i, metrics: { co2: i }, timestamp: AT(i) });
  }
  const before = await it.ask("d", "format=csv");
  it.node.ingest.checkpointAll();
  const { fleet } = it.node.state.engine;
  fleet.forget([fleet.inMemory("default", "d")!]);
  assert.equal((await it.ask("d", "format=csv")).text, before.text);
  assert.equal(readCsv(before.text).length, 4);
});

Deno.test("none, several, and what somebody may not see", async () => {
  using it = rig();
  for (const tenant of ["north", "south"]) {
    await it.send({ device_id: "d", tenant_id: tenant, temperature: 1 });
  }
  await it.send({ device_id: "secret", tenant_id: "south", temperature: 1 });
  const told = async (id: string, query = "", tenants: ReadonlySet<string> | null = null) => {
    const { status, text } = await it.ask(id, query, tenants);
    return status === 200 ? `200 ${JSON.parse(text).tenant_id}` : `${status} ${text}`;
  };
  const north = new Set(["north"]);
  assert.equal(await told("x"), "404 No data for device x");
  assert.equal(await told("d", "tenant=west"), "404 No data for device d");
  assert.equal(
    await told("d"),
    "409 Device d exists in 2 tenants: north, south; name one with ?tenant=",
  );
  assert.equal(await told("d", "tenant=south"), "200 south");
  assert.equal(await told("d", "", north), "200 north");
  assert.equal(await told("d", "tenant=south", north), await told("d", "tenant=west", north));
  assert.equal(await told("secret", "", north), "404 No data for device secret");
  assert.equal(await told("secret", "tenant=south", north), "404 No data for device secret");
  assert.equal(
    await told("d", "format=xml"),
    '400 format: expected json or csv, got "xml"',
  );
});

Deno.test("rows of any windows: every value is there once, at its time, the earliest first", () => {
  const column = fc.array(fc.tuple(fc.nat(9), fc.nat(100)), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(column, { maxLength: 4 }), (columns) => {
      const rows = [...inRows(columns.map((cells, i) => ({
        metric: `m${i}`,
        further: true,
        times: cells.map(([time]) => time),
        values: cells.map(([, value]) => value),
      })))];
      assert.deepEqual(rows.map(({ time }) => time), rows.map(({ time }) => time).toSorted());
      for (const [i, cells] of columns.entries()) {
        const own = rows.filter(({ values }) => values[i] !== undefined)
          .map(({ time, values }) => [time, values[i]]);
        assert.deepEqual(own, cells.toSorted(([a], [b]) => a - b));
      }
      // As few rows as the times ask for: each time as often as its fullest column has it.
      const counts = (time: number) =>
        Math.max(0, ...columns.map((cells) => cells.filter(([at]) => at === time).length));
      const most = Array.from({ length: 10 }, (_, time) => counts(time));
      assert.equal(rows.length, most.reduce((a, b) => a + b, 0));
    }),
  );
});
