/** The HTTP API: alone, and read by many while readings pour in over Kafka. */
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { BATCH, type HttpLoad, type HttpLoadFigures, runHttpLoad } from "./http_load.ts";
import { startKafkaLoad } from "./kafka_load.ts";
import { batchOf } from "./load.ts";
import { CpuMeter } from "./machine.ts";
import { type Stage, startEngine } from "./stage.ts";
import type { Figures } from "./table.ts";

const SECONDS = 10;
/** A hundred for each of the 1,000 devices: their windows are full. */
const READINGS = 100_000;

const RATE = 50_000;
const READERS = 200;
const READ_SECONDS = 60;
/** Without readers, for comparison. */
const CALM_SECONDS = 20;
/** Until the rate is steady. */
const WARM_SECONDS = 5;

/** Without Kafka: what one connection pool gets, one kind of request after the other. */
export async function measureHttp(): Promise<Figures> {
  using folder = tempFolder("bench-http-");
  await using program = await startProgram({
    env: { KAFKA_ENABLED: "false", DATA_DIR: folder.path },
  });
  const address = await program.ready();
  for (let from = 0; from < READINGS; from += 10_000) {
    const response = await fetch(`${address}/api/data`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: batchOf({ from, count: 10_000 }),
    });
    if (!response.ok) throw new Error(`Fill the engine: ${await response.text()}`);
    await response.body?.cancel();
  }
  const load = async (kind: HttpLoad["kinds"][number], connections: number) => {
    const figures = await runHttpLoad({ address, kinds: [kind], connections, seconds: SECONDS });
    return { ...withoutErrors(figures), perSecond: figures.requests / figures.seconds };
  };
  const device = await load("device", 32);
  const page = await load("page", 16);
  const single = await load("single", 64);
  const batch = await load("batch", 8);
  await program.kill("SIGTERM");
  return {
    "GET device/s": device.perSecond,
    "GET device p99 ms": device.p99,
    "GET page of 100/s": page.perSecond,
    "POST reading/s": single.perSecond,
    "POST reading p99 ms": single.p99,
    "readings/s in batches of 1,000": batch.perSecond * BATCH,
    "batch p99 ms": batch.p99,
  };
}

/** Half of the readers ask for a page, half for a device, each once a second. */
export async function measureReaders(stage: Stage): Promise<Figures> {
  const [topic, output] = [await stage.topic("bench-in"), await stage.topic("bench-out")];
  await using engine = await startEngine(stage, { input: topic, output });
  const address = await engine.program.ready("/health/ready");
  const { bootstrap } = stage.broker;
  const seconds = 2 * WARM_SECONDS + CALM_SECONDS + READ_SECONDS;
  const pouring = startKafkaLoad({ bootstrap, topic, rate: RATE, seconds });
  pouring.catch(() => {});
  await passed(WARM_SECONDS);
  const calm = await rateOf(stage, { output, engine, work: () => passed(CALM_SECONDS) });
  let figures: HttpLoadFigures | undefined;
  const read = await rateOf(stage, {
    output,
    engine,
    work: async () => {
      figures = await runHttpLoad({
        address,
        kinds: ["page", "device"],
        connections: READERS,
        seconds: READ_SECONDS,
        everyMs: 1000,
      });
    },
  });
  await pouring;
  await engine.program.kill("SIGTERM");
  const { requests, p50, p99, max } = withoutErrors(figures!);
  return {
    "results/s without readers": calm.perSecond,
    "results/s with 200 readers": read.perSecond,
    "change %": (read.perSecond / calm.perSecond - 1) * 100,
    "requests": requests,
    "p50 ms": p50,
    "p99 ms": p99,
    "max ms": max,
    "engine CPU % without": calm.cpu,
    "engine CPU % with": read.cpu,
  };
}

/** Results a second that come out while `work` is done, and what the engine burns. */
async function rateOf(
  stage: Stage,
  of: {
    output: string;
    engine: Awaited<ReturnType<typeof startEngine>>;
    work: () => Promise<void>;
  },
): Promise<{ perSecond: number; cpu: number }> {
  const cpu = new CpuMeter({ engine: of.engine.program.pid });
  const [before, begun] = [await stage.end(of.output), performance.now()];
  await of.work();
  const [after, ended] = [await stage.end(of.output), performance.now()];
  const seconds = (ended - begun) / 1000;
  return { perSecond: (after - before) / seconds, cpu: cpu.read().engine / seconds * 100 };
}

function withoutErrors(figures: HttpLoadFigures): HttpLoadFigures {
  if (figures.errors === 0) return figures;
  throw new Error(`${figures.errors} of ${figures.requests} requests had no 200`);
}

function passed(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
