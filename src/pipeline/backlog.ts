import { type JournalReader } from "./ports.ts";

/** What waits for a sink: everything in the journal from the oldest row on that it still needs. */
export interface Backlog {
  readonly rows: number;
  readonly bytes: number;
  /** When the oldest of these rows was made, ms since 1970; undefined: nothing waits. */
  readonly since: number | undefined;
}

/** `id`: the oldest row that is needed; Infinity: none. Reads one row's head, however many wait. */
export function backlogFrom(id: number, journal: JournalReader): Backlog {
  const since = id === Infinity ? undefined : journal.timeFrom(id);
  return since === undefined ? { rows: 0, bytes: 0, since } : { ...journal.sizeFrom(id), since };
}
