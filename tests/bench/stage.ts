/** What every measurement needs: a broker, topics, the engine as a process, the output topic's end. */
import { Consumer } from "@platformatic/kafka";
import { type Broker, startBroker } from "../../tools/broker.ts";
import { createTopic, topicName } from "../harness/kafka.ts";
import { type Program, startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { PARTITIONS } from "./load.ts";

const POLL_MS = 20;
const STALLED_MS = 60_000;

export interface Stage extends AsyncDisposable {
  readonly broker: Broker;
  /** Makes a topic of its own. */
  topic(prefix: string): Promise<string>;
  end(topic: string): Promise<number>;
}

export async function openStage(): Promise<Stage> {
  const folder = tempFolder("bench-");
  const broker = await startBroker({ dir: `${folder.path}/broker`, heap: "1g", fastStart: false });
  const consumer = new Consumer({
    clientId: "bench",
    groupId: topicName("bench"),
    bootstrapBrokers: [broker.bootstrap],
  });
  return {
    broker,
    topic: (prefix) =>
      createTopic({ name: topicName(prefix), partitions: PARTITIONS }, broker.bootstrap),
    async end(topic) {
      const ends = await consumer.listOffsets({ topics: [topic] });
      return Number((ends.get(topic) ?? []).reduce((sum, end) => sum + end, 0n));
    },
    async [Symbol.asyncDispose]() {
      await consumer.close();
      await broker.stop();
      folder[Symbol.dispose]();
    },
  };
}

export interface Engine extends AsyncDisposable {
  readonly program: Program;
  /** `performance.now()` at the start of the process. */
  readonly started: number;
}

/** Starts the engine with an empty folder, unless `dir` names one. */
export async function startEngine(
  stage: Stage,
  options: {
    input: string;
    output: string;
    dir?: string;
    env?: Record<string, string>;
    /** Another checkout of the project, whose engine it is. */
    root?: string;
  },
): Promise<Engine> {
  const folder = options.dir === undefined ? tempFolder("bench-data-") : undefined;
  const program = await startProgram({
    root: options.root,
    env: {
      KAFKA_BROKER: stage.broker.bootstrap,
      INPUT_TOPIC: options.input,
      OUTPUT_TOPIC: options.output,
      CONSUMER_GROUP: options.output,
      DATA_DIR: options.dir ?? folder?.path ?? "",
      ...options.env,
    },
  });
  const started = performance.now();
  return {
    program,
    started,
    async [Symbol.asyncDispose]() {
      await program.kill();
      folder?.[Symbol.dispose]();
    },
  };
}

/** Looks at the topic's end every 20 ms; `seen` gets it. Returns when it has reached `end`. */
export async function reached(
  stage: Stage,
  topic: string,
  options: { end: number; engine: Engine; seen?: (end: number, at: number) => void },
): Promise<number> {
  let last = -1;
  let changed = performance.now();
  for (;;) {
    const end = await stage.end(topic);
    const now = performance.now();
    if (end !== last) [last, changed] = [end, now];
    options.seen?.(end, now);
    if (end >= options.end) return now;
    if (now - changed > STALLED_MS) {
      const lines = options.engine.program.lines.slice(-20).join("\n");
      throw new Error(`Wait for ${options.end} records in ${topic}: stuck at ${end}\n${lines}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** What the engine logs at its end about where the time went; empty if it logs nothing. */
export function stagesOf(program: Program): Record<string, unknown> {
  for (const line of program.lines) {
    if (!line.startsWith("{") || !line.includes('"stages"')) continue;
    const { stages } = JSON.parse(line);
    if (typeof stages === "object" && stages !== null) return stages;
  }
  return {};
}
