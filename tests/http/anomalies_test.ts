/** `GET /api/anomalies` over a real engine and a real store. */
import assert from "node:assert/strict";
import { anomaliesRoute } from "../../src/http/anomalies.ts";
import { tempFolder } from "../harness/temp.ts";
import { startNode } from "../pipeline/node.ts";
import { askAs } from "./as_tenants.ts";
import { apiOver } from "./in_memory.ts";

const TIME = Date.parse("2026-01-02T03:04:05Z");
const encoder = new TextEncoder();

function rig() {
  const folder = tempFolder();
  const clock = { time: TIME };
  let ids = 0;
  const node = startNode({ dir: folder.path, clock, output: false, newId: () => `id-${++ids}` });
  const { api } = apiOver({ anomalies: node.store.anomalies });
  return {
    node,
    clock,
    async send(...readings: Record<string, unknown>[]) {
      for (const reading of readings) {
        await node.ingest.submit(encoder.encode(JSON.stringify(reading)));
      }
    },
    async ask(query = "") {
      const response = await api.request(`/api/anomalies${query}`);
      return { status: response.status, body: await response.json() };
    },
    async ids(query = ""): Promise<string[]> {
      const response = await api.request(`/api/anomalies${query}`);
      return (await response.json()).anomalies.map(({ id }: { id: string }) => id);
    },
    [Symbol.dispose]() {
      node.crash();
      folder[Symbol.dispose]();
    },
  };
}

const HOT = { temperature: 40.5, humidity: 95 };

Deno.test("an anomaly says what was measured, when, and why it was marked", async () => {
  using it = rig();
  await it.send(
    { device_id: "calm", temperature: 20 },
    { device_id: 'a"b', ...HOT, metrics: { co2: 7 }, timestamp: "2026-01-01T00:00:00.123456" },
  );
  const { status, body } = await it.ask();
  assert.equal(status, 200);
  assert.deepEqual(body, {
    status: "ok",
    anomalies: [{
      id: "id-2",
      tenant_id: "default",
      device_id: 'a"b',
      timestamp: "2026-01-01T00:00:00.123456Z",
      processed_at: "2026-01-02T03:04:05.000Z",
      anomaly_score: 2,
      ...HOT,
      metrics: { co2: 7 },
      reasons: [
        { detector: "range", metric: "temperature", score: 1, detail: "40.5 is above 30" },
        { detector: "range", metric: "humidity", score: 1, detail: "95 is above 80" },
      ],
    }],
    kept: 1,
    dropped: 0,
  });
});

Deno.test("the newest come first; pages go on where the last one ended, while others come", async () => {
  using it = rig();
  for (let i = 0; i < 5; i++) await it.send({ device_id: "d", ...HOT });
  const first = (await it.ask("?limit=2")).body;
  assert.deepEqual(first.anomalies.map((one: { id: string }) => one.id), ["id-5", "id-4"]);
  await it.send({ device_id: "d", ...HOT });
  const second = (await it.ask(`?limit=2&after=${first.next}`)).body;
  assert.deepEqual(second.anomalies.map((one: { id: string }) => one.id), ["id-3", "id-2"]);
  const third = (await it.ask(`?limit=2&after=${second.next}`)).body;
  assert.deepEqual(third.anomalies.map((one: { id: string }) => one.id), ["id-1"]);
  assert.equal("next" in third, false);
  assert.equal("next" in (await it.ask("?limit=6")).body, false);
});

Deno.test("filters, alone and together", async () => {
  using it = rig();
  await it.send(
    { device_id: "d", ...HOT, timestamp: "2026-01-01T00:00:00Z" },
    { device_id: "e", ...HOT, timestamp: "2026-01-01T01:00:00Z" },
    { device_id: "d", ...HOT, tenant_id: "north", timestamp: "2026-01-01T02:00:00Z" },
    { device_id: "d", ...HOT },
  );
  const table: [string, string[]][] = [
    ["?tenant=north", ["id-3"]],
    ["?tenant=nort", []],
    ["?device=d", ["id-4", "id-3", "id-1"]],
    ["?device=d&tenant=default", ["id-4", "id-1"]],
    ["?since=2026-01-01T01:00:00Z", ["id-4", "id-3", "id-2"]],
    ["?since=2026-01-01T02:00:00%2B01:00&until=2026-01-01T02:00:00Z", ["id-2"]],
    ["?until=2026-01-01T01:00:00Z", ["id-1"]],
    ["?min_score=2", ["id-4", "id-3", "id-2", "id-1"]],
    ["?min_score=0.2e%2B1", ["id-4", "id-3", "id-2", "id-1"]],
    ["?min_score=2.01", []],
  ];
  for (const [query, expected] of table) assert.deepEqual(await it.ids(query), expected, query);
});

Deno.test("who may see one tenant's data sees nothing of another's, not even how much there is", async () => {
  using it = rig();
  await it.send(
    { device_id: "secret", ...HOT, tenant_id: "south" },
    { device_id: "d", ...HOT, tenant_id: "north" },
  );
  const route = anomaliesRoute(it.node.store.anomalies);
  const ask = async (tenants: ReadonlySet<string> | null, query = "") =>
    JSON.parse((await askAs(tenants, route, { query })).text);
  const north = new Set(["north"]);
  const own = await ask(north);
  assert.deepEqual(own.anomalies.map((one: { id: string }) => one.id), ["id-2"]);
  assert.deepEqual(Object.keys(own), ["status", "anomalies"]);
  assert.deepEqual(await ask(north, "tenant=north"), own);
  for (const query of ["tenant=south", "device=secret"]) {
    assert.deepEqual(await ask(north, query), { status: "ok", anomalies: [] }, query);
  }
  assert.equal((await ask(new Set())).anomalies.length, 0);
  assert.equal((await ask(null)).anomalies.length, 2);
});

Deno.test("what is wrong is named, with what is expected", async () => {
  using it = rig();
  const { status, body } = await it.ask("?limit=0&since=today&min_score=-1&after=x&devise=d");
  assert.equal(status, 400);
  assert.equal(
    body.message,
    'since: expected a time like 2026-01-31T08:00:00Z, got "today"; ' +
      'min_score: expected a number of 0 or above, got "-1"; ' +
      'limit: expected a whole number from 1 to 1000, got "0"; ' +
      'after: expected the `next` of an earlier answer, got "x"; ' +
      '"devise": unknown; did you mean device?',
  );
});
