import { type Checkpoint } from "./checkpoint.ts";
import { type Gaps } from "./gaps.ts";
import { type Gap, type JournalRow, type RowHead, type Store, type Transaction } from "./ports.ts";

/** Rows looked at in one go, and dropped in one transaction. */
const ROWS = 1000;
/** Bytes deleted in one transaction: it must not hold up what else the thread has to do. */
const DELETED_BYTES = 32_000_000;

/** A sink's feed, as far as dropping goes. */
export interface DroppingFeed {
  readonly gaps: Gaps;
  /** No row below this id may be dropped. */
  readonly dropFrom: number;
  /** Whether the row waits, and the sink hasn't been given it. */
  mayDrop(row: RowHead): boolean;
  /** Whether the row has to stay for this sink. */
  needs(row: RowHead): boolean;
  /** These rows were dropped, in the order of their ids, and all of them might be. */
  dropped(rows: readonly RowHead[]): void;
  oldestNeeded(): number;
  /** Whether the cursor, once it is flushed, lies behind this row. */
  isPast(id: number): boolean;
  flush(tx: Transaction): void;
  flushed(): void;
}

export interface DropsOptions {
  readonly store: Store;
  readonly checkpoint: Checkpoint;
  /** Those that are switched on. */
  readonly feeds: readonly DroppingFeed[];
}

export interface Dropped {
  readonly results: number;
  readonly first: JournalRow;
  readonly last: JournalRow;
}

/**
 * Takes out of the journal what a sink won't get. A row that something else needs stays until it isn't
 * needed; the sink passes over it, also after a restart: that is what a gap says. Each call is a
 * transaction: its rows, its gap and its count stand together or not at all.
 */
export class Drops {
  readonly #options: DropsOptions;
  /** Where each feed's gaps are looked at next. */
  readonly #lookFrom = new Map<DroppingFeed, number>();

  constructor(options: DropsOptions) {
    this.#options = options;
  }

  /**
   * Drops a sink's oldest rows while `more` says so of the next one, in view of what was freed, at most
   * a thousand; undefined: there were none. Throws `StoreUnavailable`: nothing was dropped.
   */
  dropOldest(
    feed: DroppingFeed,
    { from, more }: { from: number; more: (row: RowHead, freedBytes: number) => boolean },
  ): Dropped | undefined {
    const { store } = this.#options;
    const { rows, between } = this.#oldest(feed, { from, more });
    if (rows.length === 0) return undefined;
    const lastId = rows[rows.length - 1].id;
    const results = rows.reduce((sum, { count }) => sum + count, 0);
    const dropped = {
      results,
      first: store.journal.row(rows[0].id)!,
      last: store.journal.row(lastId)!,
    };
    const isOutput = feed.gaps.sink === "output";
    const deletable = rows.filter((row) => this.#isDeletable(row, feed));
    const gone = new Set(deletable);
    const kept = rows.filter((row) => !gone.has(row));
    const standing = [...kept, ...between.filter((row) => !isOutput || !row.goesOut)];
    const gap = feed.gaps.joined({
      first: rows[0].id,
      last: lastId,
      rows: standing.length,
      bytes: bytesOf(standing),
    });
    const undo = this.#snapshot();
    try {
      store.transact((tx) => {
        if (isOutput && kept.length > 0) tx.dropOutgoing(kept.map(({ id }) => id));
        this.#delete(tx, deletable);
        save(tx, { gaps: feed.gaps, gap });
        tx.countDropped(feed.gaps.sink, results);
      });
    } catch (error) {
      undo();
      throw error;
    }
    feed.dropped(rows);
    return dropped;
  }

  /**
   * Deletes what was dropped and isn't needed by now, a part at a time, and forgets gaps that are passed.
   * False: there was nothing to do. Throws `StoreUnavailable`: nothing was done.
   */
  tidy(): boolean {
    const { store, feeds } = this.#options;
    if (feeds.every(({ gaps }) => gaps.all.length === 0)) return false;
    const deletable = feeds.flatMap((feed) => this.#deletable(feed));
    const passed = feeds.flatMap((feed) =>
      feed.gaps.all.filter(({ first, last }) =>
        first < feed.oldestNeeded() && (last < feed.oldestNeeded() ? feed.isPast(last) : true)
      ).map((gap) => ({ feed, gap }))
    );
    if (deletable.length === 0 && passed.length === 0) return false;
    const undo = this.#snapshot();
    try {
      store.transact((tx) => {
        for (const feed of feeds) feed.flush(tx);
        this.#delete(tx, deletable);
        for (const { feed, gap } of passed) this.#pass(tx, { feed, gap });
      });
    } catch (error) {
      undo();
      throw error;
    }
    for (const feed of feeds) feed.flushed();
    return true;
  }

  #oldest(
    feed: DroppingFeed,
    { from, more }: { from: number; more: (row: RowHead, freedBytes: number) => boolean },
  ): { rows: RowHead[]; between: RowHead[] } {
    const { journal } = this.#options.store;
    const rows: RowHead[] = [], between: RowHead[] = [];
    let next = Math.max(from, feed.dropFrom), freed = 0;
    let passed: RowHead[] = [];
    for (;;) {
      const heads = journal.heads(next, ROWS);
      if (heads.length === 0) return { rows, between };
      for (const head of heads) {
        if (!feed.mayDrop(head)) {
          // A gap has its own count of what stands in it.
          if (rows.length > 0 && feed.gaps.at(head.id) !== undefined) return { rows, between };
          passed.push(head);
          continue;
        }
        if (rows.length === ROWS || !more(head, freed)) return { rows, between };
        if (rows.length > 0) between.push(...passed);
        passed = [];
        rows.push(head);
        freed += head.bytes;
      }
      next = heads[heads.length - 1].id + 1;
    }
  }

  /** Rows of a feed's gaps that may go, of the next part of them. */
  #deletable(feed: DroppingFeed): RowHead[] {
    const { journal } = this.#options.store;
    const rows: RowHead[] = [];
    const from = this.#lookFrom.get(feed) ?? 0;
    const gap = feed.gaps.all.find(({ last }) => last >= from);
    if (gap === undefined) {
      this.#lookFrom.set(feed, 0);
      return rows;
    }
    let bytes = 0;
    let next = Math.max(from, gap.first);
    for (const head of journal.heads(next, ROWS)) {
      if (head.id > gap.last) {
        next = gap.last + 1;
        break;
      }
      next = head.id + 1;
      if (!this.#isDeletable(head, undefined)) continue;
      rows.push(head);
      bytes += head.bytes;
      if (bytes >= DELETED_BYTES) break;
    }
    this.#lookFrom.set(feed, next > from ? next : gap.last + 1);
    return rows;
  }

  /** `dropping`: the feed for which the row is being dropped. */
  #isDeletable(row: RowHead, dropping: DroppingFeed | undefined): boolean {
    const { checkpoint, feeds } = this.#options;
    return row.id <= checkpoint.durableId &&
      feeds.every((feed) => feed === dropping || !feed.needs(row));
  }

  #delete(tx: Transaction, rows: readonly RowHead[]): void {
    if (rows.length === 0) return;
    tx.deleteRows(rows.map(({ id }) => id));
    for (const { gaps } of this.#options.feeds) {
      for (const gap of gaps.all) {
        const gone = rows.filter((row) =>
          gap.first <= row.id && row.id <= gap.last && (gaps.sink === "storage" || !row.goesOut)
        );
        if (gone.length === 0) continue;
        const left = {
          ...gap,
          rows: gap.rows - gone.length,
          bytes: gap.bytes - bytesOf(gone),
        };
        save(tx, { gaps, gap: left });
      }
    }
  }

  /** The sink has come into the gap or behind it. */
  #pass(tx: Transaction, { feed, gap }: { feed: DroppingFeed; gap: Gap }): void {
    const { gaps } = feed;
    tx.removeGap(gaps.sink, gap.first);
    gaps.removed(gap.first);
    const first = feed.oldestNeeded();
    if (gap.last < first) return;
    const standing = this.#options.store.journal.settledBetween(first, gap.last);
    save(tx, { gaps, gap: { first, last: gap.last, ...standing } });
  }

  /** Puts the gaps back as they were. */
  #snapshot(): () => void {
    const before = this.#options.feeds.map(({ gaps }) => ({ gaps, all: gaps.all }));
    return () => {
      for (const { gaps, all } of before) gaps.restore(all);
    };
  }
}

/** A gap in which nothing stands any more is none. */
function save(tx: Transaction, { gaps, gap }: { gaps: Gaps; gap: Gap }): void {
  if (gap.rows <= 0) {
    tx.removeGap(gaps.sink, gap.first);
    gaps.removed(gap.first);
  } else {
    tx.saveGap(gaps.sink, gap);
    gaps.saved(gap);
  }
}

function bytesOf(rows: readonly RowHead[]): number {
  return rows.reduce((sum, { bytes }) => sum + bytes, 0);
}
