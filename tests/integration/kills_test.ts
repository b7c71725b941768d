/**
 * Twenty kills at random moments under load, one of them the broker's, and two ends by SIGTERM:
 * nothing is lost, nothing comes twice, and every window is what it would have been.
 * KILL_SEED repeats a run's delays and readings.
 */
import assert from "node:assert/strict";
import { startBroker } from "../../tools/broker.ts";
import { tempFolder } from "../harness/temp.ts";
import { LOAD_TENANTS, makeLoad, pour, seededRandom, Writer } from "./load.ts";
import { makeRoad, type Road } from "./road.ts";

const KILLS = 20;
const DEVICES = 1_000;
const PER_SECOND = 4_000;
const LONGEST_MS = 2_000;

type Fault = "kill the engine" | "kill the broker" | "stop the engine";

/** 19 kills of the engine, one of the broker, two orderly ends, in any order. */
function faults(random: () => number): Fault[] {
  const all = Array<Fault>(KILLS - 1).fill("kill the engine");
  for (const other of ["kill the broker", "stop the engine", "stop the engine"] as const) {
    all.splice(1 + Math.floor(random() * (all.length - 1)), 0, other);
  }
  return all;
}

/** A fault's moment is meant to be any: this is the one wait by the clock. */
function anyMoment(random: () => number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, random() * LONGEST_MS));
}

/** Waits until the engine sends results again, or, one time out of four, doesn't: a kill hits the start. */
async function underWay(road: Road, random: () => number): Promise<void> {
  if (random() < 0.25) return;
  const before = await road.size(road.output);
  await road.until((_, sent) => sent > before);
}

Deno.test("after twenty kills under load every result is there once and right", async () => {
  const seed = Number(Deno.env.get("KILL_SEED") ?? Math.floor(Math.random() * 2 ** 32));
  console.log(`KILL_SEED=${seed}`);
  const random = seededRandom(seed);
  using folder = tempFolder("kills-");
  const tenants = `${folder.path}/tenants.json`;
  await Deno.writeTextFile(tenants, JSON.stringify(LOAD_TENANTS));
  await using broker = await startBroker({ dir: `${folder.path}/broker` });
  await using road = await makeRoad({
    name: "kills",
    bootstrap: broker.bootstrap,
    env: { TENANTS_FILE: tenants },
  });
  await using writer = new Writer(road.input, broker.bootstrap);
  await writer.connect();
  const load = makeLoad({ devices: DEVICES, random: seededRandom(seed + 1) });
  const pouring = pour(load, { writer, perSecond: PER_SECOND, random: seededRandom(seed + 2) });
  await road.start();
  for (const fault of faults(random)) {
    await underWay(road, random);
    await anyMoment(random);
    if (fault === "kill the broker") {
      await broker.kill();
      await broker.start();
      continue;
    }
    const stopping = fault === "stop the engine";
    const exit = await road.program.kill(stopping ? "SIGTERM" : "SIGKILL");
    // Before it has set up its handler, SIGTERM ends the program as it ends any other.
    if (stopping && exit.signal === null) assert.equal(exit.code, 0, road.program.stderr);
    await road.start();
  }
  await pouring.stop();
  const { expectation } = await road.assertRight({ tenants: LOAD_TENANTS });
  assert.equal(expectation.read, await road.size(road.input));
  console.log(`${expectation.read} readings, ${expectation.results.length} results`);
});
