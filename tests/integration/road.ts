/** One engine as a process, with an input topic, an output topic and a data folder of its own. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type kafkajs from "kafkajs";
import {
  broker,
  client,
  createTopic,
  type ReadRecord,
  readTopic,
  topicName,
  topicOffsets,
} from "../harness/kafka.ts";
import { type Program, type ProgramOptions, startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { checkApi, checkDevices } from "../oracle/api.ts";
import { DEFAULT_SETTINGS, type Settings } from "../oracle/expectation.ts";
import { describe } from "../oracle/findings.ts";
import type { InputRecord, OutputRecord } from "../oracle/records.ts";
import { checkResults, type Verdict } from "../oracle/results.ts";
import { checkStore, readCounters, type StoredCounters } from "../oracle/store.ts";

export interface RoadOptions {
  /** Begins the topics' names. */
  readonly name: string;
  /** Of both topics. Default 4. */
  readonly partitions?: number;
  /** Of the input topic. */
  readonly config?: Record<string, string | number>;
  /** The engine's settings beyond brokers, topics, group and folder. */
  readonly env?: Record<string, string>;
  /** Another broker than the run's. */
  readonly bootstrap?: string;
  /** An input topic that another road has made. */
  readonly input?: string;
}

/** Without any change for so long, waiting is given up. */
const STALLED_MS = 30_000;
const POLL_MS = 25;
/** How many devices are asked for one by one. */
const SINGLE_DEVICES = 50;

export async function makeRoad(options: RoadOptions): Promise<Road> {
  const { partitions = 4, config = {}, bootstrap = broker() } = options;
  const input = options.input ?? topicName(`${options.name}-in`);
  const output = topicName(`${options.name}-out`);
  if (options.input === undefined) {
    await createTopic({ name: input, partitions, config }, bootstrap);
  }
  await createTopic({ name: output, partitions }, bootstrap);
  const admin = client(bootstrap).admin();
  await admin.connect();
  return new Road({ ...options, partitions, bootstrap, input, output }, admin);
}

type Made = RoadOptions & {
  readonly partitions: number;
  readonly bootstrap: string;
  readonly input: string;
  readonly output: string;
};

export class Road implements AsyncDisposable {
  readonly input: string;
  readonly output: string;
  readonly bootstrap: string;
  readonly #options: Made;
  readonly #admin: kafkajs.Admin;
  readonly #folder = tempFolder("road-");
  #program: Program | undefined;

  constructor(options: Made, admin: kafkajs.Admin) {
    this.#options = options;
    this.#admin = admin;
    this.input = options.input;
    this.output = options.output;
    this.bootstrap = options.bootstrap;
  }

  get storeFile(): string {
    return `${this.#folder.path}/plumbline.db`;
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error(`Ask for the engine of ${this.input}: none`);
    return this.#program;
  }

  /** Starts the engine on the same folder, with `env` on top; doesn't wait for anything. */
  async start(
    env: Record<string, string> = {},
    options: Pick<ProgramOptions, "under"> = {},
  ): Promise<Program> {
    this.#program = await startProgram({
      ...options,
      env: {
        KAFKA_BROKER: this.bootstrap,
        INPUT_TOPIC: this.input,
        OUTPUT_TOPIC: this.output,
        CONSUMER_GROUP: this.output,
        DATA_DIR: this.#folder.path,
        ...this.#options.env,
        ...env,
      },
    });
    return this.#program;
  }

  /** All zero while there is no store yet. */
  counters(): StoredCounters {
    try {
      return readCounters(this.storeFile);
    } catch (error) {
      if (!/unable to open|no such table/.test(String(error))) throw error;
      return { read: 0, results: 0, sampled_out: 0, rejected: 0, dropped: 0, passed_on: 0 };
    }
  }

  /** Records in a topic: the sum of its partitions' ends. Throws while the broker is away. */
  async size(topic: string): Promise<number> {
    const partitions = await withLeaders(() => this.#admin.fetchTopicOffsets(topic));
    return partitions.reduce((sum, { high }) => sum + Number(high), 0);
  }

  /**
   * Waits until every record of the input was read and every result stands in the output topic.
   * Throws, with the engine's last lines, where nothing has changed for 30 s.
   */
  async drained(): Promise<StoredCounters> {
    const total = await this.size(this.input);
    return await this.until((counters, sent) => counters.read >= total && sent >= counters.results);
  }

  /** Waits until `holds` for the counters and the number of records in the output topic. */
  async until(
    holds: (counters: StoredCounters, sent: number) => boolean,
  ): Promise<StoredCounters> {
    let last = "";
    let changed = Date.now();
    for (;;) {
      const counters = this.counters();
      const sent = await this.size(this.output);
      if (holds(counters, sent)) return counters;
      const now = JSON.stringify({ ...counters, sent });
      if (now !== last) [last, changed] = [now, Date.now()];
      if (Date.now() - changed > STALLED_MS) {
        const lines = this.#program?.lines.slice(-20).join("\n");
        throw new Error(`Nothing has changed for ${STALLED_MS} ms: ${now}\n${lines}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Both topics as the oracle wants them. */
  async records(): Promise<{ input: InputRecord[]; output: OutputRecord[] }> {
    const options = { bootstrap: this.bootstrap, timeoutMs: 120_000 };
    const input = await withLeaders(() => readTopic(this.input, options));
    const output = await withLeaders(() => readTopic(this.output, options));
    return { input, output: output.map(outputRecord) };
  }

  /** What the oracle says about output topic, store and API; the engine must be running, and drained. */
  async verdict(settings: Partial<Settings> = {}): Promise<Verdict & { differences: string }> {
    const { input, output } = await this.records();
    const verdict = checkResults(input, output, {
      topic: this.input,
      outputPartitions: this.#options.partitions,
      settings: { ...DEFAULT_SETTINGS, ...settings },
    });
    const { findings, expectation } = verdict;
    const offsets = await withLeaders(() => topicOffsets(this.input, this.bootstrap));
    const ends = new Map([...offsets].map(([partition, { high }]) => [partition, high] as const));
    checkStore(this.storeFile, { topic: this.input, ends, expectation, findings });
    const url = await this.program.address();
    await checkApi(url, { expectation, findings });
    const all = [...expectation.devices.values()];
    const step = Math.ceil(all.length / SINGLE_DEVICES);
    const devices = all.filter((_, index) => index % step === 0);
    await checkDevices(url, { expectation, findings, devices });
    return { ...verdict, differences: describe(findings.list()) };
  }

  /** Asserts that the oracle has nothing to say, then stops the engine and asserts that nothing more came out. */
  async assertRight(settings: Partial<Settings> = {}): Promise<Verdict> {
    await this.drained();
    const verdict = await this.verdict(settings);
    assert.equal(verdict.differences, "");
    assert.equal(verdict.duplicates, 0);
    const sent = await this.size(this.output);
    assert.deepEqual(await this.program.kill("SIGTERM"), { code: 0, signal: null });
    assert.equal(await this.size(this.output), sent, "results sent after the last one");
    return verdict;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.kill();
    await this.#admin.disconnect();
    this.#folder[Symbol.dispose]();
  }
}

/** A record as the oracle wants it. */
export function outputRecord(record: ReadRecord): OutputRecord {
  const headers = Object.entries(record.headers).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, Buffer.from(one as Uint8Array)] as const)
  );
  return { ...record, headers };
}

/**
 * Tries again where a partition has no leader: just after a broker's start, and while a starved one
 * has missed its own heartbeats.
 */
export async function withLeaders<T>(work: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + STALLED_MS;;) {
    try {
      return await work();
    } catch (error) {
      if (!/leader/i.test(String(error)) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
