/** Senders that may speak for some tenants only. */
import assert from "node:assert/strict";
import { assertCounted, rig } from "./ingest_rig.ts";
import { InputTopic } from "./log_source.ts";

const encoder = new TextEncoder();
const sender = { tenants: new Set(["acme", "default"]) };

function of(tenant?: string): Uint8Array {
  return encoder.encode(JSON.stringify({ device_id: "d", temperature: 20, tenant_id: tenant }));
}

Deno.test("a reading of a foreign tenant: nothing is counted, kept or known of it", async () => {
  using node = rig(new InputTopic(1));
  const kinds = [];
  // Look-alikes are others: a Cyrillic letter, a byte order mark, an escape that reads as the name.
  for (
    const tenant of ["acme", undefined, "zeta", "Acme", "\u0430cme", "\ufeffacme", "acme\u200b"]
  ) {
    kinds.push((await node.ingest.submit(of(tenant), sender)).kind);
  }
  assert.deepEqual(kinds, ["result", "result", ...Array(5).fill("foreign")]);
  const escaped = encoder.encode('{"device_id":"d","tenant_id":"\\u0061cme","temperature":1}');
  assert.equal((await node.ingest.submit(escaped, sender)).kind, "result");
  const twice = encoder.encode('{"device_id":"d","tenant_id":"acme","tenant_id":"zeta"}');
  const alone = await node.ingest.submit(twice);
  const limited = await node.ingest.submit(twice, sender);
  assert.equal(limited.kind, "foreign", "judged by the tenant that it is stored under");
  assert.equal(alone.kind, "result");
  assertCounted(node, { read: 4, results: 4 });
  assert.deepEqual(node.store.devices.tenantsOf("d"), ["acme", "default", "zeta"]);
  assert.equal(node.store.letters.last(), 0);
});

Deno.test("in a batch they are told by line; what is no reading belongs to nobody", async () => {
  using node = rig(new InputTopic(1));
  const parts = [of("acme"), of("zeta"), encoder.encode("nonsense"), of("default")];
  const ranges: number[] = [];
  let length = 0;
  for (const part of parts) ranges.push(length, length += part.length);
  const body = new Uint8Array(length);
  parts.forEach((part, i) => body.set(part, ranges[2 * i]));
  const outcome = await node.ingest.submitBatch(body, ranges, sender);
  assert.deepEqual([outcome.accepted, outcome.foreign, outcome.overQuota], [2, 1, 0]);
  assert.deepEqual(outcome.rejected.map(({ index }) => index), [1, 2]);
  assert.equal(
    outcome.rejected[0].reason,
    'tenant_id: expected one that the token is for, got "zeta"',
  );
  assertCounted(node, { read: 3, results: 2, rejected: 1 });
  assert.deepEqual(node.store.devices.tenantsOf("d"), ["acme", "default"]);
});
