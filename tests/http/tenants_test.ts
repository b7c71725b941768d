/** `GET /api/tenants` over a real engine, a real store and a tenants' file. */
import assert from "node:assert/strict";
import { createLists } from "../../src/app/lists.ts";
import { parseDocumentText } from "../../src/config/document.ts";
import { noTenants } from "../../src/config/tenants.ts";
import { TenantsFile } from "../../src/config/tenants_file.ts";
import { Pages } from "../../src/http/pages.ts";
import { tenantsRoute } from "../../src/http/tenants.ts";
import { tempFolder } from "../harness/temp.ts";
import { startNode } from "../pipeline/node.ts";
import { askAs } from "./as_tenants.ts";
import { apiOver } from "./in_memory.ts";

const encoder = new TextEncoder();
const FILE = {
  defaults: {
    threshold: 3,
    quotas: { readings_per_second: 2, burst: 10, devices: 5, backlog_share: 0.5 },
  },
  tenants: {
    acme: {
      display_name: "Acme Ltd",
      sampling: 0.5,
      max_readings: 7,
      detectors: [{ type: "range", metric: "co2", max: 1000 }],
      quotas: { devices: 2 },
    },
    idle: {},
  },
};

function rig(file: unknown) {
  const folder = tempFolder();
  const clock = { time: Date.parse("2026-01-02T03:00:00Z") };
  let text = JSON.stringify(file);
  const files = { read: () => text, parse: parseDocumentText, stamp: () => text };
  const tenants = new TenantsFile("tenants.json", {
    files,
    tenants: noTenants,
    address: { host: "127.0.0.1", allowAnonymous: false },
  });
  const reload = (file: unknown) => {
    text = JSON.stringify(file);
    const read = tenants.read();
    assert.ok("use" in read, JSON.stringify(read));
    read.use();
  };
  reload(file);
  const { settings } = tenants;
  const node = startNode({ dir: folder.path, clock, settings, output: false });
  const { store, state } = node;
  const now = () => clock.time;
  const lists = createLists(state, { store, file: tenants, maxReadings: 4, now });
  const { api } = apiOver(lists);
  const route = tenantsRoute(lists.tenants, new Pages({ now: () => 0 }));
  return {
    node,
    clock,
    reload,
    async send(reading: Record<string, unknown>) {
      return (await node.ingest.submit(encoder.encode(JSON.stringify(reading)))).kind;
    },
    /** A refusal's message, where it is one. */
    // deno-lint-ignore no-explicit-any
    async ask(query = "", allowed: ReadonlySet<string> | null = null): Promise<any> {
      if (allowed !== null) return JSON.parse((await askAs(allowed, route, { query })).text);
      const response = await api.request(`/api/tenants?${query}`);
      const body = await response.json();
      return response.status === 200 ? body : body.message;
    },
    [Symbol.dispose]() {
      node.crash();
      folder[Symbol.dispose]();
    },
  };
}

const RANGES = [
  { type: "range", metric: "temperature", min: 10, max: 30, weight: 1 },
  { type: "range", metric: "humidity", min: 20, max: 80, weight: 1 },
];
const DEFAULTS = {
  threshold: 3,
  sampling: 1,
  max_readings: 4,
  quotas: { readings_per_second: 2, burst: 10, devices: 5, backlog_share: 0.5, over: "drop" },
  detectors: RANGES,
};

Deno.test("a tenant's name, devices, results, use of its quotas, and what is in force", async () => {
  using it = rig(FILE);
  let results = 0;
  for (let i = 0; i < 8; i++) {
    const kind = await it.send({ device_id: "d", tenant_id: "acme", temperature: i });
    results += kind === "result" ? 1 : 0;
  }
  assert.ok(results > 0 && results < 8, `${results}`);
  it.node.ingest.checkpointAll();
  it.node.state.engine.fleet.forget([...it.node.state.engine.fleet.devices]);
  it.clock.time += 1000;
  assert.equal(await it.send({ device_id: "e", tenant_id: "other", temperature: 1 }), "result");
  assert.equal(await it.send({ device_id: "f", tenant_id: "other", temperature: 1 }), "result");
  it.clock.time += 250;
  assert.deepEqual(await it.ask(), {
    status: "ok",
    others: DEFAULTS,
    tenants: [
      {
        tenant_id: "acme",
        display_name: "Acme Ltd",
        named: true,
        devices: 1,
        results,
        last_processed: "2026-01-02T03:00:00.000Z",
        // It isn't in memory any more: its bucket is full.
        quota_use: { readings: { used: 0, of: 10 }, devices: { used: 1, of: 2 } },
        settings: {
          threshold: 3,
          sampling: 0.5,
          max_readings: 7,
          quotas: {
            readings_per_second: 2,
            burst: 10,
            devices: 2,
            backlog_share: 0.5,
            over: "drop",
          },
          detectors: [{ type: "range", metric: "co2", max: 1000, weight: 1 }],
        },
      },
      {
        tenant_id: "idle",
        display_name: "idle",
        named: true,
        devices: 0,
        results: 0,
        last_processed: null,
        quota_use: { readings: { used: 0, of: 10 }, devices: { used: 0, of: 5 } },
        settings: DEFAULTS,
      },
      {
        tenant_id: "other",
        display_name: "other",
        named: false,
        devices: 2,
        results: 2,
        last_processed: "2026-01-02T03:00:01.000Z",
        // Two were taken, half of one came back.
        quota_use: { readings: { used: 2, of: 10 }, devices: { used: 2, of: 5 } },
        settings: DEFAULTS,
      },
    ],
  });
  it.clock.time += 250;
  const [other] = (await it.ask("tenant=other")).tenants;
  assert.deepEqual(other.quota_use.readings, { used: 1, of: 10 });
});

Deno.test("settings that are read again are in force at once; who isn't accepted any more has none", async () => {
  using it = rig(FILE);
  await it.send({ device_id: "e", tenant_id: "other", temperature: 1 });
  it.reload({ unknown_tenants: "reject", tenants: { acme: { threshold: 9, display_name: "A" } } });
  it.node.state.engine.fleet.reconfigure();
  const { others, tenants } = await it.ask();
  assert.equal(others, null);
  const [acme, other, ...more] = tenants;
  assert.deepEqual(more, []);
  assert.deepEqual([acme.display_name, acme.settings.threshold], ["A", 9]);
  assert.equal("quotas" in acme.settings || "quota_use" in acme, false);
  assert.deepEqual(
    [other.tenant_id, other.devices, other.settings, "quota_use" in other],
    ["other", 1, null, false],
  );
});

Deno.test("pages go on where the last one ended, also where readings come between", async () => {
  const names = ["a", "b", "B", "ü", "\u{1f600}", "__proto__", "a b"];
  using it = rig({ tenants: { c: {}, z: {} } });
  for (const tenant of names) await it.send({ device_id: "d", tenant_id: tenant });
  const found: string[] = [];
  let next: string | undefined;
  do {
    const page = await it.ask(`limit=2${next === undefined ? "" : `&after=${next}`}`);
    found.push(...page.tenants.map((one: { tenant_id: string }) => one.tenant_id));
    assert.equal(page.tenants.length, page.next === undefined ? 1 : 2);
    for (const one of page.tenants) await it.send({ device_id: "e", tenant_id: one.tenant_id });
    next = page.next;
  } while (next !== undefined);
  assert.deepEqual(found, [...names, "c", "z"].sort());
});

Deno.test("who may see some tenants' data sees these, and nothing of what holds for others", async () => {
  using it = rig({ tenants: { north: {}, south: { display_name: "Secret" } } });
  await it.send({ device_id: "d", tenant_id: "south" });
  const north = new Set(["north", "nobody"]);
  const own = await it.ask("", north);
  assert.deepEqual(Object.keys(own), ["status", "tenants"]);
  assert.deepEqual(own.tenants.map((one: { tenant_id: string }) => one.tenant_id), ["north"]);
  assert.deepEqual(await it.ask("tenant=south", north), { status: "ok", tenants: [] });
  assert.deepEqual(await it.ask("", new Set()), { status: "ok", tenants: [] });
});

Deno.test("what is wrong is named", async () => {
  using it = rig({});
  assert.equal(
    await it.ask("limit=0&after=W10&Tenant=x"),
    'limit: expected a whole number from 1 to 1000, got "0"; ' +
      'after: expected the `next` of an earlier answer, got "W10"; ' +
      '"Tenant": unknown; did you mean tenant?',
  );
});
