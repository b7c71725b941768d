import { reframe } from "../core/reframe.ts";
import { type JournalReader, type LaneState, type Transaction } from "./ports.ts";

/** Rows that were written while the partition count of the output topic was unknown stand in this lane. */
export const UNKNOWN_LANE = -1;
const CHUNK_BYTES = 8_000_000;

/**
 * Frames rows anew for the lanes that the output topic has: those of the unknown lane, and those of
 * lanes that are gone, from each lane's cursor on. The copies come after every row that there is, so
 * the order of a device holds. Changes `states` (their ends); returns the last id used.
 */
export function reframeRows(
  tx: Transaction,
  work: {
    journal: JournalReader;
    from: readonly { lane: number; acknowledged: number }[];
    states: readonly LaneState[];
    firstId: number;
  },
): number {
  let id = work.firstId;
  for (const { lane, acknowledged } of work.from) {
    for (;;) {
      const rows = work.journal.outputRows(lane, acknowledged, CHUNK_BYTES);
      if (rows.length === 0) break;
      for (const row of rows) {
        tx.retarget(row.id, "state");
        for (const piece of reframe(row, work.states.length)) {
          const state = work.states[piece.lane];
          tx.append(
            {
              ...piece,
              id: id++,
              lanes: work.states.length,
              time: row.time,
              baseSequence: state.end,
            },
            "reframed",
          );
          state.end += piece.count;
        }
      }
    }
  }
  return id - 1;
}
