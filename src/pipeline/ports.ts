/**
 * The ports: what the pipeline needs of the world, and what the world may expect of it.
 * Everything behind a port may fail; each comment says what happens then.
 */

import { type DeviceState } from "../core/device.ts";
import { type SeriesState } from "../core/series.ts";
import { type GlobalState } from "../core/totals.ts";

export type { DeviceState, GlobalState, SeriesState };

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
  | "offset out of range";

/** What a source keeps in the store. Every call is one synchronous transaction; a failure is thrown. */
export interface Positions {
  /** Random, made with the data folder: tells our own committed offsets from another member's. */
  readonly folderId: string;
  next(source: PartitionRef): number | undefined;
  /** Moves a position other than by a batch; kept with its reason, and counted. */
  jump(source: PartitionRef, to: number, reason: JumpReason): void;
  /** How often a topic of this name was recreated in this cluster, 0 for the first; registers an unknown id. */
  generation(topic: { clusterId: string; topicId: string; topic: string }): number;
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
 * won't have it. Whether a row holds results of its own is settled by `append`, `retarget` leaves it:
 * a refused row is still replayed and still goes to the storage service.
 */
export type JournalTarget = "output" | "state" | "reframed" | "refused";

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
   * The broker refuses this row, a single record, for good: it is kept as "refused", the cursor moves
   * past it, and the lane goes on. The same conditions as for `split`.
   */
  refuse(row: JournalRow, reason: string): void;
}

/** What the storage service's sink needs of the journal: all results, in journal order. */
export interface StorageFeed {
  onRows(wake: () => void): void;
  /** The next row that wasn't handed out yet, and the record in it to begin with. */
  take(): { row: JournalRow; from: number } | undefined;
  /** Everything before record `record` of row `row` is stored. Never moves back. */
  acknowledge(row: number, record: number): void;
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

/** A reading that is no reading: kept as it came. */
export interface Rejected {
  readonly id: string;
  /** Empty for HTTP. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** ms since 1970. */
  readonly time: number;
  readonly reason: string;
  /** null: a tombstone. */
  readonly bytes: Uint8Array | null;
}

/** Writes. Exists only inside `Store.transact` (invariant 1): a call after it has ended throws. */
export interface Transaction {
  /**
   * Invariant 3: moves a position from `asked` to `end`. False: the position is elsewhere, the batch
   * isn't ours, the caller must give up the transaction.
   */
  advance(source: PartitionRef, asked: number, end: number): boolean;
  /**
   * The row's id must be above every id ever committed. A row appended as "reframed" or "refused" is a
   * copy: it holds no results of its own. Rows that go out of one lane follow one another without
   * overlap (the unknown lane apart), and those appended as "output" come in the order of their ids.
   */
  append(row: JournalRow, target: JournalTarget): void;
  /** Gives a row another target. Throws where there is no such row. */
  retarget(rowId: number, target: JournalTarget): void;
  /** A second rejection of the same id changes nothing: the first is kept. */
  reject(rejected: Rejected): void;
  count(delta: Counters): void;
  saveDevice(state: DeviceState): void;
  saveGlobal(state: GlobalState): void;
  /** Every device row and the global row include every journal row up to this id. */
  moveCheckpoint(journalId: number): void;
  saveLane(lane: LaneState): void;
  /** The lane is gone: what it had not sent is re-framed before. Rows of it that still go out become "state". */
  dropLane(lane: number): void;
  moveStorageCursor(row: number, record: number): void;
  /** The storage sink is gone; a new one will begin at the journal's end. */
  dropStorageCursor(): void;
  /** Deletes journal rows up to this id. */
  prune(throughId: number): void;
}

/** Thrown by `Store.transact` where the disk is full or failing: nothing was written, the same work may be tried again. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

export interface Store {
  /** One SQLite transaction, durable when it returns. What `work` throws rolls back and is thrown on. */
  transact<T>(work: (tx: Transaction) => T): T;
  readonly positions: Positions;
  readonly journal: JournalReader;
  readonly devices: DeviceReader;
  counters(): Counters;
  close(): void;
}

export interface JournalReader {
  /** Highest id ever used. */
  lastId(): number;
  checkpoint(): number;
  lanes(): LaneState[];
  /** undefined until the storage sink was first configured. */
  storageCursor(): { row: number; record: number } | undefined;
  /** Rows that go out ("output" and "reframed") of a lane, whose records end after `sequence`, in order, until `maxBytes` (at least one). */
  outputRows(lane: number, sequence: number, maxBytes: number): JournalRow[];
  /** Rows with results (all but copies, see `append`) with an id above `afterId`, in order, until `maxBytes` (at least one). */
  resultRows(afterId: number, maxBytes: number): JournalRow[];
  /** Per lane the end of its last row that goes out and was written for fewer than `lanes` lanes (but known ones). */
  laneEndsBelow(lanes: number): { lane: number; end: number }[];
  /** Lowest id of a row that goes out to the output topic and isn't acknowledged by the lanes given (a lane not given has acknowledged nothing); undefined: none. */
  oldestUnsent(lanes: readonly LaneState[]): number | undefined;
  /** Rows and bytes in the journal. */
  size(): { rows: number; bytes: number };
  /** The same from a row's id on: exact for a short journal, about right for one of thousands of rows. */
  sizeFrom(id: number): { rows: number; bytes: number };
  /** `time` of the first row from this id on; undefined: there is none. */
  timeFrom(id: number): number | undefined;
  /** Results from a storage cursor on. */
  resultsFrom(cursor: { row: number; record: number }): number;
}

export interface DeviceReader {
  count(): number;
  load(tenant: string, device: string): DeviceState | undefined;
  /** Tenants that have a device of this id, sorted. */
  tenantsOf(device: string): string[];
  /**
   * Keys after `after`, ordered by tenant and device, in code point order; one tenant only if named.
   * `shared`: another tenant has a device of the same id.
   */
  page(options: { after?: { tenant: string; device: string }; tenant?: string; limit: number }): {
    tenant: string;
    device: string;
    shared: boolean;
  }[];
  loadGlobal(): GlobalState | undefined;
}

/** A dead letter as it is kept. */
export interface DeadLetter extends Rejected {
  /** Its place in the order in which they were kept. */
  readonly sequence: number;
  /** ms since 1970. */
  readonly storedAt: number;
}

/** What the store can tell people. Synchronous, about the state after the last commit. */
export interface StoreReports {
  /** Dead letters in the order in which they were kept, after the sequence given. */
  deadLetters(options: { after?: number; limit: number }): DeadLetter[];
  /** How often a position has jumped since the data folder was made, by reason; a reason that never came is left out. */
  jumps(): ReadonlyMap<JumpReason, number>;
}

/** What became of a reading that was handed in over HTTP, told after its commit. */
export type Outcome =
  | { readonly kind: "result"; readonly value: string }
  | { readonly kind: "sampled out"; readonly id: string }
  | { readonly kind: "rejected"; readonly reason: string };

/** What became of readings that were handed in together, told after their commit. */
export interface BatchOutcome {
  /** Readings that were taken, those that were sampled out included. */
  readonly accepted: number;
  /** In order; `index` counts the batch's readings from 0. */
  readonly rejected: readonly { readonly index: number; readonly reason: string }[];
}

/** Thrown by `Intake` while more waits for the sinks than may: nothing was taken. */
export class BacklogFull extends Error {
  override readonly name = "BacklogFull";
}

/**
 * Readings that come over HTTP, on the same road as all others. Rejects with `BacklogFull`, and with
 * `StoreUnavailable` where nothing could be committed: nothing was taken then.
 */
export interface Intake {
  submit(reading: Uint8Array): Promise<Outcome>;
  /**
   * Readings in one body, committed together or not at all, each with the outcome that it would have
   * alone. `ranges`: where each begins and ends in `body`, in turns. The body must not be changed.
   */
  submitBatch(body: Uint8Array, ranges: readonly number[]): Promise<BatchOutcome>;
}

export interface SeriesView {
  readonly count: number;
  readonly sum: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly avg: number | null;
}

/** A metric of a device as it is shown. */
export interface WindowView {
  /** The last values, oldest first; empty where they weren't asked for. */
  readonly readings: readonly number[];
  /** Over the last values; null where there are none. */
  readonly avg: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Values since the device was first seen. */
  readonly count: number;
}

export interface DeviceView {
  readonly tenant: string;
  readonly device: string;
  readonly temperature: WindowView;
  readonly humidity: WindowView;
  readonly metrics: readonly { readonly name: string; readonly window: WindowView }[];
  readonly lastSeen: string;
}

/** Answers about the state after the last commit. Synchronous: nothing is torn. */
export interface Statistics {
  global(): {
    temperature: SeriesView;
    humidity: SeriesView;
    metrics: readonly { readonly name: string; readonly series: SeriesView }[];
  };
  device(tenant: string, device: string): DeviceView | undefined;
  tenantsOf(device: string): string[];
  page(options: {
    after?: { tenant: string; device: string };
    tenant?: string;
    limit: number;
    /** Whether the windows' values are wanted. */
    readings: boolean;
  }): {
    devices: (DeviceView & {
      /** Another tenant has a device of the same id. */
      readonly shared: boolean;
    })[];
    /** Whether there are more. */
    more: boolean;
  };
  processing(): {
    running: boolean;
    messagesProcessed: number;
    /** ms since 1970, 0: never. */
    lastProcessed: number;
    lastStarted: number;
    errors: number;
    sampledOut: number;
  };
}

export type Check = "kafka" | "store" | "output" | "storage" | "progress";

/** The checks that fail, each with the reason. */
export type FailedChecks = ReadonlyMap<Check, string>;

/** How the engine is, for those who start and stop it. */
export interface Health {
  /** Whether readings are being processed. */
  running(): boolean;
  kafka(): SourceState;
  /** Empty unless a new start is what would help. */
  live(): FailedChecks;
  /** Empty where the engine can do all that it is there for. */
  ready(): FailedChecks;
}

/** Log lines: a message, and fields that a machine can read. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}
