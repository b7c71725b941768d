import { type Gaps } from "./gaps.ts";
import { type JournalReader } from "./ports.ts";

/** What waits for a sink: everything in the journal from the oldest row on that it still needs, but what was dropped for it. */
export interface Backlog {
  readonly rows: number;
  readonly bytes: number;
  /** When the oldest of these rows was made, ms since 1970; undefined: nothing waits. */
  readonly since: number | undefined;
}

/** `id`: the oldest row that is needed; Infinity: none. Reads one row's head, however many wait. */
export function backlogFrom(id: number, journal: JournalReader, gaps: Gaps): Backlog {
  const since = id === Infinity ? undefined : journal.timeFrom(id);
  if (since === undefined) return { rows: 0, bytes: 0, since };
  const all = journal.sizeFrom(id);
  const dropped = gaps.from(id);
  return {
    rows: Math.max(0, all.rows - dropped.rows),
    bytes: Math.max(0, all.bytes - dropped.bytes),
    since,
  };
}
