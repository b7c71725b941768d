/**
 * A whole run: the plan step by step under load, then the accounts, in parts, so that an hour fits into
 * memory; at last what is promised less of: a damaged database.
 */
import { seededRandom } from "../harness/random.ts";
import { DAMAGE_KINDS } from "./damage.ts";
import { damagePhase, type DamageReport } from "./damage_phase.ts";
import { carryOut } from "./faults.ts";
import { describeStep, makePlan, shuffled, type Step } from "./plan.ts";
import { brokenPromises, type Sums, twiceAtMost } from "./promises.ts";
import { INPUT, OUTPUT } from "./setup.ts";
import { openStage, type Stage } from "./stage.ts";
import { readOn } from "./topics.ts";
import { Checker } from "./verdict.ts";
import { drained, recovered, type Recovery } from "./waits.ts";

/** Steps of a part: about five minutes. */
const PART_STEPS = 25;
/** In the shortest run not every damage is made. */
const SHORT_DAMAGES = 2;

export interface StepReport extends Recovery {
  readonly step: Step;
}

export interface Report {
  readonly seed: number;
  readonly minutes: number;
  readonly steps: readonly StepReport[];
  /** The last part's, whose readings aren't in `sums`. */
  readonly damages: readonly DamageReport[];
  readonly sums: Readonly<Sums>;
  readonly unsure: number;
  readonly mayCountTwice: number;
  readonly starts: number;
  readonly peakMiB: number;
  readonly errors: ReadonlyMap<string, number>;
  /** Empty: all promises were kept. */
  readonly faults: readonly string[];
}

export interface RunOptions {
  readonly seed: number;
  /** Of faults; what comes before and after isn't counted. 0: every kind once. */
  readonly minutes: number;
  readonly print: (line: string) => void;
}

/** What goes on through all parts. */
export interface Run {
  readonly stage: Stage;
  /** Next offsets of what the accounts were made of. */
  readonly read: { readonly input: Map<number, number>; readonly output: Map<number, number> };
  readonly faults: string[];
  readonly random: () => number;
  said(text: string): void;
}

/** Throws where the engine doesn't recover at all; else the answer has what was found. */
export async function runChaos({ seed, minutes, print }: RunOptions): Promise<Report> {
  const plan = makePlan(seededRandom(seed), minutes * 60);
  print(`seed ${seed}: ${plan.length} steps, ${plan.flat().length} faults`);
  const begun = performance.now();
  await using stage = await openStage(seed);
  const run: Run = {
    stage,
    read: { input: new Map(), output: new Map() },
    faults: [],
    random: seededRandom(seed + 5),
    said: (text) => print(`${clock(performance.now() - begun)} ${text}`),
  };
  run.said(`a full disk is ${stage.disk.how}`);
  await stage.nodes[0].start();
  const checker = new Checker();
  const steps: StepReport[] = [];
  for (let from = 0; from < plan.length; from += PART_STEPS) {
    stage.kafkaLoad.start();
    stage.httpLoad.start();
    noteSlow(await recovered(stage), { what: "the start", run });
    for (const [index, step] of plan.slice(from, from + PART_STEPS).entries()) {
      run.said(`step ${from + index + 1}: ${describeStep(step)}`);
      steps.push(await play(step, run));
    }
    await checkPart(run, checker);
  }
  for (const node of stage.nodes) await node.end("SIGTERM");
  await noteSentAfterwards(run);
  for (const { kind, count, examples } of checker.findings.list()) {
    run.faults.push(`${kind} (${count}): ${examples.join("; ")}`);
  }
  const figures = {
    sums: checker.sums,
    unsure: sum(stage.nodes.map((node) => node.unsure)),
    mayCountTwice: twiceAtMost(plan.flat()),
    peakMiB: Math.max(...stage.nodes.map((node) => node.peakMiB)),
  };
  const kinds = shuffled(DAMAGE_KINDS, run.random);
  const damages = await damagePhase(minutes > 0 ? kinds : kinds.slice(0, SHORT_DAMAGES), run);
  return {
    ...figures,
    seed,
    minutes: (performance.now() - begun) / 60_000,
    steps,
    damages,
    starts: sum(stage.nodes.map((node) => node.starts)),
    errors: new Map(stage.nodes.flatMap((node) => [...node.errors])),
    faults: [
      ...run.faults,
      ...stage.nodes.flatMap((node) => node.faults),
      ...brokenPromises(figures),
    ],
  };
}

async function play(step: Step, run: Run): Promise<StepReport> {
  await carryOut(step, run.stage);
  const recovery = await recovered(run.stage);
  noteSlow(recovery, { what: describeStep(step), run });
  await run.stage.nodes[1].end("SIGTERM");
  return { step, ...recovery };
}

/** The load ends, everything arrives, and every reading is looked for. */
async function checkPart({ stage, read, said }: Run, checker: Checker): Promise<void> {
  await Promise.all([stage.kafkaLoad.stop(), stage.httpLoad.stop()]);
  said("the load has ended");
  const [, second] = stage.nodes;
  // What it was killed with has to go out, too.
  if (second.starts > 0) await second.start();
  await drained(stage);
  said("everything has arrived: the accounts");
  const input = await readOn(stage, { topic: INPUT, from: read.input });
  const output = await readOn(stage, { topic: OUTPUT, from: read.output });
  const engines = stage.running().map((node) => ({
    name: node.name,
    storeFile: node.storeFile,
    address: node.addressNow()!,
    ledger: stage.storage.ledger(node.name),
  }));
  await checker.check({ input, output, posted: stage.httpLoad.take() }, engines);
  await second.end("SIGTERM");
  said(`${input.length} records in, ${output.length} out`);
}

async function noteSentAfterwards({ stage, read, faults }: Run): Promise<void> {
  for (const [partition, end] of await stage.ends(OUTPUT)) {
    if (end === (read.output.get(partition) ?? 0)) continue;
    faults.push(`partition ${partition} of the output topic grew to ${end} after the last result`);
  }
}

function noteSlow({ slow }: Recovery, { what, run }: { what: string; run: Run }): void {
  if (slow !== "") run.faults.push(`after ${what}: ${slow}`);
}

function clock(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
