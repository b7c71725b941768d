/** Results posted to a storage service that answers at once. */
import { type Filled } from "./road.ts";
import { CpuMeter } from "./machine.ts";
import { reached, type Stage, startEngine } from "./stage.ts";
import type { Figures } from "./table.ts";

/** From the first post, so many are timed. */
const POSTS = 50_000;

export async function measureStorage(stage: Stage, input: Filled): Promise<Figures> {
  const output = await stage.topic("bench-out");
  const wanted = Math.min(POSTS, input.valid);
  const { promise, resolve } = Promise.withResolvers<void>();
  let posts = 0;
  let first = 0;
  const options = { port: 0, hostname: "127.0.0.1", onListen() {} };
  await using server = Deno.serve(options, async (request) => {
    await request.body?.cancel();
    if (posts++ === 0) first = performance.now();
    if (posts === wanted) resolve();
    return new Response("{}");
  });
  const env = { STORAGE_SERVICE_URL: `http://127.0.0.1:${server.addr.port}` };
  await using engine = await startEngine(stage, { input: input.topic, output, env });
  const cpu = new CpuMeter({ engine: engine.program.pid });
  // What the output topic gets meanwhile says whether the posts delay it.
  const drained = await reached(stage, output, { end: input.valid, engine });
  await promise;
  const took = performance.now() - first;
  const { engine: used } = cpu.read();
  await engine.program.kill("SIGTERM");
  return {
    "posts/s": wanted / took * 1000,
    "readings/s to the output": input.readings / (drained - engine.started) * 1000,
    "engine CPU s": used,
  };
}
