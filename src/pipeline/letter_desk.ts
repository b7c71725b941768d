/** Dead letters in bulk: found, replayed and discarded a slice at a time, so that nothing else waits long. */
import {
  BacklogFull,
  type DeadLetter,
  type DeadLetterDesk,
  type LetterHead,
  type LetterReader,
  type LettersDone,
  type LetterSelection,
  type Store,
  StoreUnavailable,
} from "./ports.ts";
import { type ReplayedSlice } from "./replay.ts";

/** Letters of one transaction; what is made of their bytes has to fit into a journal row, see `RowBuffer`. */
const SLICE_LETTERS = 100;
const SLICE_BYTES = 500_000;
const PAGE = 1000;
const MAX_EXAMPLES = 5;

/** How letters are replayed: by an engine that runs, or by the next one that starts. */
export interface LetterReplayer {
  /** Why no letter of this sink can be replayed now, and whether that passes by itself; undefined: they can. */
  refusal(sink: DeadLetter["sink"]): { reason: string; passes: boolean } | undefined;
  /** All in one transaction. Rejects with `StoreUnavailable` or `BacklogFull`: all are as they were then. */
  replay(sequences: readonly number[]): Promise<ReplayedSlice & { marked?: number }>;
}

interface Tally extends Omit<LettersDone, "examples"> {
  matched: number;
  examples: LetterHead[];
  done: number;
  rejected: number;
  marked: number;
  left: number;
  reason?: string;
  stopped?: Error;
}

export class LetterDesk implements DeadLetterDesk {
  readonly letters: LetterReader;
  readonly #store: Store;
  readonly #replayer: LetterReplayer;
  /** One after the other: two at once would fall over each other's letters. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: Store, replayer: LetterReplayer) {
    this.#store = store;
    this.letters = store.letters;
    this.#replayer = replayer;
  }

  replay(selection: LetterSelection, { dryRun }: { dryRun: boolean }): Promise<LettersDone> {
    return this.#inTurn(selection, async (letters, tally) => {
      const { able } = this.#sorted(letters, tally);
      if (dryRun) return;
      for (const slice of slicesOf(able)) await this.#replaySlice(slice, tally);
    });
  }

  discard(selection: LetterSelection, { dryRun }: { dryRun: boolean }): Promise<LettersDone> {
    return this.#inTurn(selection, (letters, tally) => {
      if (dryRun) return Promise.resolve();
      const sequences = letters.map(({ sequence }) => sequence);
      tally.done += this.#store.transact((tx) => tx.discardLetters(sequences));
      return Promise.resolve();
    });
  }

  /** Replays what was marked while no engine ran; what can't be replayed is unmarked. undefined: nothing was. */
  replayMarked(): Promise<LettersDone | undefined> {
    if (this.letters.marked(1).length === 0) return Promise.resolve(undefined);
    return this.#enqueue((tally) => this.#replayAllMarked(tally));
  }

  async #replayAllMarked(tally: Tally): Promise<void> {
    for (;;) {
      const marked = this.letters.marked(SLICE_LETTERS);
      if (marked.length === 0) return;
      const { able, unable } = this.#sorted(marked, tally);
      if (unable.some(({ sink }) => this.#replayer.refusal(sink)!.passes)) {
        throw new StoreUnavailable(`replaying: ${tally.reason}`);
      }
      tally.matched += marked.length;
      this.#unmark(unable);
      for (const slice of slicesOf(able)) {
        const { left, over } = await this.#replaySlice(slice, tally);
        this.#unmark(slice.filter(({ sequence }) => left.includes(sequence)));
        if (over > 0) throw new StoreUnavailable(`replaying: ${tally.reason}`);
      }
    }
  }

  /** Those that can be replayed now, and those that can't. */
  #sorted(letters: readonly LetterHead[], tally: Tally) {
    const able: LetterHead[] = [], unable: LetterHead[] = [];
    for (const letter of letters) {
      const refusal = this.#replayer.refusal(letter.sink);
      if (refusal !== undefined) leave(tally, { count: 1, reason: refusal.reason });
      (refusal === undefined ? able : unable).push(letter);
    }
    return { able, unable };
  }

  #unmark(letters: readonly LetterHead[]): void {
    if (letters.length === 0) return;
    const sequences = letters.map(({ sequence }) => sequence);
    this.#store.transact((tx) => tx.markLetters(sequences, false));
  }

  async #replaySlice(slice: readonly LetterHead[], tally: Tally): Promise<ReplayedSlice> {
    const outcome = await this.#replayer.replay(slice.map(({ sequence }) => sequence));
    tally.done += outcome.done;
    tally.rejected += outcome.rejected;
    tally.marked += outcome.marked ?? 0;
    leave(tally, { count: outcome.left.length, reason: "nothing can be made of its bytes" });
    leave(tally, { count: outcome.over, reason: outcome.overReason ?? "quota" });
    return outcome;
  }

  /** Does the work with the letters that are there now, not with those that it makes itself. */
  #inTurn(
    selection: LetterSelection,
    work: (letters: readonly LetterHead[], tally: Tally) => Promise<void>,
  ): Promise<LettersDone> {
    return this.#enqueue(async (tally) => {
      const through = this.letters.last();
      for await (const letters of this.#selected(selection, through)) {
        tally.matched += letters.length;
        tally.examples.push(...letters.slice(0, MAX_EXAMPLES - tally.examples.length));
        await work(letters, tally);
      }
    });
  }

  /** In pieces; other work has its turn between them. */
  async *#selected(selection: LetterSelection, through: number): AsyncGenerator<LetterHead[]> {
    if ("sequences" in selection) {
      const { sequences, tenants = null } = selection;
      const named = [...new Set(sequences)].sort((a, b) => a - b);
      const found = named.flatMap((sequence) => this.letters.head(sequence) ?? []);
      yield found.filter((letter) => isOfOne(letter, tenants));
      return;
    }
    const { filter } = selection;
    for (let after: number | undefined = 0; after !== undefined;) {
      const page = this.letters.heads({ after, through, limit: PAGE, filter });
      if (page.letters.length > 0) yield page.letters;
      await new Promise((resolve) => setTimeout(resolve, 0));
      after = page.end;
    }
  }

  /** What the store or the backlog doesn't allow now ends the work: what is done is done. */
  #enqueue(work: (tally: Tally) => Promise<void>): Promise<LettersDone> {
    const tally: Tally = { matched: 0, examples: [], done: 0, rejected: 0, marked: 0, left: 0 };
    const turn = this.#last.then(async () => {
      try {
        await work(tally);
      } catch (error) {
        if (!(error instanceof StoreUnavailable || error instanceof BacklogFull)) throw error;
        tally.stopped = error;
      }
      return tally;
    });
    this.#last = turn.catch(() => {});
    return turn;
  }
}

/** Whether the letter is of one of these tenants; a rejected reading is of nobody. */
function isOfOne({ tenant }: LetterHead, tenants: ReadonlySet<string> | null): boolean {
  return tenants === null || (tenant !== null && tenants.has(tenant));
}

function leave(tally: Tally, { count, reason }: { count: number; reason: string }): void {
  if (count === 0) return;
  tally.left += count;
  tally.reason = reason;
}

/** Bounded in number and bytes; a letter that is larger stands alone. */
function slicesOf(letters: readonly LetterHead[]): LetterHead[][] {
  const slices: LetterHead[][] = [];
  let bytes = Infinity;
  for (const letter of letters) {
    const size = letter.size ?? 0;
    const last = slices.at(-1);
    if (last === undefined || last.length >= SLICE_LETTERS || bytes + size > SLICE_BYTES) {
      slices.push([letter]);
      bytes = size;
    } else {
      last.push(letter);
      bytes += size;
    }
  }
  return slices;
}

/** Replays in the engine that runs. */
export function engineReplayer(engine: {
  ingest: { replay(sequences: readonly number[]): Promise<ReplayedSlice> };
  output: { readonly laneCount: number } | null;
  storage: unknown;
}): LetterReplayer {
  const { ingest, output, storage } = engine;
  return {
    refusal(sink) {
      const off = (what: string) => ({ reason: `${what} is switched off`, passes: false });
      if (sink === "output" && output === null) return off("the output topic");
      if (sink === "storage" && storage === null) return off("the storage service");
      if (sink !== "output" || output!.laneCount > 0) return undefined;
      return { reason: "the output topic isn't found yet", passes: true };
    },
    replay: (sequences) => ingest.replay(sequences),
  };
}

/**
 * Marks them for the next start: only the engine knows its settings, and a reading that was judged by
 * others, or kept in windows of another length, would be wrong for good.
 */
export function markingReplayer(store: Store): LetterReplayer {
  return {
    refusal: () => undefined,
    replay(sequences) {
      store.transact((tx) => tx.markLetters(sequences, true));
      return Promise.resolve({ done: 0, rejected: 0, left: [], over: 0, marked: sequences.length });
    },
  };
}
