/** The ports to the dead letters: how they are found, replayed, discarded and copied. */
import { type DeadLetter } from "./ports_store.ts";

/** What a letter must have; what isn't given doesn't matter. */
export interface LetterFilter {
  /** Of the reading or result. */
  readonly id?: string;
  readonly sink?: DeadLetter["sink"];
  /** How its reason begins. */
  readonly reason?: string;
  /** Rejected readings have none, as far as is known. */
  readonly tenant?: string;
  /** Of one of these; null: it doesn't matter. */
  readonly tenants?: ReadonlySet<string> | null;
  /** Kept at this time or later, ms since 1970. */
  readonly since?: number;
  /** Kept before this time. */
  readonly until?: number;
}

/** A letter without its bytes: they may be large. */
export interface LetterHead extends Omit<DeadLetter, "bytes"> {
  /** Length of the bytes; null: a tombstone. */
  readonly size: number | null;
}

export interface LetterCounts {
  /** What is kept now, by sink; empty: rejected readings. */
  readonly kept: readonly { sink: DeadLetter["sink"]; count: number; bytes: number }[];
  /** Ever, all of these. */
  readonly refused: number;
  readonly dropped: number;
  readonly replayed: number;
  readonly discarded: number;
  readonly copy: {
    readonly sent: number;
    readonly tooLarge: number;
    readonly missed: number;
    /** Sequence numbers above the last one that is settled; null: there is no copy. */
    readonly behind: number | null;
  };
}

/** Synchronous, about the state after the last commit; inside a transaction about the one in it. */
export interface LetterReader {
  /**
   * Letters in the order in which they were kept, after a sequence and up to `through`. Looks at a
   * bounded number of them: there may be more where `end` is given, the sequence to go on after.
   */
  heads(options: { after: number; through?: number; limit: number; filter: LetterFilter }): {
    letters: LetterHead[];
    end: number | undefined;
  };
  head(sequence: number): LetterHead | undefined;
  get(sequence: number): DeadLetter | undefined;
  /** The highest sequence; 0: there is no letter. */
  last(): number;
  /** Letters that wait for a replay at the next start, oldest first. */
  marked(limit: number): LetterHead[];
  counts(): LetterCounts;
  /** Letters that the copy doesn't have, oldest first, until `maxBytes` (at least one). */
  uncopied(options: { limit: number; maxBytes: number }): DeadLetter[];
}

/** Named one by one, or by what they must have; an empty filter: all. */
export type LetterSelection =
  | { readonly sequences: readonly number[]; readonly tenants?: ReadonlySet<string> | null }
  | { readonly filter: LetterFilter };

/** What came of a replay or of discarding. */
export interface LettersDone {
  /** Letters that were found, up to the one at which it stopped. */
  readonly matched: number;
  /** The first of them. */
  readonly examples: readonly LetterHead[];
  /** They are gone from the letters. */
  readonly done: number;
  /** Of these: readings that are dead letters again. */
  readonly rejected: number;
  /** Marked for the next start. */
  readonly marked: number;
  /** They stay, and why (of the last one). */
  readonly left: number;
  readonly reason?: string;
  /** It ended early: nothing is known of the rest, which is as it was. */
  readonly stopped?: Error;
}

/** The dead letters, for people. */
export interface DeadLetterDesk {
  readonly letters: Pick<LetterReader, "heads" | "get" | "counts">;
  /** A rejected reading is read again, a refused result is sent to its sink again. Durable when it resolves. */
  replay(selection: LetterSelection, options: { dryRun: boolean }): Promise<LettersDone>;
  discard(selection: LetterSelection, options: { dryRun: boolean }): Promise<LettersDone>;
}

/** What a copy of the dead letters is made of. */
export interface LetterCopyFeed {
  /** The next letters, oldest first; empty: there are none now. Throws what the store throws. */
  next(): DeadLetter[];
  /** All up to this sequence are settled: sent, or too large. Durable; throws `StoreUnavailable`. */
  settled(through: number, count: { sent: number; tooLarge: number }): void;
}
