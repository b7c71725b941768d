import { type LaneState, type Log, type SinkName, type Store, type Transaction } from "./ports.ts";
import { UNKNOWN_LANE } from "./reframing.ts";

/** A sink is switched off or has another name while results wait for it: starting would lose them or send them astray. */
export class UnsentResults extends Error {
  override readonly name = "UnsentResults";
}

export interface RemovedSinksOptions {
  readonly store: Store;
  readonly log: Log;
  /** Empty: there is none. */
  readonly outputTopic: string;
  readonly hasStorage: boolean;
  /** Sinks whose unsent results may be given up. */
  readonly discard: readonly string[];
}

/**
 * Settles what sinks that are switched off, or an output topic that is called otherwise now, have left
 * behind. Throws `UnsentResults` where results still wait for one and `discard` doesn't name it; nothing
 * has changed then. What is given up is counted as dropped, in the transaction that gives it up.
 */
export function settleRemovedSinks(options: RemovedSinksOptions): void {
  const settled = [outputSettled(options), storageSettled(options)].filter((it) =>
    it !== undefined
  );
  if (settled.length === 0) return;
  options.store.transact((tx) => {
    for (const settle of settled) settle(tx);
  });
}

function outputSettled(options: RemovedSinksOptions): ((tx: Transaction) => void) | undefined {
  const { store: { journal }, outputTopic } = options;
  const before = journal.outputTopic();
  if (before === outputTopic) return undefined;
  // A folder that is older than this record has an output topic of unknown name, if it has lanes.
  const isGone = outputTopic === "" || before !== undefined;
  const lanes = journal.lanes();
  const count = isGone ? journal.unsent(lanes) : 0;
  if (count > 0) {
    const topic = before === undefined || before === "" ? "" : ` ${before}`;
    giveUp("output", options, {
      count,
      without: outputTopic === ""
        ? "without OUTPUT_TOPIC"
        : `with OUTPUT_TOPIC=${outputTopic} in place of${topic}`,
      todo: `set it${topic === "" ? "" : ` to${topic}`} again`,
    });
  }
  return (tx) => {
    tx.saveOutputTopic(outputTopic);
    if (count === 0) return;
    tx.countDropped("output", count);
    endLanes(tx, lanes);
  };
}

/** Nothing of what is in the journal goes out. */
function endLanes(tx: Transaction, lanes: readonly LaneState[]): void {
  tx.dropLane(UNKNOWN_LANE);
  for (const lane of lanes) {
    tx.saveLane({
      ...lane,
      acknowledged: lane.end,
      // A gap on purpose takes a new producer id.
      producerId: -1n,
      producerEpoch: -1,
      topicId: "",
    });
  }
}

function storageSettled(options: RemovedSinksOptions): ((tx: Transaction) => void) | undefined {
  const { store: { journal }, hasStorage } = options;
  const cursor = journal.storageCursor();
  if (hasStorage || cursor === undefined) return undefined;
  const count = journal.resultsFrom(cursor);
  if (count > 0) {
    const without = "without STORAGE_SERVICE_URL";
    giveUp("storage", options, { count, without, todo: "set it again" });
  }
  const gaps = journal.gaps("storage");
  return (tx) => {
    tx.dropStorageCursor();
    for (const { first } of gaps) tx.removeGap("storage", first);
    if (count > 0) tx.countDropped("storage", count);
  };
}

function giveUp(
  sink: SinkName,
  { log, discard }: RemovedSinksOptions,
  { count, without, todo }: { count: number; without: string; todo: string },
): void {
  if (discard.includes(sink)) return log.warn("unsent results were discarded", { sink, count });
  throw new UnsentResults(
    `starting ${without}: ${count} results still wait for it; ` +
      `${todo}, or give them up with DISCARD_BACKLOG=${sink}`,
  );
}
