/** What the run waits for: conditions, each with a time by which it must hold. */
import { readCounters, readStore } from "../oracle/store.ts";
import { INPUT, OUTPUT } from "./setup.ts";
import { type Stage } from "./stage.ts";

/** Promised. */
const RECOVERY_MS = 30_000;
/** Not kept by then, it isn't worth waiting longer. */
const GIVE_UP_MS = 90_000;
/** Without any change for so long, waiting is given up. */
const STALLED_MS = 45_000;
const POLL_MS = 25;
const NO_DATABASE = /unable to open|no such table|not a database|malformed|disk I\/O/;

export interface Recovery {
  /** From the end of the fault until every engine was live and ready. */
  readonly readyMs: number;
  /** From the end of the fault until the output topic had more. */
  readonly outputMs: number;
  /** From the end of the fault until something later was read of every partition. */
  readonly readMs: number;
  /** What wasn't so after 30 s; empty: all was. */
  readonly slow: string;
}

/**
 * Waits until every running engine is live and ready, a new result stands in the output topic, and
 * something that was written later is read of every partition. The load must be on.
 */
export async function recovered(stage: Stage): Promise<Recovery> {
  const begun = performance.now();
  const before = await size(stage, OUTPUT);
  const ends = await stage.ends(INPUT);
  const later = new Map([...ends].map(([partition, end]) => [partition, end + 1]));
  let readyMs: number | undefined;
  let outputMs: number | undefined;
  let readMs: number | undefined;
  let slow = "";
  for (;;) {
    const failing = await failures(stage);
    const passed = performance.now() - begun;
    // It must be ready and stay so until the other holds, too.
    readyMs = failing === "" ? readyMs ?? passed : undefined;
    if (outputMs === undefined && await size(stage, OUTPUT) > before) outputMs = passed;
    if (readMs === undefined && unread(stage, later).size === 0) readMs = passed;
    if (readyMs !== undefined && outputMs !== undefined && readMs !== undefined) {
      return { readyMs, outputMs, readMs, slow };
    }
    const lacking = failing ||
      (outputMs === undefined ? "no result came out" : "not all partitions are read");
    if (passed > RECOVERY_MS && slow === "") slow = `after 30 s: ${lacking}`;
    if (passed > GIVE_UP_MS) throw stuck(stage, `the engine hasn't recovered: ${lacking}`);
    await passedMs(POLL_MS);
  }
}

/** Waits until all that was written is read, and all that was read has arrived. */
export async function drained(stage: Stage): Promise<void> {
  let last = "";
  let changed = performance.now();
  for (;;) {
    const left = unread(stage, await stage.ends(INPUT));
    const backlogs = await Promise.all(stage.running().map((node) => backlog(node.addressNow())));
    const failing = await failures(stage);
    if (left.size === 0 && backlogs.every((rows) => rows === 0) && failing === "") return;
    const counters = stage.running().map(({ storeFile }) => readCounters(storeFile));
    const now = JSON.stringify({ backlogs, failing, counters, left: [...left] });
    if (now !== last) [last, changed] = [now, performance.now()];
    if (performance.now() - changed > STALLED_MS) throw stuck(stage, `nothing moves: ${now}`);
    await passedMs(POLL_MS);
  }
}

/** Partitions in which nobody has come as far as this. */
function unread(stage: Stage, ends: ReadonlyMap<number, number>): Map<number, number> {
  const left = new Map(ends);
  for (const { storeFile, starts } of stage.nodes) {
    for (const [partition, next] of starts > 0 ? positions(storeFile) : []) {
      if (next >= (left.get(partition) ?? 0)) left.delete(partition);
    }
  }
  return left;
}

async function failures(stage: Stage): Promise<string> {
  const all = stage.running().flatMap((node) => [node.failing("live"), node.failing("ready")]);
  return (await Promise.all(all)).filter((it) => it !== "").join("; ");
}

/** None while there is no database yet, or a damaged one. */
function positions(storeFile: string): [number, number][] {
  try {
    return readStore(storeFile, (database) => {
      const rows = database.prepare('SELECT partition, "next" FROM positions WHERE topic = ?')
        .all(INPUT) as { partition: number; next: number }[];
      return rows.map(({ partition, next }) => [partition, next]);
    });
  } catch (error) {
    if (!NO_DATABASE.test(String(error))) throw error;
    return [];
  }
}

/** Rows that some sink hasn't got yet; NaN while the engine doesn't say. */
async function backlog(address: string | undefined): Promise<number> {
  if (address === undefined) return NaN;
  const text = await (await fetch(`${address}/metrics`)).text();
  const rows = [...text.matchAll(/^plumbline_backlog_rows\{[^}]*\} (\S+)$/gm)];
  return rows.length === 2 ? rows.reduce((sum, [, count]) => sum + Number(count), 0) : NaN;
}

async function size(stage: Stage, topic: string): Promise<number> {
  return [...(await stage.ends(topic)).values()].reduce((sum, end) => sum + end, 0);
}

function stuck(stage: Stage, what: string): Error {
  const lines = stage.running().map((node) => `${node.name}:\n${node.lastLines()}`);
  return new Error(`Wait for the engines: ${what}\n${lines.join("\n")}`);
}

function passedMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
