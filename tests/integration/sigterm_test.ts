/** SIGTERM under load: an orderly end, in time, and a start that goes on where it ended. */
import assert from "node:assert/strict";
import { client } from "../harness/kafka.ts";
import { makeLoad, pour, seededRandom, take, Writer } from "./load.ts";
import { makeRoad } from "./road.ts";

const STOP_LIMIT_MS = 10_000;
/** Well under the 9 s that a member costs which didn't leave its group. */
const FIRST_OUTPUT_LIMIT_MS = 5_000;

Deno.test("SIGTERM under load ends in order, and the next start goes on at once", async () => {
  await using road = await makeRoad({ name: "sigterm" });
  await using writer = new Writer(road.input);
  await writer.connect();
  const load = makeLoad({ devices: 500, random: seededRandom(1) });
  for (let sent = 0; sent < 60_000; sent += 4_000) await writer.send(take(load, 4_000));
  const pouring = pour(load, { writer, perSecond: 5_000, random: seededRandom(2) });
  await road.start();
  await road.until((_, sent) => sent > 10_000);

  const asked = Date.now();
  assert.deepEqual(await road.program.kill("SIGTERM"), { code: 0, signal: null });
  assert.ok(Date.now() - asked < STOP_LIMIT_MS, `it took ${Date.now() - asked} ms`);
  const admin = client().admin();
  await admin.connect();
  const { groups } = await admin.describeGroups([road.output]);
  await admin.disconnect();
  assert.deepEqual(groups[0].members, [], "the group was left");
  // What was committed was sent before the end: nothing is in flight that a start would repeat.
  const before = await road.size(road.output);

  const started = Date.now();
  await road.start();
  await road.until((_, sent) => sent > before);
  assert.ok(Date.now() - started < FIRST_OUTPUT_LIMIT_MS, `${Date.now() - started} ms`);
  await pouring.stop();
  await road.assertRight();
});
