/**
 * The 89 cases over Kafka through a running engine: each outcome as `expected.ts` has it, and the
 * whole as the oracle has it; without TENANTS_FILE, and with the legacy engines' tenants.
 */
import assert from "node:assert/strict";
import { produce } from "../harness/kafka.ts";
import { makeRoad, type Road } from "../integration/road.ts";
import { readStore } from "../oracle/store.ts";
import type { TenantsFile } from "../oracle/tenants.ts";
import { loadMessages, type Message } from "./cases.ts";
import { checkOutcome, type Outcome } from "./check.ts";
import { EXPECTED } from "./expected.ts";

const LEGACY = new URL("../../deploy/tenants.legacy.json", import.meta.url).pathname;

/** By offset in the input topic's only partition. */
async function outcomes(road: Road): Promise<Map<number, Outcome>> {
  const found = new Map<number, Outcome>();
  for (const { value } of (await road.records()).output) {
    const result = JSON.parse(new TextDecoder().decode(value ?? new Uint8Array()));
    found.set(Number(result.id.slice(result.id.lastIndexOf("-") + 1)), { result });
  }
  const letters = readStore(
    road.storeFile,
    (database) =>
      database.prepare('SELECT "offset", reason FROM dead_letters').all() as {
        offset: number;
        reason: string;
      }[],
  );
  for (const { offset, reason } of letters) found.set(offset, { reason });
  return found;
}

async function send(road: Road): Promise<Message[]> {
  const messages = await loadMessages();
  await produce(road.input, messages.map((message) => message.record));
  return messages;
}

Deno.test("every case has an expected outcome, and every outcome a case", async () => {
  const cases = new Set((await loadMessages()).map((message) => message.case));
  assert.equal(cases.size, 89);
  assert.deepEqual([...cases].sort(), Object.keys(EXPECTED).sort());
});

Deno.test("the 89 cases, without TENANTS_FILE", async () => {
  await using road = await makeRoad({ name: "cases", partitions: 1 });
  const messages = await send(road);
  await road.start();
  await road.drained();
  const found = await outcomes(road);
  messages.forEach((message, offset) =>
    checkOutcome(message, { outcome: found.get(offset), legacy: false })
  );
  const last = messages.findLastIndex((message) => message.case.startsWith("120 readings"));
  const outcome = found.get(last);
  assert.ok(outcome !== undefined && "result" in outcome);
  // The window holds the last 100 of 120: 20 to 119, 20.5 to 119.5.
  assert.deepEqual(outcome.result.temperature_stats, { avg: 69.5, min: 20, max: 119 });
  assert.deepEqual(outcome.result.humidity_stats, { avg: 70, min: 20.5, max: 119.5 });
  await road.assertRight();
});

Deno.test("the 89 cases, with the legacy engines' tenants", async () => {
  const tenants: TenantsFile = JSON.parse(await Deno.readTextFile(LEGACY));
  const env = { TENANTS_FILE: LEGACY };
  await using road = await makeRoad({ name: "legacy", partitions: 1, env });
  const messages = await send(road);
  await road.start();
  await road.drained();
  const found = await outcomes(road);
  messages.forEach((message, offset) =>
    checkOutcome(message, { outcome: found.get(offset), legacy: true })
  );
  const { expectation } = await road.assertRight({ tenants });
  // 200 coins: outside 50 to 150 they aren't fair (seven standard deviations).
  assert.ok(expectation.sampledOut > 50 && expectation.sampledOut < 150, "sampled out");

  // Another engine on the same input samples the same readings.
  await using second = await makeRoad({ name: "legacy", partitions: 1, env, input: road.input });
  await second.start();
  await second.drained();
  const again = await outcomes(second);
  const sampled = (outcomes: Map<number, Outcome>) => [...outcomes.keys()].sort((a, b) => a - b);
  assert.deepEqual(sampled(again), sampled(found));
});
