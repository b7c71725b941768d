/** The whole road: from the start of the process to the last acknowledged result in the output topic. */
import { readTopic } from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { DEFAULT_SETTINGS } from "../oracle/expectation.ts";
import { describe } from "../oracle/findings.ts";
import { checkResults } from "../oracle/results.ts";
import { fill, PARTITIONS } from "./load.ts";
import { CpuMeter, memory } from "./machine.ts";
import { reached, type Stage, stagesOf, startEngine } from "./stage.ts";
import type { Figures } from "./table.ts";

export interface Filled {
  readonly topic: string;
  readonly readings: number;
  readonly valid: number;
}

export async function fillInput(stage: Stage, readings: number): Promise<Filled> {
  const topic = await stage.topic("bench-in");
  const valid = await fill(topic, { bootstrap: stage.broker.bootstrap, count: readings });
  return { topic, readings, valid };
}

/**
 * `verify`: the oracle reads both topics afterwards; needs about 3 GB for a million. `root`: another
 * checkout, whose engine is measured.
 */
export async function measureRoad(
  stage: Stage,
  options: {
    input: Filled;
    verify: boolean;
    print: (line: string) => void;
    root?: string;
    env?: Record<string, string>;
  },
): Promise<Figures> {
  const { input, verify, print, root, env } = options;
  const output = await stage.topic("bench-out");
  await using engine = await startEngine(stage, { input: input.topic, output, root, env });
  const { program, started } = engine;
  const cpu = new CpuMeter({ engine: program.pid, broker: stage.broker.pid, bench: Deno.pid });
  let first = { end: 0, at: 0 };
  const seen = (end: number, at: number) => {
    if (first.end === 0) first = { end, at };
  };
  const done = await reached(stage, output, { end: input.valid, engine, seen });
  const used = cpu.read();
  const { peak } = memory(program.pid);
  await program.kill("SIGTERM");
  const stages = stagesOf(program);
  if (Object.keys(stages).length > 0) print(`  stages: ${JSON.stringify(stages)}`);
  if (verify) await verifyRoad(stage, { input, output, print });
  const steady = (input.valid - first.end) / (done - first.at) * 1000;
  return {
    "readings/s from start": input.readings / (done - started) * 1000,
    "results/s from the first": steady,
    "first result after s": (first.at - started) / 1000,
    "engine us CPU/reading": used.engine / input.readings * 1e6,
    "broker CPU s": used.broker,
    "bench CPU s": used.bench,
    "others CPU s": used.others,
    "peak MiB": peak,
  };
}

/**
 * The whole road where both detectors fire for every reading: each is an anomaly, or, with a threshold
 * that nothing reaches, none is. The difference is what anomalies cost.
 */
export async function measureFlood(
  stage: Stage,
  options: { input: Filled; marked: boolean; print: (line: string) => void },
): Promise<Figures> {
  const { input, marked, print } = options;
  using folder = tempFolder("bench-tenants-");
  const detectors = ["temperature", "humidity"].map((metric) => ({
    type: "range",
    metric,
    max: -100,
  }));
  const file = `${folder.path}/tenants.json`;
  const defaults = { threshold: marked ? 2 : 3, detectors };
  await Deno.writeTextFile(file, JSON.stringify({ defaults }));
  const env = { TENANTS_FILE: file };
  return await measureRoad(stage, { input, verify: false, print, env });
}

async function verifyRoad(
  stage: Stage,
  options: { input: Filled; output: string; print: (line: string) => void },
): Promise<void> {
  const read = { bootstrap: stage.broker.bootstrap, timeoutMs: 300_000 };
  const input = await readTopic(options.input.topic, read);
  const output = (await readTopic(options.output, read)).map((record) => ({
    ...record,
    headers: Object.entries(record.headers).map(([name, value]) =>
      [name, value as Uint8Array] as const
    ),
  }));
  const { findings, duplicates } = checkResults(input, output, {
    topic: options.input.topic,
    outputPartitions: PARTITIONS,
    settings: DEFAULT_SETTINGS,
  });
  const differences = describe(findings.list());
  if (differences !== "") throw new Error(`The oracle on ${options.output}:\n${differences}`);
  options.print(`  oracle: ${output.length} results right, ${duplicates} duplicates`);
}
