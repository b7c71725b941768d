/** Two tenants with the same devices and opposite settings, one of them far beyond its quota. */
import assert from "node:assert/strict";
import { readTopic } from "../harness/kafka.ts";
import { seededRandom } from "../harness/random.ts";
import { tempFolder } from "../harness/temp.ts";
import { Writer } from "./load.ts";
import { makeRoad } from "./road.ts";

/** Of the flooding tenant, in all: its bucket isn't filled within the test. */
const BURST = 2_000;
const FLOOD = 10 * BURST;
const READINGS = 2_000;
const DEVICES = 20;
const CHUNK = 500;

const detectors = (min: number, max: number, weight: number) => [
  { type: "range", metric: "temperature", min, max, weight },
];
const TENANTS = {
  quiet: { threshold: 2, detectors: detectors(20, 100, 2) },
  loud: {
    threshold: 5,
    detectors: detectors(-100, 20, 5),
    quotas: { readings_per_second: 0.001, burst: BURST, over: "drop" },
  },
} as const;

/** Below 20 it is the one tenant's anomaly, above 20 the other's. */
function scoreOf(tenant: string, temperature: number): number {
  if (tenant === "quiet") return temperature < 20 ? 2 : 0;
  return temperature > 20 ? 5 : 0;
}

Deno.test("a tenant that floods at ten times its quota takes nothing from one with the same devices", async () => {
  using folder = tempFolder("flood-");
  const file = `${folder.path}/tenants.json`;
  Deno.writeTextFileSync(file, JSON.stringify({ tenants: TENANTS }));
  await using road = await makeRoad({ name: "flood", env: { TENANTS_FILE: file } });
  await road.start();
  const random = seededRandom(11);
  const wanted = new Map<string, number[]>();
  const reading = (tenant: string, number: number) => {
    const device = `d-${number % DEVICES}`;
    const temperature = Math.floor(random() * 4000) / 100;
    if (tenant === "quiet") wanted.set(device, [...wanted.get(device) ?? [], temperature]);
    const value = JSON.stringify({ device_id: device, tenant_id: tenant, temperature });
    return { key: device, value };
  };
  await using writer = new Writer(road.input);
  await writer.connect();
  let quiet = 0;
  for (let loud = 0; loud < FLOOD; loud += CHUNK) {
    const records = Array.from({ length: CHUNK }, (_, i) => reading("loud", loud + i));
    for (let i = 0; i < READINGS * CHUNK / FLOOD; i++) {
      records.splice(Math.floor(random() * records.length), 0, reading("quiet", quiet));
      quiet++;
    }
    await writer.send(records);
  }
  await road.drained();

  const found = new Map<string, number[]>();
  let taken = 0;
  for (const { value } of await readTopic(road.output)) {
    const result = JSON.parse(String(value));
    const { tenant_id: tenant, device_id: device, temperature } = result;
    const score = scoreOf(tenant, temperature);
    assert.equal(result.anomaly_score, score, String(value));
    assert.equal(result.is_anomaly, score > 0);
    if (tenant === "loud") taken++;
    else found.set(device, [...found.get(device) ?? [], temperature]);
  }
  const sorted = (of: Map<string, number[]>) =>
    [...of].map(([device, values]) => [device, values.toSorted((a, b) => a - b)] as const)
      .toSorted(([a], [b]) => a < b ? -1 : 1);
  assert.deepEqual(sorted(found), sorted(wanted), "each of the other's results, once");
  assert.equal(taken, BURST);
  const { read, results, dropped } = road.counters();
  assert.deepEqual([read, results, dropped], [FLOOD + READINGS, BURST + READINGS, FLOOD - BURST]);
});
