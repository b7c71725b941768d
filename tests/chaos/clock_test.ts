/** A clock that is set is no reason to wait: without Kafka, an engine and a storage service that fails meanwhile. */
import assert from "node:assert/strict";
import { seededRandom } from "../harness/random.ts";
import { tempFolder } from "../harness/temp.ts";
import { Node } from "./node.ts";
import { StorageService } from "./storage_service.ts";

const PATIENCE_MS = 30_000;

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`Wait: not so after ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("a clock that goes wrong by an hour and is set right holds nothing up", async () => {
  using folder = tempFolder("clock-");
  await using storage = new StorageService(seededRandom(1));
  await using node = new Node("a", {
    folder: folder.path,
    env: { KAFKA_ENABLED: "false", STORAGE_SERVICE_URL: `${storage.url}/a` },
  });
  await node.start();
  const address = await node.address();
  const post = async (device: string) => {
    const body = JSON.stringify({ device_id: device, temperature: 20 });
    const answer = await fetch(`${address}/api/data`, { method: "POST", body });
    assert.equal(answer.status, 200);
    return (await answer.json()).data.processed_at as string;
  };
  const ledger = storage.ledger("a");
  for (const direction of [1, -1] as const) {
    storage.mood = { kind: "answers", status: 500, share: 1 };
    const before = Date.parse(await post(`before-${direction}`));
    await node.turnClock(direction);
    // The signal may come after a few readings.
    let seen = NaN;
    for (let i = 0; !(Math.abs(seen - before) > 3_000_000); i++) {
      seen = Date.parse(await post(`off-${direction}-${i}`));
    }
    const { asked } = ledger;
    await until(() => ledger.asked > asked);
    await node.turnClock(direction > 0 ? -1 : 1);
    await post(`after-${direction}`);
    storage.mood = { kind: "stores" };
    const devices = () => [...ledger.stored.values()].map((body) => JSON.parse(body).device_id);
    await until(() => devices().includes(`after-${direction}`));
    await until(() => devices().includes(`before-${direction}`));
    await until(() => devices().includes(`off-${direction}-0`));
  }
  await node.end("SIGTERM");
  assert.deepEqual([node.faults, ledger.faults], [[], []]);
});
