/** An engine with nothing to do: how soon it answers, what it holds and what it burns. */
import { cpuSeconds, memory } from "./machine.ts";
import { type Stage, startEngine } from "./stage.ts";
import type { Figures } from "./table.ts";

/** Start-up's own work is over by then. */
const SETTLE_MS = 5_000;
const WATCH_MS = 20_000;

export async function measureIdle(stage: Stage): Promise<Figures> {
  const [input, output] = [await stage.topic("bench-in"), await stage.topic("bench-out")];
  await using engine = await startEngine(stage, { input, output });
  await engine.program.ready("/health");
  const ready = performance.now() - engine.started;
  await passed(SETTLE_MS);
  const before = cpuSeconds(engine.program.pid);
  await passed(WATCH_MS);
  const used = cpuSeconds(engine.program.pid) - before;
  const { now } = memory(engine.program.pid);
  await engine.program.kill("SIGTERM");
  return { "/health after ms": ready, "idle MiB": now, "idle CPU %": used / WATCH_MS * 1e5 };
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
