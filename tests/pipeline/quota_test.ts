import assert from "node:assert/strict";
import { type TenantSettings } from "../../src/core/tenant.ts";
import { PARITY } from "../core/result_twin.ts";
import { assertCounted, reading, resultIds, rig } from "./ingest_rig.ts";
import { InputTopic } from "./log_source.ts";

for (const over of ["drop", "dead_letter"] as const) {
  Deno.test(`readings from Kafka over the quota, ${over}: counted once`, async () => {
    const topic = new InputTopic(1);
    for (let i = 0; i < 10; i++) topic.partitions[0].push(reading("d", i));
    const settings: TenantSettings = {
      ...PARITY,
      quotas: { readingsPerSecond: 1, burst: 3, over },
    };
    using node = rig(topic, { settings: () => settings });
    await node.ingest.run();
    const rest = over === "drop" ? { dropped: 7 } : { rejected: 7 };
    assertCounted(node, { read: 10, results: 3, ...rest });
    assert.deepEqual(resultIds(node), ["in-0-0", "in-0-1", "in-0-2"]);
  });
}

for (const over of ["drop", "dead_letter"] as const) {
  Deno.test(`readings from Kafka over the share of the backlog, ${over}: counted once`, async () => {
    const topic = new InputTopic(1);
    for (let i = 0; i < 10; i++) topic.partitions[0].push(reading("d", i));
    // Room for one result: it may go over the share.
    const settings: TenantSettings = { ...PARITY, quotas: { backlogShare: 0.001, over } };
    using node = rig(topic, { settings: () => settings, maxBacklogBytes: 100_000 });
    await node.ingest.run();
    const rest = over === "drop" ? { dropped: 9 } : { rejected: 9 };
    assertCounted(node, { read: 10, results: 1, ...rest });
    assert.deepEqual(resultIds(node), ["in-0-0"]);
  });
}

Deno.test("readings over HTTP over the quota: refused, and counted nowhere", async () => {
  const settings: TenantSettings = {
    ...PARITY,
    quotas: { readingsPerSecond: 1, burst: 2, over: "dead_letter" },
  };
  using node = rig(new InputTopic(1), { settings: () => settings });
  const outcomes = await Promise.all([1, 2, 3].map((it) => node.ingest.submit(reading("d", it))));
  assert.deepEqual(outcomes.map(({ kind }) => kind), ["result", "result", "over quota"]);
  const body = new Uint8Array([...reading("d", 4), ...reading("d", 5)]);
  const half = reading("d", 4).length;
  const batch = await node.ingest.submitBatch(body, [0, half, half, body.length]);
  assert.deepEqual([batch.accepted, batch.overQuota, batch.rejected.length], [0, 2, 2]);
  assertCounted(node, { read: 2 });
});
