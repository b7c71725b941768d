/** Results posted to a storage service that comes and goes. */
import assert from "node:assert/strict";
import { type Load, makeLoad, seededRandom, take, Writer } from "./load.ts";
import { makeRoad, type Road } from "./road.ts";
import { StorageStandIn } from "./stored.ts";

const BATCH = 3_000;

/** Every result was posted, first in its device's order, with the bytes that the output topic has. */
async function assertStored(road: Road, storage: StorageStandIn): Promise<void> {
  const decoder = new TextDecoder();
  const values = new Map<string, string>();
  const wanted = new Map<string, string[]>();
  for (const { value, key } of (await road.records()).output) {
    const text = decoder.decode(value ?? new Uint8Array());
    const { id } = JSON.parse(text);
    values.set(id, text);
    const device = decoder.decode(key ?? new Uint8Array());
    wanted.set(device, [...wanted.get(device) ?? [], id]);
  }
  const stored = new Map<string, string[]>();
  const seen = new Set<string>();
  for (const { id, device, body } of storage.posts) {
    assert.equal(body, values.get(id), id);
    if (!seen.has(id)) stored.set(device, [...stored.get(device) ?? [], id]);
    seen.add(id);
  }
  assert.deepEqual(stored, wanted);
  assert.deepEqual(storage.faults, []);
}

Deno.test("all results reach a storage service that dies and comes back, and nothing else waits", async () => {
  await using storage = new StorageStandIn();
  await using road = await makeRoad({
    name: "storage",
    env: {
      STORAGE_SERVICE_URL: storage.url,
      STORAGE_CONCURRENCY: "8",
      STORAGE_TIMEOUT_MS: "500",
    },
  });
  await using writer = new Writer(road.input);
  await writer.connect();
  const load: Load = makeLoad({ devices: 200, random: seededRandom(3) });
  const stored = () => new Set(storage.posts.map((post) => post.id)).size;

  await road.start();
  await writer.send(take(load, BATCH));
  const first = await road.drained();
  await storage.until(() => stored() === first.results);
  assert.equal(storage.posts.length, first.results, "nothing is posted twice while all goes well");
  assert.ok(storage.busiest > 1 && storage.busiest <= 8, `${storage.busiest} requests at once`);

  for (const mood of ["hangs", "fails"] as const) {
    storage.mood = mood;
    await writer.send(take(load, BATCH));
    await road.drained();
  }
  await storage.goAway();
  await writer.send(take(load, BATCH));
  await road.drained();
  await road.program.kill("SIGKILL");
  await road.start();
  await writer.send(take(load, BATCH));
  const all = await road.drained();
  assert.equal(stored(), first.results, "nothing was stored meanwhile");

  storage.mood = "stores";
  storage.comeBack();
  await storage.until(() => stored() === all.results);
  await assertStored(road, storage);
  await road.assertRight();
});
