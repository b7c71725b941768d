import { type Log, type Store } from "./ports.ts";
import { UNKNOWN_LANE } from "./reframing.ts";

/** A sink is switched off while results wait for it: starting would lose them without a word. */
export class UnsentResults extends Error {
  override readonly name = "UnsentResults";
}

/**
 * Settles what sinks that are switched off have left behind. Throws `UnsentResults` where results
 * still wait for one and `discard` doesn't name it.
 */
export function settleRemovedSinks(options: {
  store: Store;
  log: Log;
  hasOutput: boolean;
  hasStorage: boolean;
  discard: readonly string[];
}): void {
  const { store, log, hasOutput, hasStorage, discard } = options;
  const refuse = (sink: string, count: string, setting: string) => {
    if (discard.includes(sink)) return log.warn("unsent results were discarded", { sink, count });
    throw new UnsentResults(
      `starting without ${setting}: ${count} results still wait for it; ` +
        `set it again, or give them up with DISCARD_BACKLOG=${sink}`,
    );
  };
  if (!hasOutput) {
    const lanes = store.journal.lanes();
    const waiting = lanes.length === 0
      ? waitingForLanes(store)
      : lanes.reduce((sum, lane) => sum + lane.end - lane.acknowledged, 0);
    if (waiting > 0) {
      refuse("output", String(waiting), "OUTPUT_TOPIC");
      // A gap on purpose takes a new producer id.
      store.transact((tx) => {
        tx.dropLane(UNKNOWN_LANE);
        for (const lane of lanes) {
          tx.saveLane({
            ...lane,
            acknowledged: lane.end,
            producerId: -1n,
            producerEpoch: -1,
            topicId: "",
          });
        }
      });
    }
  }
  const cursor = store.journal.storageCursor();
  if (!hasStorage && cursor !== undefined) {
    const waiting = store.journal.resultsFrom(cursor);
    if (waiting > 0) refuse("storage", String(waiting), "STORAGE_SERVICE_URL");
    store.transact((tx) => tx.dropStorageCursor());
  }
}

/** Results that were written while the output topic wasn't found yet. */
function waitingForLanes(store: Store): number {
  const oldest = store.journal.oldestUnsent([]);
  return oldest === undefined ? 0 : store.journal.resultsFrom({ row: oldest, record: 0 });
}
