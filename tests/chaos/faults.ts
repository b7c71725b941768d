/** How each fault is made. */
import type { Node } from "./node.ts";
import type { Fault, FaultKind, Step } from "./plan.ts";
import type { Mood } from "./storage_service.ts";
import type { Stage } from "./stage.ts";

const RETRY_AFTER = 2;
const NOTICED_MS = 30_000;
const ROOM_LEFT_MS = 10_000;

const MOODS: Partial<Record<FaultKind, Mood>> = {
  "storage answers 500": { kind: "answers", status: 500, share: 1 },
  "storage answers 503 with Retry-After": {
    kind: "answers",
    status: 503,
    retryAfter: RETRY_AFTER,
    share: 1,
  },
  "storage answers 429 with Retry-After": {
    kind: "answers",
    status: 429,
    retryAfter: RETRY_AFTER,
    share: 0.5,
  },
  "storage answers 401": { kind: "answers", status: 401, share: 1 },
  "storage refuses some by 400": { kind: "answers", status: 400, share: 0.05 },
  "storage refuses all by 422": { kind: "answers", status: 422, share: 1 },
  "storage hangs": { kind: "hangs" },
  "storage resets connections": { kind: "resets" },
  "storage talks garbage": { kind: "garbles" },
  "storage loses its answers": { kind: "loses answers" },
  "storage slow": { kind: "is slow" },
};

/** Returns when all of the step's faults are over; the engines may still be recovering. */
export async function carryOut(step: Step, stage: Stage): Promise<void> {
  await Promise.all(step.map(async (fault) => {
    await passed(fault.after);
    await make(fault, stage);
  }));
}

async function make({ kind, seconds }: Fault, stage: Stage): Promise<void> {
  const { broker, storage, disk, nodes: [first] } = stage;
  const mood = MOODS[kind];
  if (mood !== undefined) {
    storage.mood = mood;
    await passed(seconds);
    storage.mood = { kind: "stores" };
    return;
  }
  switch (kind) {
    case "engine killed":
      await first.end("SIGKILL");
      return await first.start();
    case "engine killed while it starts":
      await first.end("SIGKILL");
      await first.start();
      await passed(seconds);
      await first.end("SIGKILL");
      return await first.start();
    case "engine frozen":
      first.freeze();
      await passed(seconds);
      return first.thaw();
    case "broker killed":
      await broker.kill();
      return await broker.start();
    case "broker away":
      await broker.stop();
      await passed(seconds);
      return await broker.start();
    case "disk full":
      await disk.fill(first.pid);
      // The write-ahead log may have room in itself for a while.
      await noticed(first, { check: "store", orAfterMs: ROOM_LEFT_MS });
      await passed(seconds);
      return await disk.free(first.pid);
    case "disk takes no writes":
      await disk.refuseWrites(first.pid);
      await noticed(first, { check: "store" });
      await passed(seconds);
      return await disk.takeWrites(first.pid);
    case "clock an hour ahead":
      return await clockOff(1, { seconds, stage });
    case "clock an hour back":
      return await clockOff(-1, { seconds, stage });
  }
  await makeWithTwo({ kind, seconds }, stage);
}

/** The second engine is left running where it is the first one that has to recover. */
async function makeWithTwo(
  { kind, seconds }: { kind: FaultKind; seconds: number },
  stage: Stage,
): Promise<void> {
  const [first, second] = stage.nodes;
  await second.start();
  await second.ownsPartitions();
  switch (kind) {
    case "second engine comes and goes":
      await passed(seconds);
      return await second.end("SIGTERM");
    case "second engine killed":
      await passed(seconds);
      return await second.end("SIGKILL");
    case "first of two engines killed":
      await passed(seconds);
      await first.end("SIGKILL");
      return await first.start();
    case "first of two engines frozen":
      first.freeze();
      await passed(seconds);
      return first.thaw();
    default:
      throw new Error(`Make a fault: ${kind} isn't known`);
  }
}

async function clockOff(
  direction: 1 | -1,
  { seconds, stage }: { seconds: number; stage: Stage },
): Promise<void> {
  const [first] = stage.nodes;
  await first.turnClock(direction);
  await passed(seconds);
  await first.turnClock(direction > 0 ? -1 : 1);
}

/**
 * Waits until the engine isn't ready for this reason: the fault has bitten. Goes on after `orAfterMs`, or
 * throws after 30 s.
 */
async function noticed(
  node: Node,
  { check, orAfterMs = Infinity }: { check: string; orAfterMs?: number },
): Promise<void> {
  const begun = performance.now();
  for (;;) {
    const failing = await node.failing("ready");
    const waitedMs = performance.now() - begun;
    if (failing.includes(`"${check}"`) || waitedMs > orAfterMs) return;
    if (waitedMs > NOTICED_MS) {
      throw new Error(`Wait for ${node.name} to notice that ${check} fails: ${failing || "ready"}`);
    }
    await passed(0.02);
  }
}

/** How long a fault lasts is its own: the one wait by the clock. */
function passed(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
