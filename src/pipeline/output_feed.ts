import { RecordReader } from "../core/record.ts";
import { checkRow } from "./row_check.ts";
import { splitRow } from "../core/reframe.ts";
import { type Backlog, backlogFrom } from "./backlog.ts";
import { Gaps } from "./gaps.ts";
import { type JournalIds } from "./journal_ids.ts";
import { LaneQueue } from "./lane_queue.ts";
import {
  type JournalRow,
  type LaneState,
  type Log,
  type OutputFeed,
  type RowHead,
  type Store,
  type Transaction,
} from "./ports.ts";
import { passGap, underWay } from "./output_drops.ts";
import { reframeRows, UNKNOWN_LANE } from "./reframing.ts";
import { type PooledRow, type RowPool } from "./row_pool.ts";

/** Rows of a lane read from SQLite in one go while the sink is behind, or the lane's share of the memory. */
const LOAD_BYTES = 4_000_000;
/** Characters of a broker's answer that a dead letter keeps. */
const MAX_ANSWER = 1024;

export interface OutputFeedOptions {
  readonly store: Store;
  readonly ids: JournalIds;
  readonly pool: RowPool;
  /** Bytes of rows kept in memory for the sink; what is beyond is read from SQLite again. */
  readonly memoryBytes: number;
  readonly log: Log;
  readonly now: () => number;
}

/** The journal as the output topic's sink sees it: lanes, each with a cursor. */
export class JournalOutputFeed implements OutputFeed {
  readonly #options: OutputFeedOptions;
  #queues: LaneQueue[] = [];
  #wake: () => void = () => {};
  #onAcknowledged: () => void = () => {};
  #dirty = new Set<LaneQueue>();
  #memory = 0;
  /** Results that the output topic refused for good. */
  refused = 0;
  readonly gaps: Gaps;
  /** When the sink last acknowledged something, ms since 1970. */
  acknowledgedAt: number;

  constructor(options: OutputFeedOptions) {
    this.#options = options;
    const { journal } = options.store;
    this.gaps = new Gaps("output", journal);
    this.acknowledgedAt = options.now();
    this.#queues = journal.lanes().map((state) => new LaneQueue(state));
    const barriers = journal.barriers();
    for (const queue of this.#queues) queue.barriers = barriers.get(queue.state.lane) ?? [];
    this.#dropBarriers();
  }

  /** Partition count of the output topic, as it was seen last; 0: never. */
  get laneCount(): number {
    return this.#queues.length;
  }

  /** Bytes of rows in memory that aren't acknowledged. */
  get memoryBytes(): number {
    return this.#memory;
  }

  /** What the output topic doesn't have; rows of other lanes and copies in between count, too. */
  backlog(): Backlog {
    return backlogFrom(this.oldestWaiting(), this.#options.store.journal, this.gaps);
  }

  /** The lowest id of a row that waits for the output topic; Infinity: none. */
  oldestWaiting(): number {
    // Before the topic is found rows are kept that may not be for it.
    if (this.laneCount > 0) return this.oldestNeeded();
    return this.#options.store.journal.oldestUnsent([]) ?? Infinity;
  }

  onRows(wake: () => void): void {
    this.#wake = wake;
  }

  /** Calls back when rows were acknowledged. */
  onAcknowledged(callback: () => void): void {
    this.#onAcknowledged = callback;
  }

  lanes(): readonly LaneState[] {
    return this.#queues.map((queue) => queue.state);
  }

  /** The base sequence for the lane's next row. */
  end(lane: number): number {
    return this.#queues[lane]?.state.end ?? 0;
  }

  /** Rows that were just committed, in the order of their ids. */
  appended(rows: readonly PooledRow[]): void {
    for (const pooled of rows) {
      const { row } = pooled;
      const queue = this.#queues[row.lane];
      if (queue !== undefined) queue.state.end = row.baseSequence + row.count;
      const fits = this.#memory + row.body.length <= this.#options.memoryBytes;
      if (queue !== undefined && fits && queue.append(pooled)) this.#memory += row.body.length;
      else this.#options.pool.release(pooled);
    }
    this.#wake();
  }

  open(topic: { topicId: string; partitions: number }): void {
    const before = this.laneCount;
    if (before === topic.partitions) return;
    const gone = this.#queues.slice(topic.partitions);
    const added: LaneQueue[] = [];
    for (let lane = before; lane < topic.partitions; lane++) {
      const queue = new LaneQueue(newLane(lane));
      queue.barriers = new Array(this.#barriers + 1).fill(0);
      added.push(queue);
    }
    const kept = this.#queues.slice(0, topic.partitions);
    const queues = [...kept, ...added];
    // What is framed anew comes behind them.
    const ends = kept.map(({ state }) => state.end);
    const barriers = new Map<number, readonly number[]>();
    kept.forEach((queue, i) => barriers.set(queue.state.lane, [...queue.barriers, ends[i]]));
    for (const queue of added) barriers.set(queue.state.lane, queue.barriers);
    this.#reframe(queues, { gone, barriers });
    kept.forEach((queue, i) => queue.barriers.push(ends[i]));
    for (const queue of gone) {
      this.#forget(queue);
      // Its cursor would make the lane anew.
      this.#dirty.delete(queue);
    }
    this.#queues = queues;
    this.#dropBarriers();
    const { log } = this.#options;
    // The first time it is no news.
    log[before === 0 ? "debug" : "info"]("output topic: its partition count has changed", {
      before,
      now: topic.partitions,
    });
    this.#wake();
  }

  take(lane: number): JournalRow | undefined {
    const queue = this.#queues[lane];
    if (queue === undefined) return undefined;
    const row = queue.peek() ?? this.#load(queue);
    if (passGap(queue)) {
      this.#dirty.add(queue);
      this.#dropBarriers();
      // Other lanes may have waited for it.
      this.#wake();
    }
    if (row === undefined || this.#isWithheld(row, queue)) return undefined;
    queue.advance();
    return row;
  }

  rewind(lane: number): void {
    this.#queues[lane].rewind();
  }

  acknowledge(lane: number, sequence: number, offset: number): void {
    const queue = this.#queues[lane];
    if (queue === undefined) return;
    if (offset >= 0) queue.state.lastOffset = Math.max(queue.state.lastOffset, offset);
    if (sequence <= queue.state.acknowledged) return;
    for (const pooled of queue.acknowledge(sequence)) this.#release(pooled);
    this.#dirty.add(queue);
    this.acknowledgedAt = this.#options.now();
    this.#onAcknowledged();
    this.#dropBarriers();
  }

  identify(
    lane: number,
    identity: { topicId: string; producerId: bigint; producerEpoch: number },
  ): void {
    const queue = this.#queues[lane];
    const { state } = queue;
    const changed = state.topicId !== identity.topicId;
    if (queue.peek() === undefined) this.#load(queue);
    const next = {
      ...state,
      ...identity,
      // The new producer begins behind what was dropped.
      acknowledged: queue.endOfGap ?? state.acknowledged,
      lastOffset: changed ? -1 : state.lastOffset,
    };
    this.#options.store.transact((tx) => tx.saveLane(next));
    Object.assign(state, next);
    this.#dropBarriers();
  }

  split(row: JournalRow, maxBytes: number): void {
    const { store, ids } = this.#options;
    const first = ids.next();
    const pieces = splitRow(row, maxBytes);
    store.transact((tx) => {
      tx.retarget(row.id, "state");
      let baseSequence = row.baseSequence;
      pieces.forEach((piece, i) => {
        tx.append({ ...row, id: first + i, ...piece, baseSequence }, "reframed");
        baseSequence += piece.count;
      });
    });
    ids.last = first + pieces.length - 1;
    this.#forget(this.#queues[row.lane]);
  }

  refuse(
    row: JournalRow,
    { reason, answer, attempts }: { reason: string; answer: string | null; attempts: number },
  ): void {
    const { store } = this.#options;
    const queue = this.#queues[row.lane];
    const records = new RecordReader(row);
    const end = row.baseSequence + row.count;
    const state: LaneState = { ...queue.state, acknowledged: end };
    const text = (start: number, end: number) =>
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(row.body.subarray(start, end));
    store.transact((tx) => {
      tx.retarget(row.id, "refused");
      while (records.next()) {
        tx.refuse({
          id: text(records.idStart, records.idEnd),
          sink: "output",
          tenant: text(records.tenantStart, records.tenantEnd),
          time: row.time,
          reason,
          status: null,
          answer: answer?.slice(0, MAX_ANSWER) ?? null,
          attempts,
          bytes: row.body.slice(records.valueStart, records.valueEnd),
        });
      }
      tx.saveLane(state);
    });
    this.refused += row.count;
    this.acknowledge(row.lane, end, -1);
    this.#forget(queue);
  }

  /** Writes the cursors that have moved; `flushed` is to be called once that is committed. */
  flush(tx: Transaction): void {
    for (const queue of this.#dirty) tx.saveLane(queue.state);
  }

  flushed(): void {
    this.#dirty.clear();
  }

  get hasUnflushed(): boolean {
    return this.#dirty.size > 0;
  }

  /** The lowest id of a row that the sink still needs; Infinity: none. */
  oldestNeeded(): number {
    let oldest = Infinity;
    for (const queue of this.#queues) {
      if (queue.state.acknowledged === queue.state.end) continue;
      const lowest = queue.lowestId;
      if (lowest === undefined) {
        return this.#options.store.journal.oldestUnsent(this.lanes()) ?? Infinity;
      }
      oldest = Math.min(oldest, lowest);
    }
    // Rows of the unknown lane wait until the topic is found.
    return this.laneCount === 0 ? 0 : oldest;
  }

  /** Whether the row may be dropped: it wasn't handed out, and isn't one of those that an earlier process may have sent. */
  mayDrop({ id, goesOut, lane, baseSequence }: RowHead): boolean {
    if (!goesOut || this.gaps.at(id) !== undefined) return false;
    const queue = this.#queues[lane];
    return queue === undefined || baseSequence >= underWay(queue, this.#options.store.journal);
  }

  get dropFrom(): number {
    return this.oldestWaiting();
  }

  /** What doesn't go out is told by its row. */
  isPast(): boolean {
    return true;
  }

  needs({ id, goesOut }: RowHead): boolean {
    return goesOut && id >= this.oldestNeeded();
  }

  /** The rows don't go out any more, all of which might be dropped. Their lanes take new producer ids when they come to the gap. */
  dropped(rows: readonly RowHead[]): void {
    for (const lane of new Set(rows.map(({ lane }) => lane))) {
      const queue = this.#queues[lane];
      if (queue === undefined) continue;
      const from = underWay(queue, this.#options.store.journal);
      for (const pooled of queue.cutFrom(from)) this.#release(pooled);
    }
    this.#wake();
  }

  #release(pooled: PooledRow): void {
    this.#memory -= pooled.row.body.length;
    this.#options.pool.release(pooled);
  }

  get #barriers(): number {
    return this.#queues[0]?.barriers.length ?? 0;
  }

  /** Rows that were written for another partition count go before those of a newer one, in all lanes. */
  #isWithheld(row: JournalRow, queue: LaneQueue): boolean {
    if (this.#barriers === 0) return false;
    const next = queue.barriers.findIndex((sequence) => row.baseSequence < sequence);
    const passed = (next < 0 ? this.#barriers : next) - 1;
    return passed >= 0 &&
      this.#queues.some(({ state, barriers }) => state.acknowledged < barriers[passed]);
  }

  /** Forgets the barriers that nothing waits for any more. */
  #dropBarriers(): void {
    while (
      this.#barriers > 0 &&
      this.#queues.every(({ state, barriers }) => state.acknowledged >= barriers[0])
    ) {
      for (const { barriers } of this.#queues) barriers.shift();
    }
  }

  #load(queue: LaneQueue): JournalRow | undefined {
    if (queue.loadedEnd >= queue.state.end) return undefined;
    const { store, memoryBytes } = this.#options;
    const rows = store.journal.outputRows(
      queue.state.lane,
      queue.loadedEnd,
      Math.min(LOAD_BYTES, memoryBytes / this.laneCount),
    );
    for (const row of rows) {
      checkRow(row, store);
      if (queue.load({ row, holders: 1, buffer: null })) this.#memory += row.body.length;
    }
    // What there was behind it was dropped.
    if (rows.length === 0) queue.loadedEnd = queue.state.end;
    return queue.peek();
  }

  /** Drops what memory has of a lane: SQLite has it otherwise by now. */
  #forget(queue: LaneQueue): void {
    for (const pooled of queue.clear()) this.#release(pooled);
  }

  /** Shares out anew, among these lanes, rows of the unknown lane and of lanes that are gone. */
  #reframe(
    queues: readonly LaneQueue[],
    { gone, barriers }: {
      gone: readonly LaneQueue[];
      barriers: ReadonlyMap<number, readonly number[]>;
    },
  ): void {
    const { store, ids } = this.#options;
    const states = queues.map((queue) => ({ ...queue.state }));
    const from = [
      { lane: UNKNOWN_LANE, acknowledged: -1 },
      ...gone.map(({ state }) => ({ lane: state.lane, acknowledged: state.acknowledged })),
    ];
    const firstId = ids.next();
    const last = store.transact((tx) => {
      const end = reframeRows(tx, { journal: store.journal, from, states, firstId });
      for (const state of states) tx.saveLane(state);
      for (const { state } of gone) tx.dropLane(state.lane);
      tx.saveBarriers(barriers);
      return end;
    });
    ids.last = last;
    queues.forEach((queue, i) => queue.state.end = states[i].end);
  }
}

function newLane(lane: number): LaneState {
  return {
    lane,
    topicId: "",
    producerId: -1n,
    producerEpoch: -1,
    acknowledged: 0,
    end: 0,
    lastOffset: -1,
  };
}
