/** A tenant whose results pile up, as the storage service refuses them, beside one that goes on. */
import assert from "node:assert/strict";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { StorageStandIn } from "./stored.ts";

/** Of 16 MiB. */
const SHARE = 0.01;
const BATCH = 100;

function batchOf(tenant: string, from: number): string {
  return Array.from({ length: BATCH }, (_, i) =>
    JSON.stringify({
      device_id: `device-${(from + i) % 10}`,
      tenant_id: tenant,
      temperature: 20 + (from + i) / 1000,
    })).join("\n");
}

async function post(address: string, body: string) {
  const answer = await fetch(`${address}/api/data`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body,
  });
  return { ...await answer.json(), status: answer.status };
}

async function valueOf(address: string, series: string): Promise<number> {
  const text = await (await fetch(`${address}/metrics`)).text();
  const line = text.split("\n").find((it) => it.startsWith(`${series} `));
  return Number(line?.split(" ")[1]);
}

Deno.test("a tenant whose results pile up takes its share of the backlog, and others go on", async () => {
  await using storage = new StorageStandIn();
  storage.mood = "fails";
  using folder = tempFolder();
  const tenants = `${folder.path}/tenants.json`;
  const quotas = { backlog_share: SHARE };
  Deno.writeTextFileSync(tenants, JSON.stringify({ tenants: { loud: { quotas } } }));
  const env = {
    KAFKA_ENABLED: "false",
    DATA_DIR: `${folder.path}/data`,
    STORAGE_SERVICE_URL: storage.url,
    BACKLOG_MAX_BYTES: "16MiB",
    TENANTS_FILE: tenants,
  };
  let taken = 0;
  {
    await using program = await startProgram({ env });
    const address = await program.ready("/health/live");
    for (let from = 0; from < 2_000; from += BATCH) {
      taken += (await post(address, batchOf("loud", from))).accepted ?? 0;
    }
    const waiting = await valueOf(address, 'plumbline_tenant_backlog_bytes{tenant_id="loud"}');
    const share = SHARE * 16 * 1024 ** 2;
    assert.ok(waiting >= share && waiting < share * 1.01, `${waiting} bytes, ${taken} taken`);
    assert.ok(taken > BATCH && taken < 2_000, `${taken}`);
    const over = await valueOf(address, 'plumbline_over_quota_total{tenant_id="loud"}');
    assert.equal(over, 2_000 - taken);
    const refused = await post(address, batchOf("loud", 0));
    assert.equal(refused.status, 429);
    assert.match(JSON.stringify(refused), /quota: expected at most 1 % of the results that wait/);
    const told = JSON.parse(await program.line("more than its quotas allow"));
    assert.deepEqual([told.tenant, told.quota], ["loud", "backlog_share"]);
    for (let from = 0; from < 1_000; from += BATCH) {
      assert.equal((await post(address, batchOf("quiet", from))).status, 200);
    }
    await program.kill("SIGKILL");
  }
  await using program = await startProgram({ env });
  const address = await program.ready("/health/live");
  assert.equal(
    (await post(address, batchOf("loud", 0))).status,
    429,
    "it counts after a kill, too",
  );
  assert.equal((await post(address, batchOf("quiet", 0))).status, 200);
  storage.mood = "stores";
  const wanted = taken + 1_000 + BATCH;
  await storage.until(() => new Set(storage.posts.map(({ id }) => id)).size === wanted);
  const again = async () => (await post(address, batchOf("loud", 0))).status;
  for (let status = await again(); status !== 200; status = await again()) {
    assert.equal(status, 429, "until the last acknowledgement is worked in");
  }
  assert.deepEqual(storage.faults, []);
});
