/** The tenants' file is read again while readings pour in: each is judged by one of its versions as a whole. */
import assert from "node:assert/strict";
import { tempFolder } from "../harness/temp.ts";
import { readTopic } from "../harness/kafka.ts";
import { seededRandom, Writer } from "./load.ts";
import { makeRoad } from "./road.ts";

const RELOADS = 1_000;
const BATCH = 50;
const MAX_READINGS = 200_000;

interface Version {
  readonly threshold: number;
  readonly detectors: readonly {
    readonly type: "range";
    readonly metric: "temperature" | "humidity";
    readonly min: number;
    readonly max: number;
    readonly weight: number;
  }[];
}

const versions: readonly Version[] = [
  {
    threshold: 2,
    detectors: [
      { type: "range", metric: "temperature", min: 10, max: 30, weight: 1 },
      { type: "range", metric: "humidity", min: 20, max: 80, weight: 1 },
    ],
  },
  {
    threshold: 100,
    detectors: [
      { type: "range", metric: "temperature", min: 0, max: 20, weight: 10 },
      { type: "range", metric: "humidity", min: 30, max: 60, weight: 100 },
    ],
  },
];

function verdict(version: Version, reading: { temperature: number; humidity: number }) {
  const score = version.detectors.filter(({ metric, min, max }) =>
    reading[metric] < min || reading[metric] > max
  ).reduce((sum, { weight }) => sum + weight, 0);
  return { score, isAnomaly: score >= version.threshold };
}

Deno.test("1,000 reloads under load: nothing is lost, nothing is judged by half a setting", async () => {
  using folder = tempFolder("reload-");
  const file = `${folder.path}/tenants.yaml`;
  const write = (version: number, more = "") =>
    Deno.writeTextFileSync(file, JSON.stringify({ defaults: versions[version] }) + more);
  write(0);
  await using road = await makeRoad({ name: "reload", env: { TENANTS_FILE: file } });
  const program = await road.start();
  const address = await program.ready();
  const reload = async (wanted: number) => {
    const response = await fetch(`${address}/api/admin/reload`, { method: "POST" });
    const body = await response.text();
    assert.equal(response.status, wanted, body);
    return body;
  };

  const random = seededRandom(7);
  let pouring = true, sent = 0;
  const poured = (async () => {
    await using writer = new Writer(road.input, road.bootstrap);
    await writer.connect();
    while (pouring && sent < MAX_READINGS) {
      await writer.send(Array.from({ length: BATCH }, () => {
        const value = JSON.stringify({
          device_id: `d-${sent % 50}`,
          temperature: Math.floor(random() * 60) - 10,
          humidity: Math.floor(random() * 100),
        });
        return { key: `d-${sent++ % 50}`, value };
      }));
    }
  })();
  for (let i = 1; i <= RELOADS; i++) {
    write(i % 2);
    assert.equal(await reload(200), '{"status":"ok","tenants":0}');
    if (i % 100 !== 0) continue;
    write(i % 2, "}");
    assert.match(await reload(422), /"faults":\["neither JSON nor YAML: /);
  }
  pouring = false;
  await poured;
  await road.drained();

  const counters = road.counters();
  assert.deepEqual([counters.read, counters.results], [sent, sent]);
  const results = await readTopic(road.output);
  assert.equal(results.length, sent);
  const ids = new Set<string>();
  const judgedBy = [0, 0];
  for (const { value } of results) {
    const result = JSON.parse(String(value));
    ids.add(result.id);
    const told = { score: result.anomaly_score, isAnomaly: result.is_anomaly };
    const fits = versions.map((version) => {
      const { score, isAnomaly } = verdict(version, result);
      return told.score === score && told.isAnomaly === isAnomaly;
    });
    assert.ok(fits.includes(true), `neither version judges so: ${value}`);
    if (fits[0] !== fits[1]) judgedBy[fits.indexOf(true)]++;
  }
  assert.equal(ids.size, sent);
  assert.ok(judgedBy[0] > 0 && judgedBy[1] > 0, `a test of nothing: ${judgedBy}`);

  // Its change alone is enough, and so is a signal.
  write(0, "  ");
  await program.line('"trigger":"file"');
  program.signal("SIGHUP");
  await program.line('"trigger":"signal"');
  assert.equal((await program.kill("SIGTERM")).code, 0);
});
