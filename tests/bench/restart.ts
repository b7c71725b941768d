/** From the start after a kill under load to the first new result in the output topic. */
import { tempFolder } from "../harness/temp.ts";
import type { Filled } from "./road.ts";
import { reached, type Stage, startEngine } from "./stage.ts";
import type { Figures } from "./table.ts";

/** Killed when so much of the results has come out. */
const SHARE = 0.4;
/** Longer than a request to a broker on the same machine takes. */
const SETTLE_MS = 200;

export async function measureRestart(stage: Stage, input: Filled): Promise<Figures> {
  const output = await stage.topic("bench-out");
  using folder = tempFolder("bench-data-");
  const options = { input: input.topic, output, dir: folder.path };
  {
    await using engine = await startEngine(stage, options);
    await reached(stage, output, { end: Math.floor(input.valid * SHARE), engine });
    await engine.program.kill("SIGKILL");
  }
  const before = await settledEnd(stage, output);
  await using engine = await startEngine(stage, options);
  const first = await reached(stage, output, { end: before + 1, engine });
  const done = await reached(stage, output, { end: input.valid, engine });
  await engine.program.kill("SIGTERM");
  const end = await stage.end(output);
  return {
    "first new result after s": (first - engine.started) / 1000,
    "rest after s": (done - engine.started) / 1000,
    "results too many": end - input.valid,
  };
}

/** The broker may still be working on what the dead engine sent: its end, once it was seen twice. */
async function settledEnd(stage: Stage, topic: string): Promise<number> {
  for (let before = -1;;) {
    const end = await stage.end(topic);
    if (end === before) return end;
    before = end;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }
}
