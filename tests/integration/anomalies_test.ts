/** The anomalies of real readings, over a real broker and through kills: the oracle's, once each. */
import assert from "node:assert/strict";
import { produce } from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { moteReadings } from "./motes.ts";
import { makeRoad } from "./road.ts";

const TENANTS = {
  tenants: {
    wsn: {
      threshold: 2,
      detectors: [
        { type: "range", metric: "temperature", max: 28, weight: 2 },
        { type: "range", metric: "humidity", min: 45, max: 70, weight: 1.5 },
        { type: "range", metric: "humidity", max: 60, weight: 1 },
      ],
    },
  },
} as const;

interface Listed {
  readonly id: string;
  readonly processed_at: string;
}

async function listed(url: string, query = ""): Promise<Listed[]> {
  const found: Listed[] = [];
  for (let after = "";;) {
    const response = await fetch(`${url}/api/anomalies?limit=700${query}${after}`);
    const page: { anomalies: Listed[]; next?: number } = await response.json();
    found.push(...page.anomalies);
    if (page.next === undefined) return found;
    after = `&after=${page.next}`;
  }
}

Deno.test("after kills at any moment the anomalies of the real motes are the oracle's, once each", async () => {
  using folder = tempFolder("anomalies-");
  const file = `${folder.path}/tenants.json`;
  await Deno.writeTextFile(file, JSON.stringify(TENANTS));
  await using road = await makeRoad({ name: "anomalies", env: { TENANTS_FILE: file } });
  const records = await moteReadings();
  const part = Math.ceil(records.length / 4);
  await road.start();
  for (let from = 0; from < records.length; from += part) {
    const before = road.counters().read;
    await produce(road.input, records.slice(from, from + part));
    await road.until(({ read }) => read > before);
    await road.program.kill("SIGKILL");
    await road.start();
  }
  await road.drained();
  const { differences, expectation } = await road.verdict({ tenants: TENANTS });
  assert.equal(differences, "");
  const marked = expectation.results.filter(({ score }) => score.anomaly);
  assert.ok(marked.length > 100 && marked.length < records.length, `${marked.length} marked`);

  const url = await road.program.address();
  const found = await listed(url);
  const ofId = new Map(found.map((it) => [it.id, it]));
  assert.equal(ofId.size, found.length, "none comes twice");
  assert.equal(found.length, marked.length);
  for (const { id, reading, score } of marked) {
    const { processed_at: _, ...rest } = ofId.get(id)!;
    assert.deepEqual(rest, {
      id,
      tenant_id: "wsn",
      device_id: reading.device,
      timestamp: reading.timestamp!.text,
      anomaly_score: score.score,
      temperature: Number(reading.temperature!.text),
      humidity: Number(reading.humidity!.text),
      reasons: score.reasons,
    });
  }
  const times = found.map((it) => Date.parse(it.processed_at));
  assert.deepEqual(times, times.toSorted((a, b) => b - a), "the newest first");
  for (const device of new Set(marked.map(({ reading }) => reading.device))) {
    const own = marked.filter(({ reading }) => reading.device === device).map(({ id }) => id);
    assert.deepEqual((await listed(url, `&device=${device}`)).map(({ id }) => id), own.reverse());
  }
  const page = await (await fetch(`${url}/metrics`)).text();
  assert.match(page, new RegExp(`^plumbline_anomalies_kept ${marked.length}$`, "m"));
  assert.match(page, /^plumbline_anomalies_dropped_total 0$/m);
});
