import { type LaneQueue } from "./lane_queue.ts";
import { type JournalReader } from "./ports.ts";

/** So many rows of a lane may have been under way when the process before this one ended. */
const UNDER_WAY = 5;

/** Sequence below which records of the lane may be under way: they aren't dropped. */
export function underWay(queue: LaneQueue, journal: JournalReader): number {
  const { lane, acknowledged } = queue.state;
  if (queue.handedOut < 0) {
    const end = journal.rowEnd(lane, { sequence: acknowledged, rows: UNDER_WAY });
    queue.handedOut = end ?? acknowledged;
  }
  return Math.max(queue.handedOut, acknowledged);
}

/**
 * Moves the lane's cursor behind records that were dropped, once all before them are acknowledged. The
 * producer id goes with it: under that id the gap would look like records that the broker has lost.
 * False: there is no gap at the cursor.
 */
export function passGap(queue: LaneQueue): boolean {
  const end = queue.hasHandedOut ? undefined : queue.endOfGap;
  if (end === undefined) return false;
  queue.acknowledge(end);
  Object.assign(queue.state, { producerId: -1n, producerEpoch: -1 });
  return true;
}
