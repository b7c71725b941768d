import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { checkApi, checkDevices } from "./api.ts";
import { DEFAULT_SETTINGS, expectFrom } from "./expectation.ts";
import { describe, Findings } from "./findings.ts";
import { checkStore } from "./store.ts";

const encoder = new TextEncoder();

/** Two tenants with a device of the same name, a metric, a bad record. */
const VALUES = [
  '{"device_id":"a/b","temperature":20.5,"timestamp":"2026-01-01T00:00:02"}',
  '{"device_id":"a/b","temperature":21.5,"timestamp":"2026-01-01T00:00:01Z"}',
  '{"device_id":"x","tenant_id":"one","humidity":50,"timestamp":"2026-01-01T00:00:00Z"}',
  '{"device_id":"x","tenant_id":"two","metrics":{"co2":400},"timestamp":"2026-01-01T02:00:00+02:00"}',
  "garbage",
];

function expectation() {
  const records = VALUES.map((value, offset) => ({
    partition: 0,
    offset,
    value: encoder.encode(value),
    timestamp: 0,
  }));
  const observed = { has: () => true, timestamp: () => undefined };
  return expectFrom(records, { idPrefix: "in-", settings: DEFAULT_SETTINGS, observed });
}

function window(readings: number[]) {
  if (readings.length === 0) return { readings, avg: null, min: null, max: null, count: 0 };
  const avg = readings.reduce((sum, value) => sum + value, 0) / readings.length;
  const [min, max] = [Math.min(...readings), Math.max(...readings)];
  return { readings, avg, min, max, count: readings.length };
}

/** The right answers, page by page. */
function answers() {
  const empty = { count: 0, sum: 0, min: null, max: null, avg: null };
  const none = window([]);
  const ab = {
    temperature: window([20.5, 21.5]),
    humidity: none,
    last_seen: "2026-01-01T00:00:02Z",
  };
  const one = { temperature: none, humidity: window([50]), last_seen: "2026-01-01T00:00:00Z" };
  const two = {
    temperature: none,
    humidity: none,
    metrics: { co2: window([400]) },
    last_seen: "2026-01-01T00:00:00Z",
  };
  const data = {
    temperature: { count: 2, sum: 42, min: 20.5, max: 21.5, avg: 21 },
    humidity: { ...empty, count: 1, sum: 50, min: 50, max: 50, avg: 50 },
    metrics: { co2: { count: 1, sum: 400, min: 400, max: 400, avg: 400 } },
  };
  const processing = { errors: 1, sampled_out: 0 };
  return {
    first: { data: { ...data, devices: { "a/b": ab, "one/x": one } }, processing, next: "one x" },
    second: { data: { ...data, devices: { "two/x": two } }, processing },
    device: { status: "ok", device_id: "a/b", tenant_id: "default", data: ab },
  };
}

/** What the oracle says about an engine that answers so. */
async function ask(served: ReturnType<typeof answers>): Promise<string[]> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/api/stats/device/a%2Fb") return Response.json(served.device);
    return Response.json(searchParams.get("after") === "one x" ? served.second : served.first);
  });
  const expected = expectation();
  const findings = new Findings();
  const url = `http://127.0.0.1:${server.addr.port}`;
  await checkApi(url, { expectation: expected, findings });
  const devices = [...expected.devices.values()].slice(0, 1);
  await checkDevices(url, { expectation: expected, findings, devices });
  await server.shutdown();
  return findings.list().map((one) => one.kind);
}

Deno.test("right answers of the API have no differences", async () => {
  assert.deepEqual(await ask(answers()), []);
});

Deno.test("wrong answers of the API are reported", async () => {
  const plants: [(served: ReturnType<typeof answers>) => void, string[]][] = [
    [(it) => it.first.data.temperature.sum = 42.0000000001, ["wrong global statistics"]],
    [(it) => it.first.data.humidity.count = 2, ["wrong global statistics"]],
    [(it) => it.first.data.metrics.co2.max = 401, ["wrong global statistics"]],
    [(it) => it.first.processing.errors = 2, ["wrong processing"]],
    [(it) => it.second.data.devices["two/x"].metrics.co2.readings.push(1), [
      "wrong window of a device",
    ]],
    [(it) => it.device.tenant_id = "one", ["wrong device"]],
    [(it) => it.first.data.devices["one/x"].last_seen = "2026-01-01T00:00:01Z", [
      "wrong last_seen",
    ]],
    [(it) => it.first.data.devices["a/b"].temperature.count = 1, ["wrong window of a device"]],
    [(it) => it.first.data.devices["a/b"].humidity.min = 0, ["wrong window of a device"]],
    [(it) => it.second.data.devices = {} as never, ["device missing in /api/stats"]],
  ];
  for (const [plant, expected] of plants) {
    const served = answers();
    plant(served);
    assert.deepEqual(await ask(served), expected, plant.toString());
  }
});

/** A store as a faultless engine leaves it. */
async function store(file: string): Promise<Database.Database> {
  const database = new Database(file);
  const migrations = new URL("../../migrations/", import.meta.url);
  const names = [...Deno.readDirSync(migrations)].map((entry) => entry.name)
    .filter((name) => name.endsWith(".sql")).sort();
  for (const name of names) database.exec(await Deno.readTextFile(new URL(name, migrations)));
  database.exec("UPDATE counters SET read = 5, results = 4, rejected = 1");
  database.exec(`INSERT INTO positions (cluster_id, topic_id, topic, partition, "next")
    VALUES ('c', 't', 'in', 0, 5)`);
  database.prepare(
    `INSERT INTO dead_letters (id, topic, partition, "offset", time, reason, stored_at, bytes)
     VALUES ('in-0-4', 'in', 0, 4, 0, 'not JSON: x', 0, ?)`,
  ).run(encoder.encode("garbage"));
  return database;
}

async function inspect(change: string): Promise<string> {
  const dir = await Deno.makeTempDir();
  const file = `${dir}/plumbline.db`;
  const database = await store(file);
  database.exec(change);
  database.close();
  const findings = new Findings();
  const ends = new Map([[0, 5], [1, 0]]);
  checkStore(file, { topic: "in", ends, expectation: expectation(), findings });
  await Deno.remove(dir, { recursive: true });
  const kinds = findings.list().map((one) => one.kind);
  return change === "" ? describe(findings.list()) : kinds.join();
}

Deno.test("a right store has no differences", async () => {
  assert.equal(await inspect(""), "");
});

Deno.test("a wrong store is reported", async () => {
  const plants: [string, string][] = [
    ["UPDATE counters SET read = 6", "invariant 5,wrong counters"],
    ["UPDATE counters SET results = 3, dropped = 1", "wrong counters"],
    ["DELETE FROM dead_letters", "lost dead letter"],
    ["UPDATE dead_letters SET reason = ''", "wrong reason"],
    ["UPDATE dead_letters SET bytes = x'00'", "wrong dead letter bytes"],
    ['UPDATE dead_letters SET "offset" = 3', "wrong dead letter"],
    ["UPDATE dead_letters SET id = 'in-0-3'", "lost dead letter,dead letter of a good reading"],
    ['UPDATE positions SET "next" = 4', "wrong position"],
  ];
  for (const [change, expected] of plants) assert.equal(await inspect(change), expected, change);
});
