/**
 * The last part of a run: the engine is killed, its database damaged, the engine started. Less is promised
 * then: it starts, and from then on nothing is missing; what is lost of before is told, what comes twice is
 * of before.
 */
import { isRefusal, judgeReading } from "../oracle/reading.ts";
import { DEFAULT_SETTINGS } from "../oracle/expectation.ts";
import type { InputRecord, OutputRecord } from "../oracle/records.ts";
import { readCounters } from "../oracle/store.ts";
import { settingsOf } from "../oracle/tenants.ts";
import { LOAD_TENANTS } from "../integration/load.ts";
import { damageFile, type DamageKind } from "./damage.ts";
import type { Node } from "./node.ts";
import type { Run } from "./run.ts";
import { INPUT, OUTPUT } from "./setup.ts";
import { type Stage } from "./stage.ts";
import { readOn } from "./topics.ts";
import { drained, recovered, type Recovery } from "./waits.ts";

/** Load before and after. */
const SECONDS = 2;

export interface DamageReport extends Recovery {
  readonly kind: DamageKind;
  /** Whether the file was set aside; else the damage has hit what nobody needed. */
  readonly setAside: boolean;
  readonly readings: number;
  /** Without a result, all of them told. */
  readonly lost: number;
  readonly twice: number;
}

/** No engine may run. */
export async function damagePhase(
  kinds: readonly DamageKind[],
  { stage, random, read, faults, said }: Run,
): Promise<DamageReport[]> {
  const [node] = stage.nodes;
  const reports: DamageReport[] = [];
  await node.start();
  for (const kind of kinds) {
    said(`damage: ${kind}`);
    stage.kafkaLoad.start();
    await recovered(stage);
    await passed(SECONDS);
    await node.end("SIGKILL");
    const before = asideOf(node);
    damageFile(node.storeFile, { kind, random });
    node.mayEndByItself = true;
    await node.start();
    const recovery = await recovered(stage);
    node.mayEndByItself = false;
    if (recovery.slow !== "") faults.push(`after ${kind}: ${recovery.slow}`);
    const after = await stage.ends(INPUT);
    await passed(SECONDS);
    await stage.kafkaLoad.stop();
    await drained(stage);
    const input = await readOn(stage, { topic: INPUT, from: read.input });
    const output = await readOn(stage, { topic: OUTPUT, from: read.output });
    const found = account({ input, output, after, node, stage });
    faults.push(...found.faults.map((fault) => `${kind}: ${fault}`));
    const setAside = asideOf(node) !== before;
    const { lost, twice } = found;
    reports.push({ kind, setAside, readings: input.length, lost, twice, ...recovery });
  }
  await node.end("SIGTERM");
  return reports;
}

function account({ input, output, after, node, stage }: {
  input: readonly InputRecord[];
  output: readonly OutputRecord[];
  /** Ends of the input when the engine had recovered. */
  after: ReadonlyMap<number, number>;
  node: Node;
  stage: Stage;
}): { lost: number; twice: number; faults: string[] } {
  const faults = new Map<string, string[]>();
  const blame = (what: string, id: string) => faults.set(what, [...faults.get(what) ?? [], id]);
  const results = new Map<string, string[]>();
  for (const { value } of output) {
    const text = new TextDecoder().decode(value ?? new Uint8Array());
    const { id } = JSON.parse(text);
    results.set(id, [...results.get(id) ?? [], text]);
  }
  const isTold = toldLosses(node);
  const { stored } = stage.storage.ledger(node.name);
  let lost = 0;
  let twice = 0;
  for (const record of input) {
    const { partition, offset } = record;
    const reading = judgeReading(record.value, DEFAULT_SETTINGS);
    if (isRefusal(reading)) continue;
    const id = `${INPUT}-${partition}-${offset}`;
    const texts = results.get(id) ?? [];
    results.delete(id);
    const isSampled = settingsOf(reading.tenant, LOAD_TENANTS).sampling < 1;
    const isLater = offset >= (after.get(partition) ?? 0);
    if (texts.length === 0 && !isSampled) {
      lost++;
      if (isLater) blame("lost after the new start", id);
      else if (!isTold(partition, offset)) blame("lost, and not told", id);
    }
    twice += Math.max(0, texts.length - 1);
    if (isLater && texts.length > 1) blame("twice after the new start", id);
    if (isLater && texts.length > 0 && stored.get(id) !== texts[0]) blame("not in storage", id);
    for (const text of texts) {
      const { device_id, tenant_id, temperature } = JSON.parse(text);
      const wanted = reading.temperature && Number(reading.temperature.text);
      const right = device_id === reading.device && tenant_id === reading.tenant &&
        temperature === wanted;
      if (!right) blame("another reading's result", id);
    }
  }
  // Results of the part before may come again.
  for (const [id, texts] of results) {
    if (/-\d+-\d+$/.test(id)) twice += texts.length;
    else blame("result without a reading", id);
  }
  const { read, ...rest } = readCounters(node.storeFile);
  const sum = Object.values(rest).reduce((all, one) => all + one, 0);
  if (sum !== read) blame("invariant 5", `read ${read}, the others ${sum}`);
  return {
    lost,
    twice,
    faults: [...faults].map(([what, ids]) => `${what} (${ids.length}): ${ids.slice(0, 5)}`),
  };
}

/** What the engine has said about losses: ranges of offsets, or that all is gone that wasn't sent. */
function toldLosses(node: Node): (partition: number, offset: number) => boolean {
  const lines = node.log();
  if (lines.some(({ message }) => message.startsWith("nothing could be taken over"))) {
    return () => true;
  }
  const ranges = lines.flatMap(({ resultsLost }) => resultsLost ?? []);
  return (partition, offset) =>
    ranges.some(({ readings, from, to }) =>
      readings === `${INPUT}-${partition}-` && from <= offset && offset <= to
    );
}

function asideOf({ folder }: Node): number {
  return [...Deno.readDirSync(folder)].filter(({ name }) => /\.damaged\..*Z$/.test(name)).length;
}

/** A load has to come for a while: nothing is waited for. */
function passed(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
