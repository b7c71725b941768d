import { type Checkpoint } from "./checkpoint.ts";
import { type Dropped, Drops } from "./drops.ts";
import {
  type Gap,
  type JournalRow,
  type Log,
  type SinkName,
  type Store,
  type Transaction,
} from "./ports.ts";
import { type BacklogFeed, type BacklogLimits, SinkBacklog } from "./sink_backlog.ts";

export interface BacklogsOptions {
  readonly store: Store;
  readonly checkpoint: Checkpoint;
  /** Those that are switched on. */
  readonly sinks: readonly { readonly feed: BacklogFeed; readonly limits: BacklogLimits }[];
  readonly log: Log;
  readonly now: () => number;
}

/** What waits for each sink, and what is done where that is too much. */
export class Backlogs {
  readonly #sinks: readonly SinkBacklog[];
  readonly #options: BacklogsOptions;
  readonly #drops: Drops;

  constructor(options: BacklogsOptions) {
    const { store, checkpoint, sinks } = options;
    this.#options = options;
    this.#drops = new Drops({ store, checkpoint, feeds: sinks.map(({ feed }) => feed) });
    this.#sinks = sinks.map((sink) => new SinkBacklog(sink, options));
    this.look();
  }

  /** Reading has to pause, as of the last look. */
  get full(): boolean {
    return this.#sinks.some(({ blocks }) => blocks);
  }

  /** Finds out how it is; cheap enough for every batch. */
  look(): void {
    for (const sink of this.#sinks) sink.look();
  }

  /** Drops what is too old or too much, where that is the policy, then looks. Throws `StoreUnavailable`. */
  relieve(): void {
    for (const sink of this.#sinks) while (sink.dropOldest(this.#drops));
    this.look();
  }

  /** Deletes what was dropped before and isn't needed any more; whether there was any. Throws `StoreUnavailable`. */
  tidy(): boolean {
    for (const sink of this.#sinks) sink.tellDropped();
    return this.#drops.tidy();
  }

  /** What was dropped and wasn't told yet is told. */
  close(): void {
    for (const sink of this.#sinks) sink.tellDropped({ atOnce: true });
  }

  /** Whether rows that are made now go to the sink. */
  takes(name: SinkName): boolean {
    return !this.#sink(name)?.isRefusing;
  }

  /** Why a sink's backlog isn't as it should be. */
  reason(name: SinkName): string | undefined {
    return this.#sink(name)?.reason;
  }

  limits(): { sink: SinkName; limits: BacklogLimits }[] {
    return this.#options.sinks.map(({ feed, limits }) => ({ sink: feed.gaps.sink, limits }));
  }

  /** The rows of a batch don't go to the sink; written with the batch. */
  dropNewest(tx: Transaction, name: SinkName, rows: readonly JournalRow[]): void {
    if (rows.length === 0) return;
    const { gaps } = this.#sink(name)!.feed;
    tx.saveGap(name, gaps.joined(gapOf(rows)));
    tx.countDropped(name, droppedOf(rows).results);
  }

  /** The batch is committed. */
  droppedNewest(name: SinkName, rows: readonly JournalRow[]): void {
    if (rows.length === 0) return;
    const sink = this.#sink(name)!;
    const { gaps } = sink.feed;
    gaps.saved(gaps.joined(gapOf(rows)));
    sink.noteDropped(droppedOf(rows));
  }

  #sink(name: SinkName): SinkBacklog | undefined {
    return this.#sinks.find(({ feed }) => feed.gaps.sink === name);
  }
}

function droppedOf(rows: readonly JournalRow[]): Dropped {
  const results = rows.reduce((sum, { count }) => sum + count, 0);
  return { results, first: rows[0], last: rows[rows.length - 1] };
}

function gapOf(rows: readonly JournalRow[]): Gap {
  return {
    first: rows[0].id,
    last: rows[rows.length - 1].id,
    rows: rows.length,
    bytes: rows.reduce((sum, { body }) => sum + body.length, 0),
  };
}
