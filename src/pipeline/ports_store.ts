/** The ports to the store: what is written in one transaction, and what is read back. */
import { type DeviceState } from "../core/device.ts";
import { type GlobalState } from "../core/totals.ts";
import {
  type AnomalyBlock,
  type AnomalyReader,
  type Counters,
  type JournalRow,
  type JournalTarget,
  type JumpReason,
  type LaneState,
  type LetterReader,
  type PartitionRef,
  type Positions,
} from "./ports.ts";

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

/** A result that a sink refused for good. */
export interface Refused {
  readonly id: string;
  readonly sink: "output" | "storage";
  readonly tenant: string;
  /** ms since 1970: when the result was made. */
  readonly time: number;
  readonly reason: string;
  /** HTTP status of the answer; null: there was none, as with Kafka. */
  readonly status: number | null;
  /** The answer's first KiB as text. */
  readonly answer: string | null;
  /** How often it was sent. */
  readonly attempts: number;
  /** The result's JSON text. */
  readonly bytes: Uint8Array;
}

export type SinkName = "output" | "storage";

/** A part of the journal that was dropped for a sink: ids, and what of it is still in the journal. */
export interface Gap {
  readonly first: number;
  readonly last: number;
  readonly rows: number;
  readonly bytes: number;
}

/** A journal row without its body. */
export interface RowHead {
  readonly id: number;
  readonly lane: number;
  readonly baseSequence: number;
  readonly count: number;
  readonly time: number;
  readonly bytes: number;
  /** To the output topic. */
  readonly goesOut: boolean;
  /** To the storage service. */
  readonly isStored: boolean;
}

/** Writes. Exists only inside `Store.transact` (invariant 1): a call after it has ended throws. */
export interface Transaction {
  /**
   * Invariant 3: moves a position from `asked` to `end`. False: the position is elsewhere, the batch
   * isn't ours, the caller must give up the transaction.
   */
  advance(source: PartitionRef, asked: number, end: number): boolean;
  /**
   * The row's id must be above every id ever committed. A row appended as "reframed", "refused" or
   * "resent" is a copy: it holds no results of its own. Rows that go out of one lane follow one another without
   * overlap (the unknown lane apart), and those appended as "output" come in the order of their ids.
   * Throws `DiskLow` where the disk has no room for the row.
   */
  append(row: JournalRow, target: JournalTarget): void;
  /** Gives a row another target. Throws where there is no such row. */
  retarget(rowId: number, target: Exclude<JournalTarget, "resent">): void;
  /** A second rejection of the same bytes under the same id changes nothing; other bytes are kept as `<id>~2`. */
  reject(rejected: Rejected): void;
  /** Keeps it as a dead letter and counts it; a second one of the same id and sink changes nothing. */
  refuse(refused: Refused): void;
  /** The letter is replayed in this transaction: it goes. False: there is none. */
  takeLetter(sequence: number): boolean;
  /** The letters go, counted as discarded; how many there were. */
  discardLetters(sequences: readonly number[]): number;
  /** Whether the next start replays these letters. */
  markLetters(sequences: readonly number[], marked: boolean): void;
  /** The copy of the letters has settled all up to this sequence; null: there is no copy any more. */
  moveLetterCopy(through: number | null, count: { sent: number; tooLarge: number }): void;
  /** The anomalies of a batch, in order. The oldest fall off as the bounds ask. Throws `DiskLow` as `append` does. */
  keepAnomalies(blocks: readonly AnomalyBlock[]): void;
  count(delta: Counters): void;
  saveDevice(state: DeviceState): void;
  saveGlobal(state: GlobalState): void;
  /** Every device row and the global row include every journal row up to this id. */
  moveCheckpoint(journalId: number): void;
  saveLane(lane: LaneState): void;
  /** The lane is gone: what it had not sent is re-framed before. Rows of it that still go out become "state". */
  dropLane(lane: number): void;
  /** By lane, as many for each, ascending: in the place of all that there were. See `JournalReader`. */
  saveBarriers(barriers: ReadonlyMap<number, readonly number[]>): void;
  moveStorageCursor(row: number, record: number): void;
  /** The storage sink is gone; a new one will begin at the journal's end. */
  dropStorageCursor(): void;
  /** Deletes journal rows up to this id. */
  prune(throughId: number): void;
  /** Deletes rows that nothing needs any more, wherever they stand; how much that was. Ids that aren't there are passed over. */
  deleteRows(rowIds: readonly number[]): { rows: number; bytes: number };
  /** Rows that would go out, unsent ones, become "state": their sequences stay a gap in their lanes. */
  dropOutgoing(rowIds: readonly number[]): void;
  /** One of the same tenant and `first` is replaced. */
  saveTenantStretch(stretch: TenantStretch): void;
  dropTenantStretch(tenant: string, first: number): void;
  /** What the storage service skips, and what doesn't count as waiting for a sink. One of the same `first` is replaced. */
  saveGap(sink: SinkName, gap: Gap): void;
  removeGap(sink: SinkName, first: number): void;
  /** Results that a sink doesn't get, on purpose. */
  countDropped(sink: SinkName, results: number): void;
  /** The topic that the lanes' cursors belong to; empty: none. */
  saveOutputTopic(name: string): void;
}

/** Bytes of a tenant's results in the journal between two ids, both included. */
export interface TenantStretch {
  readonly tenant: string;
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

/** Thrown by `Store.transact` where the disk is full or failing: nothing was written, the same work may be tried again. */
export class StoreUnavailable extends Error {
  override readonly name: string = "StoreUnavailable";
}

/** There is no room for more, but for what makes room: whoever waits must not hold up the rest. */
export class DiskLow extends StoreUnavailable {
  override readonly name: string = "DiskLow";
}

/**
 * The file's contents can't be true. Nothing is read or written any more; the next start sets the file
 * aside and takes over what is whole.
 */
export class StoreDamaged extends StoreUnavailable {
  override readonly name: string = "StoreDamaged";
}

export interface Store {
  /**
   * One SQLite transaction, durable when it returns. What `work` throws rolls back and is thrown on, as
   * `StoreDamaged` where it says so; every other call may throw that, too.
   */
  transact<T>(work: (tx: Transaction) => T): T;
  readonly positions: Positions;
  readonly journal: JournalReader;
  readonly devices: DeviceReader;
  readonly letters: LetterReader;
  readonly anomalies: AnomalyReader;
  counters(): Counters;
  /** The store is damaged, as its reader has found: remembered for the next start. */
  damaged(cause: unknown): StoreDamaged;
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
  /** The same with the rows "resent" among them: what goes to the storage service. */
  storageRows(afterId: number, maxBytes: number): JournalRow[];
  /**
   * For each change of the partition count, by lane: rows below the sequence were written before it and
   * go before all rows beyond it, in any lane.
   */
  barriers(): Map<number, number[]>;
  /** Lowest id of a row that goes out to the output topic and isn't acknowledged by the lanes given (a lane not given has acknowledged nothing); undefined: none. */
  oldestUnsent(lanes: readonly LaneState[]): number | undefined;
  /** Rows and bytes in the journal. */
  size(): { rows: number; bytes: number };
  /** The same from a row's id on: exact for a short journal, about right for one of thousands of rows. */
  sizeFrom(id: number): { rows: number; bytes: number };
  /** `time` of the first row from this id on; undefined: there is none. */
  timeFrom(id: number): number | undefined;
  /** Results that go to the storage service from a cursor on, those sent again included, dropped ones left out. Reads every row's head. */
  resultsFrom(cursor: { row: number; record: number }): number;
  /** Rows with these ids that are there, whatever they are for. Looks at each of them. */
  rowsBetween(firstId: number, lastId: number): number;
  /** Results in rows from this id on, copies left out. Reads the rows' heads. */
  ownResultsFrom(id: number): number;
  /** Results that go out to the output topic and aren't acknowledged by the lanes given. Reads the heads of their rows. */
  unsent(lanes: readonly LaneState[]): number;
  /** The sequence at which a lane's first unsent rows end, so many of them; null: it has none. */
  rowEnd(lane: number, after: { sequence: number; rows: number }): number | null;
  /** Heads of the rows from this id on, in order. */
  heads(fromId: number, limit: number): RowHead[];
  /** In the order of their ids. */
  gaps(sink: SinkName): Gap[];
  /** By tenant, oldest first. */
  tenantStretches(): TenantStretch[];
  row(id: number): JournalRow | undefined;
  /** What stands between two ids and doesn't go out. Reads the rows' heads. */
  settledBetween(firstId: number, lastId: number): { rows: number; bytes: number };
  /** The topic that the lanes' cursors belong to, empty: none; undefined: not known, the folder is older than this. */
  outputTopic(): string | undefined;
}

/** What lists of devices go by. */
export interface DeviceSummary {
  /** Its place in the order of `DeviceReader.summaries`. */
  readonly number: number;
  readonly tenant: string;
  readonly device: string;
  readonly lastSeenMs: number;
  readonly results: number;
  /** ms since 1970; null: not known, as the score. */
  readonly lastProcessed: number | null;
  readonly lastScore: number | null;
}

export interface DeviceReader {
  /** All devices, or those of a tenant. */
  count(tenant?: string): number;
  load(tenant: string, device: string): DeviceState | undefined;
  /** Tenants that have a device of this id, sorted. */
  tenantsOf(device: string): string[];
  /**
   * Keys after `after`, ordered by tenant and device, in code point order; one tenant only if named.
   * `shared`: another tenant has a device of the same id. With `tenants` there are no others, nowhere.
   */
  page(options: {
    after?: { tenant: string; device: string };
    tenant?: string;
    tenants?: ReadonlySet<string> | null;
    limit: number;
  }): {
    tenant: string;
    device: string;
    shared: boolean;
  }[];
  /** Its latest timestamp as it was sent; undefined: there is no such device. */
  lastSeen(tenant: string, device: string): string | undefined;
  /**
   * Of devices with a higher number, in their order: a device that is new gets the highest. At most
   * `limit`, fewer where their windows are long; none: there are no more.
   */
  summaries(after: number, limit: number): DeviceSummary[];
  loadGlobal(): GlobalState | undefined;
}

/** A dead letter as it is kept: a reading that was rejected, or a result that a sink refused. */
export interface DeadLetter extends Rejected {
  /** Empty: a rejected reading. A result's `topic` is empty, its `partition` and `offset` are -1. */
  readonly sink: "" | "output" | "storage";
  /** null: not known, as of rejected readings. */
  readonly tenant: string | null;
  readonly status: number | null;
  readonly answer: string | null;
  /** How often the result was sent; 0 for a reading. */
  readonly attempts: number;
  /** Its place in the order in which they were kept. */
  readonly sequence: number;
  /** ms since 1970. */
  readonly storedAt: number;
}

export interface DeadLetterBounds {
  readonly maxCount: number;
  /** Of the readings and results themselves. */
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

export interface DeadLetterTotals {
  readonly count: number;
  readonly bytes: number;
  /** Results that sinks have refused, ever: the counter `sink_dead_letters`. */
  readonly refused: number;
  /** Letters that have fallen off, ever: the counter `dead_letters_dropped`. */
  readonly dropped: number;
}

/** What the store does for itself, now and then. */
export interface StoreUpkeep {
  /**
   * Drops dead letters that are too old or too many, a thousand at most, and tells how many fell off
   * since the last call; drops anomalies likewise, without a word; gives free pages back to the disk, for
   * 8 ms at most; bounds the write-ahead log by the room that is left. Throws `StoreUnavailable`; the next call tries again.
   */
  maintain(): void;
  /** Why no more readings should be taken: the disk is nearly full; undefined: there is room. */
  lowDisk(): string | undefined;
}

/** What the store can tell people. Synchronous, about the state after the last commit. */
export interface StoreReports {
  /** Dead letters in the order in which they were kept, after the sequence given. */
  deadLetters(options: { after?: number; limit: number }): DeadLetter[];
  deadLetterTotals(): DeadLetterTotals;
  /** Results that a sink didn't get, on purpose, ever. */
  resultsDropped(): Readonly<Record<SinkName, number>>;
  /** How often a position has jumped since the data folder was made, by reason; a reason that never came is left out. */
  jumps(): ReadonlyMap<JumpReason, number>;
  /** Offsets that were skipped because retention had removed their records, ever. */
  skippedRecords(): number;
  /** Bytes of the file that hold nothing, and for how long a reader has kept the write-ahead log from being emptied. */
  fileState(): { readonly freeBytes: number; readonly walHeldSeconds: number };
}
