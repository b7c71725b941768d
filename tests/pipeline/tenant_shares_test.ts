import assert from "node:assert/strict";
import { type TenantSettings } from "../../src/core/tenant.ts";
import { PARITY } from "../core/result_twin.ts";
import { tempFolder } from "../harness/temp.ts";
import { type Node, startNode } from "./node.ts";

const MAX_BYTES = 100_000;
/** About. */
const RESULT_BYTES = 420;
const encoder = new TextEncoder();
const reading = (tenant: string, n: number) =>
  encoder.encode(JSON.stringify({ device_id: `d${n % 7}`, tenant_id: tenant, temperature: n }));

function settings(tenant: string): TenantSettings {
  if (tenant !== "loud") return PARITY;
  return { ...PARITY, quotas: { backlogShare: 0.2, over: "drop" } };
}

function start(dir: string): Node {
  return startNode({
    dir,
    clock: { time: Date.UTC(2026, 1, 1) },
    settings,
    output: false,
    storage: true,
    maxBacklogBytes: MAX_BYTES,
  });
}

async function send(node: Node, tenant: string, count: number): Promise<number> {
  let taken = 0;
  for (let n = 0; n < count; n++) {
    const { kind } = await node.ingest.submit(reading(tenant, n));
    assert.ok(kind === "result" || kind === "over quota", kind);
    if (kind === "result") taken++;
  }
  return taken;
}

Deno.test("a tenant's results take their share of the backlog and no more, also after a crash", async () => {
  using folder = tempFolder();
  let node = start(folder.path);
  const taken = await send(node, "loud", 100);
  const { rows: count, bytes: all } = node.store.journal.size();
  // A row has 61 bytes before its records.
  const bytes = all - 61 * count;
  assert.ok(bytes >= 0.2 * MAX_BYTES && bytes < 0.2 * MAX_BYTES + 2 * RESULT_BYTES, `${bytes}`);
  assert.equal(await send(node, "quiet", 30), 30, "others aren't in its way");
  assert.equal(await send(node, "loud", 5), 0);

  node.crash();
  node = start(folder.path);
  assert.equal(await send(node, "loud", 5), 0, "what waited before the crash counts");
  assert.equal(await send(node, "quiet", 30), 30);

  // The storage service takes all that waits.
  const rows = node.store.journal.resultRows(0, 1e9);
  const last = rows.at(-1)!;
  node.store.transact((tx) => tx.moveStorageCursor(last.id + 1, 0));
  node.crash();
  node = start(folder.path);
  assert.equal(await send(node, "loud", 100), taken, "there is room again, as much as before");
  assert.ok(node.store.journal.tenantStretches().every(({ first }) => first > last.id));
  node.stop();
});

Deno.test("no more stretches are kept than the share is divided into, however small batches are", async () => {
  using folder = tempFolder();
  const node = startNode({
    dir: folder.path,
    clock: { time: Date.UTC(2026, 1, 1) },
    settings: () => ({ ...PARITY, quotas: { backlogShare: 1, over: "drop" } }),
    output: false,
    storage: true,
    maxBacklogBytes: 1_000_000,
  });
  assert.equal(await send(node, "loud", 1500), 1500);
  const stretches = node.store.journal.tenantStretches();
  assert.ok(stretches.length > 20 && stretches.length <= 66, `${stretches.length}`);
  const rows = node.store.journal.resultRows(0, 1e9);
  const bytes = stretches.reduce((sum, it) => sum + it.bytes, 0);
  assert.equal(bytes, rows.reduce((sum, { body }) => sum + body.length - 61, 0));
  node.stop();
});
