/**
 * The ports: what the pipeline needs of the world, and what the world may expect of it.
 * Everything behind a port may fail; each comment says what happens then.
 */

import { type DeviceState } from "../core/device.ts";
import { type SeriesState } from "../core/series.ts";
import { type GlobalState } from "../core/totals.ts";
import { type Refused } from "./ports_store.ts";

export type { DeviceState, GlobalState, SeriesState };
export * from "./ports_anomalies.ts";
export * from "./ports_follow.ts";
export * from "./ports_letters.ts";
export * from "./ports_lists.ts";
export * from "./ports_people.ts";
export * from "./ports_store.ts";
export * from "./ports_tail.ts";

/** A partition of a topic that exists once: a recreated topic has another `topicId`. */
export interface PartitionRef {
  readonly clusterId: string;
  readonly topicId: string;
  readonly topic: string;
  readonly partition: number;
}

/** One partition's share of a fetch, read through accessors: nothing is allocated per reading. */
export interface RecordBatch {
  readonly source: PartitionRef;
  /** Grows with every join of the group; a batch of an older epoch isn't ours any more. */
  readonly epoch: number;
  /** `<topic>-<partition>-` (`<topic>~<n>-<partition>-` for a recreated topic): an offset makes an id of it. */
  readonly idPrefix: string;
  /** The offset that the fetch was asked for. */
  readonly asked: number;
  /** The offset after the fetch's last batch: aborted, control and compacted records included. */
  readonly end: number;
  readonly length: number;
  offset(i: number): number;
  /** The record's Kafka timestamp, in ms since 1970. */
  timestamp(i: number): number;
  /** The bytes that the value stands in, from `valueStart(i)` to `valueEnd(i)`. */
  buffer(i: number): Uint8Array;
  /** -1: the record is a tombstone (its value is null). */
  valueStart(i: number): number;
  valueEnd(i: number): number;
}

export type SourceState = "connected" | "connecting" | "error" | "disabled";

/**
 * Where readings come from. A source survives every failure of its broker: it logs once, retries by
 * itself, makes its consumer anew if that has died, and `next()` simply takes longer.
 */
export interface RecordSource {
  /** Begins to connect and returns at once; a broker that is away is no error. */
  start(): void;
  /** The next fetch, one batch per partition that has something; null once the source is closed. */
  next(): Promise<RecordBatch[] | null>;
  /** Whether the batch's partition is still this member's, in the batch's epoch. Synchronous: see invariant 2. */
  owns(batch: RecordBatch): boolean;
  /** The batches stand in SQLite: commits their ends to the group. Advisory: a failure is logged, never thrown. */
  committed(batches: readonly RecordBatch[]): void;
  /** Forgets what it has fetched and starts again from the positions in the store. */
  reset(): void;
  state(): SourceState;
  /** Which partitions aren't read until somebody decides, and why, for people; undefined: none. */
  stopped(): string | undefined;
  /** Records between the committed end and the end of the log, by partition, as far as they are known. */
  lag(): ReadonlyMap<number, number>;
  /** Stops fetching: `next()` answers null. The group isn't left yet, offsets can still be committed. */
  pause(): void;
  /** Leaves the group after the last commit; at most `deadlineMs`. */
  close(deadlineMs: number): Promise<void>;
}

export type JumpReason =
  | "first start"
  | "committed by another member"
  | "topic recreated"
  | "offset out of range"
  | "log truncated";

export interface TopicIdentity {
  readonly clusterId: string;
  readonly topicId: string;
  readonly topic: string;
}

export interface Generation {
  /** 0: the first topic of this name; no other topic of the name has this number in this folder. */
  readonly number: number;
  /** The folder has read another topic of this name in this cluster before. */
  readonly recreated: boolean;
}

/** What a source keeps in the store. Every call is one synchronous transaction; a failure is thrown. */
export interface Positions {
  /** Random, made with the data folder: tells our own committed offsets from another member's. */
  readonly folderId: string;
  next(source: PartitionRef): number | undefined;
  /** Moves a position other than by a batch; kept with its reason, and counted. */
  jump(source: PartitionRef, to: number, reason: JumpReason): void;
  /**
   * What this topic is among those of its name, over every cluster that the folder has read from.
   * Registers an unknown id, and keeps a higher `agreed`: what other members of the group call it.
   */
  generation(topic: TopicIdentity & { agreed?: number }): Generation;
  memberId(group: string): string | undefined;
  saveMemberId(group: string, memberId: string): void;
}

/**
 * A journal row: the results of one batch for one output partition (its lane), framed as the records
 * of a Kafka record batch v2, with 61 bytes left free in front for the batch's header.
 */
export interface JournalRow {
  readonly id: number;
  /** -1: the partition count was unknown when the row was written. */
  readonly lane: number;
  /** Partition count of the output topic when the row was written; 0: it was unknown. */
  readonly lanes: number;
  readonly count: number;
  /** Base timestamp of the batch, ms since 1970: the results' `processed_at`. */
  readonly time: number;
  /** The lane's running count of records before this row. */
  readonly baseSequence: number;
  readonly body: Uint8Array;
}

/**
 * What a journal row is for. "output": results that go out. "state": results that don't go out (any
 * more). "reframed": a copy that goes out in place of a row with results. "refused": the output topic
 * won't have it. "resent": a copy for the storage service alone, of results that it once refused.
 * Whether a row holds results of its own is settled by `append`, `retarget` leaves it: a refused row is
 * still replayed and still goes to the storage service.
 */
export type JournalTarget = "output" | "state" | "reframed" | "refused" | "resent";

/** A lane of the output topic, as SQLite has it. */
export interface LaneState {
  readonly lane: number;
  /** Id of the output topic that the producer id was used with; empty: none yet. */
  topicId: string;
  /** -1n: none yet. */
  producerId: bigint;
  producerEpoch: number;
  /** Records that the broker has acknowledged: the cursor "output" of this lane. */
  acknowledged: number;
  /** Records appended to the journal: the base sequence of the next row. `append` raises it, nothing lowers it. */
  end: number;
  /** Offset of the last acknowledged record in the output topic; -1: none. */
  lastOffset: number;
}

/**
 * What the output topic's sink needs of the journal. Rows of a lane are handed out in order; the sink
 * sends them as they are. Memory only, except where a call says that it is durable.
 */
export interface OutputFeed {
  /** Calls back whenever rows may have come; never during a transaction. */
  onRows(wake: () => void): void;
  /**
   * The sink has found its topic. Makes lanes for its partitions and re-frames rows that were written
   * while the count was unknown, or for lanes that are gone. Durable. Throws what SQLite throws.
   */
  open(topic: { topicId: string; partitions: number }): void;
  lanes(): readonly LaneState[];
  /** The lane's next row that wasn't handed out yet; undefined: none. */
  take(lane: number): JournalRow | undefined;
  /** Rows after the cursor are handed out again. */
  rewind(lane: number): void;
  /** The broker has every record of the lane below `sequence`, the last one at `offset` (-1: not known). Never moves back. */
  acknowledge(lane: number, sequence: number, offset: number): void;
  /** The lane has a new producer id, used with this topic. Durable before it returns. */
  identify(
    lane: number,
    identity: { topicId: string; producerId: bigint; producerEpoch: number },
  ): void;
  /**
   * The broker takes less than this row in one batch: replaces it by rows of at most `maxBytes` (61
   * bytes for the header included), with consecutive base sequences; a record that is larger stands
   * alone. Nothing of the lane may be in flight; handing out begins again at the cursor. Durable before
   * it returns; throws `StoreUnavailable` where it couldn't be stored.
   */
  split(row: JournalRow, maxBytes: number): void;
  /**
   * The broker refuses this row, a single record, for good: it is kept as "refused" and as a dead
   * letter, the cursor moves past it, and the lane goes on. `answer`: the broker's, null: it wasn't
   * asked; `attempts`: how often it was. The same conditions as for `split`.
   */
  refuse(
    row: JournalRow,
    why: { reason: string; answer: string | null; attempts: number },
  ): void;
}

/** What the storage service's sink needs of the journal: all results, in journal order. */
export interface StorageFeed {
  onRows(wake: () => void): void;
  /** The next row that wasn't handed out yet, and the record in it to begin with. */
  take(): { row: JournalRow; from: number } | undefined;
  /** Everything before record `record` of row `row` is stored. Never moves back. */
  acknowledge(row: number, record: number): void;
  /**
   * The service refuses the result at this place for good. Memory only: the dead letter is written in
   * the same transaction as the cursor that moves past it, neither before (it may be posted again and
   * stored) nor after; `take` hands out nothing while too many wait for that. The caller acknowledges
   * the record after this call.
   */
  refuse(refused: Refused, at: { row: number; record: number }): void;
}

/** A sink drains its feed by itself, in order, through every failure; nothing it meets is thrown at the pipeline. */
export interface Sink {
  start(): void;
  /** "connecting" until the first answer, "error" while the last attempt failed. */
  state(): SourceState;
  /** Sends nothing new; waits for what is in flight, at most `deadlineMs`. */
  close(deadlineMs: number): Promise<void>;
}

/** Invariant 5: read = results + sampledOut + rejected + dropped + passedOn. */
export interface Counters {
  read: number;
  results: number;
  sampledOut: number;
  rejected: number;
  dropped: number;
  passedOn: number;
}

/** Log lines: a message, and fields that a machine can read. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}
