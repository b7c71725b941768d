/**
 * Where every reading went: which engine counted it, and whether its result stands in the output topic,
 * in the storage service and in the engine's state once, with the right bytes. What an engine read is
 * told by what it posted: each has a storage address of its own.
 */
import { Buffer } from "node:buffer";
import { checkApi } from "../oracle/api.ts";
import { DEFAULT_SETTINGS, type Expectation, type Settings } from "../oracle/expectation.ts";
import { Findings } from "../oracle/findings.ts";
import { isRefusal, judgeReading } from "../oracle/reading.ts";
import type { InputRecord, OutputRecord } from "../oracle/records.ts";
import { checkResults } from "../oracle/results.ts";
import { checkCounters, checkDeadLetters, readCounters, readStore } from "../oracle/store.ts";
import { settingsOf } from "../oracle/tenants.ts";
import { LOAD_TENANTS } from "../integration/load.ts";
import { CLOCK_STEP_MS } from "./clock_step.ts";
import type { Posted } from "./http_load.ts";
import type { Ledger } from "./ledger.ts";
import { checkPosted, type Counted } from "./posted.ts";
import type { Sums } from "./promises.ts";
import { INPUT, PARTITIONS } from "./setup.ts";

const SETTINGS: Settings = { ...DEFAULT_SETTINGS, tenants: LOAD_TENANTS };
const decoder = new TextDecoder();

/** An engine as it is at the end of a part, drained and running. */
export interface Engine {
  readonly name: string;
  readonly storeFile: string;
  readonly address: string;
  readonly ledger: Ledger;
}

/** What came since the part before. */
export interface Part {
  readonly input: readonly InputRecord[];
  readonly output: readonly OutputRecord[];
  readonly posted: readonly Posted[];
}

/** Looks at one part of the run after another, and remembers what came before. */
export class Checker {
  readonly findings = new Findings();
  readonly sums: Sums = {
    records: 0,
    posted: 0,
    rejected: 0,
    results: 0,
    sampledOut: 0,
    lost: 0,
    countedTwice: 0,
    postedAgain: 0,
    outputTwice: 0,
    storedTwice: 0,
    deadLetters: 0,
  };
  readonly #before = new Map<string, Expectation>();
  /** Ids of the dead letters of earlier parts, by engine. */
  readonly #letters = new Map<string, ReadonlySet<string>>();

  /** Everything must be drained. Closes the ledgers. */
  async check(part: Part, engines: readonly Engine[]): Promise<void> {
    const { findings, sums } = this;
    const found = engines.map((engine) => this.#countedBy(engine));
    const output = share(part.output, { found, findings });
    const counted = found.map((one, index) => ({ ...one, offsets: offsetsOf(output[index]) }));
    const posted = checkPosted(part.posted, { counted, findings });
    sums.posted += part.posted.length;
    sums.postedAgain += posted.again;
    sums.lost += posted.lost;
    this.#account(part.input, counted);
    let sampledOut = 0;
    for (const [index, engine] of engines.entries()) {
      const { results, rejected } = counted[index];
      const own = part.input.filter((record) =>
        results.has(idOf(record)) || rejected.has(idOf(record))
      );
      const verdict = checkResults([...own, ...posted.records[index]], output[index], {
        topic: INPUT,
        outputPartitions: PARTITIONS,
        settings: SETTINGS,
        before: this.#before.get(engine.name),
        clockOffMs: CLOCK_STEP_MS,
      });
      for (const { kind, count, examples } of verdict.findings.list()) {
        // Whether these are more than promised is asked at the end.
        if (kind !== "id twice") {
          findings.add(`${engine.name}: ${kind}`, `${count}, as ${examples}`);
        }
      }
      sums.outputTwice += verdict.duplicates;
      sums.results += verdict.expectation.results.length;
      sums.storedTwice += engine.ledger.repeated;
      this.#before.set(engine.name, verdict.expectation);
      sampledOut += await this.#checkState(engine, verdict.expectation);
      for (const fault of engine.ledger.faults) findings.add("wrong post", fault);
      engine.ledger.close();
    }
    this.#checkSampling(sampledOut);
  }

  /** What the engine's results are, by its posts and its dead letters. */
  #countedBy({ name, storeFile, ledger }: Engine): Omit<Counted, "offsets"> {
    const results = new Map(ledger.stored);
    const known = this.#letters.get(name);
    const letters = readStore(
      storeFile,
      (database) =>
        database.prepare("SELECT id, sink, bytes FROM dead_letters").all() as {
          id: string;
          sink: string;
          bytes: Uint8Array | null;
        }[],
    );
    const fresh = letters.filter(({ id, sink }) => known?.has(`${sink} ${id}`) !== true);
    const rejected = new Set<string>();
    for (const { id, sink, bytes } of fresh) {
      if (sink === "") rejected.add(id);
      if (sink !== "storage") continue;
      const text = decoder.decode(bytes ?? new Uint8Array());
      this.sums.deadLetters++;
      if (!ledger.refused.has(id)) this.findings.add("dead letter that nobody refused", id);
      if ((results.get(id) ?? text) !== text) this.findings.add("dead letter's bytes", id);
      results.set(id, text);
    }
    this.sums.rejected += rejected.size;
    this.#letters.set(name, new Set(letters.map(({ id, sink }) => `${sink} ${id}`)));
    return { results, rejected };
  }

  /** Each record has ended in one engine; in two only where one was killed or frozen beside the other. */
  #account(input: readonly InputRecord[], counted: readonly Counted[]): void {
    const { sums, findings } = this;
    sums.records += input.length;
    for (const record of input) {
      const id = idOf(record);
      const engines = counted.filter(({ results, rejected }) =>
        results.has(id) || rejected.has(id)
      ).length;
      if (engines > 1) sums.countedTwice += engines - 1;
      if (engines > 0) continue;
      const reading = judgeReading(record.value, SETTINGS);
      if (!isRefusal(reading) && settingsOf(reading.tenant, LOAD_TENANTS).sampling < 1) {
        sums.sampledOut++;
        continue;
      }
      sums.lost++;
      findings.add("lost", id);
    }
  }

  /** The state is what the engine's own readings make it; the answer: how many it sampled out. */
  async #checkState(engine: Engine, own: Expectation): Promise<number> {
    const { findings } = this;
    const counters = readCounters(engine.storeFile);
    const { sampled_out: sampledOut } = counters;
    const expectation = { ...own, sampledOut, read: own.read + sampledOut };
    const found = new Findings();
    checkCounters(counters, { expectation, findings: found });
    checkDeadLetters(engine.storeFile, { topic: INPUT, expectation, findings: found });
    await checkApi(engine.address, { expectation, findings: found });
    for (const { kind, count, examples } of found.list()) {
      findings.add(`${engine.name}: ${kind}`, `${count}, as ${examples}`);
    }
    return sampledOut;
  }

  /** What nobody counted is what the engines say to have sampled out; more, where they read it twice. */
  #checkSampling(sampledOut: number): void {
    const { sums, findings } = this;
    const twice = sampledOut - sums.sampledOut;
    if (twice < 0) {
      sums.lost -= twice;
      findings.add("lost", `${-twice} readings of the tenant that is sampled`);
    }
    if (twice > sums.countedTwice) {
      findings.add(
        "sampled out twice",
        `${twice}, but only ${sums.countedTwice} were counted twice`,
      );
    }
  }
}

/** The output's records by the engine that made them: its result has the same bytes. */
function share(
  output: readonly OutputRecord[],
  { found, findings }: { found: readonly Omit<Counted, "offsets">[]; findings: Findings },
): OutputRecord[][] {
  const shares: OutputRecord[][] = found.map(() => []);
  for (const record of output) {
    const text = textOf(record);
    const owner = found.findIndex(({ results }) => results.get(resultId(text)) === text);
    if (owner >= 0) shares[owner].push(record);
    else findings.add("in the output topic, not in storage", text);
  }
  return shares;
}

/** Of the first record of each id. */
function offsetsOf(output: readonly OutputRecord[]): Map<string, number> {
  return new Map(
    output.map((record) => [resultId(textOf(record)), record.offset] as const).reverse(),
  );
}

function textOf({ value }: OutputRecord): string {
  return Buffer.from(value ?? []).toString();
}

/** A result ends with its id. */
function resultId(text: string): string {
  return /"id":"([^"]*)"\}$/.exec(text)?.[1] ?? "";
}

function idOf({ partition, offset }: InputRecord): string {
  return `${INPUT}-${partition}-${offset}`;
}
