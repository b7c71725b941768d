import { type Device } from "../core/device.ts";
import { OVER_QUOTA, REJECTED, RESULT } from "../core/engine.ts";
import { ResultId } from "../core/result.ts";
import { type Backlogs } from "./backlogs.ts";
import { type Checkpoint, type CheckpointSlice, writeSlice } from "./checkpoint.ts";
import { type JournalIds } from "./journal_ids.ts";
import { type JournalOutputFeed } from "./output_feed.ts";
import {
  type AnomalyBlock,
  type Counters,
  type DeadLetter,
  type DeviceState,
  type GlobalState,
  type JournalRow,
  type RecordBatch,
  type Rejected,
  type SinkName,
  type Transaction,
} from "./ports.ts";
import { UNKNOWN_LANE } from "./reframing.ts";
import { ReplayedLetters } from "./replayed_letters.ts";
import { type PooledRow, type RowPool } from "./row_pool.ts";
import { type ResultTail } from "./result_tail.ts";
import { type State } from "./state.ts";
import { type ShareChange, type TenantShares } from "./tenant_shares.ts";
import { type JournalStorageFeed } from "./storage_feed.ts";

const SINKS: readonly SinkName[] = ["output", "storage"];
export const NOTHING: Counters = {
  read: 0,
  results: 0,
  sampledOut: 0,
  rejected: 0,
  dropped: 0,
  passedOn: 0,
};

/** Everything that a batch writes to and is made of. */
export interface BatchParts {
  readonly state: State;
  readonly ids: JournalIds;
  readonly pool: RowPool;
  readonly checkpoint: Checkpoint;
  /** null: the sink is switched off. */
  readonly output: JournalOutputFeed | null;
  readonly storage: JournalStorageFeed | null;
  readonly backlogs: Backlogs;
  /** Tenants' shares of it; nobody has one unless told. */
  readonly shares?: TenantShares;
  readonly tail: ResultTail;
  readonly maxReadingBytes: number;
  readonly now: () => number;
}

/** A reading that came over HTTP: it stands in `bytes` from `start` to `end`. */
export interface SubmittedReading {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly id: string;
  readonly arrival: number;
  /** Where it was read first; it came over HTTP unless told. */
  readonly origin?: Pick<Rejected, "topic" | "partition" | "offset">;
  /** The tenants that its sender may speak for; all unless told. */
  readonly tenants?: ReadonlySet<string> | null;
}

/** Beside the engine's answers: the reading is of a tenant that its sender may not speak for. */
export const FOREIGN = -1;

const OVER_HTTP = { topic: "", partition: -1, offset: -1 };

/**
 * Readings that the engine has judged, and all that has to be written for them. Once made it is only
 * written, as often as it takes: the engine's memory already includes it.
 */
export class Batch {
  readonly rows: PooledRow[] = [];
  readonly #parts: BatchParts;
  readonly #slice: CheckpointSlice | null;
  readonly #firstId: number;
  readonly #rejected: Rejected[] = [];
  readonly #replayed = new ReplayedLetters();
  readonly #time: number;
  /** Sinks that don't get these results: their backlog is full, and the newest are dropped. */
  readonly #droppedFor: readonly SinkName[];
  #anomalies: readonly AnomalyBlock[] = [];
  #newDevices: { states: DeviceState[]; saved: readonly Device[] } = { states: [], saved: [] };
  /** null: the store knows all names in it, it is written by checkpoints. */
  #newTotals: GlobalState | null = null;
  #counters: Counters = { ...NOTHING };
  #shareChange: ShareChange = { saved: [], dropped: [] };
  #submitted: { first: string; last: string } | null = null;

  constructor(parts: BatchParts) {
    this.#parts = parts;
    this.#firstId = parts.ids.hold();
    this.#time = parts.now();
    this.#droppedFor = SINKS.filter((sink) => !parts.backlogs.takes(sink));
    parts.state.includedId = parts.ids.last;
    // Before the first reading is applied: a slice holds the state as of the last commit.
    this.#slice = parts.checkpoint.due ? parts.checkpoint.slice() : null;
    parts.state.engine.begin({
      time: this.#time,
      lanes: parts.output === null ? 0 : parts.output.laneCount,
      firstId: this.#firstId,
    });
  }

  get lastId(): number {
    return this.#firstId + this.rows.length + this.#replayed.rows.length - 1;
  }

  get counters(): Readonly<Counters> {
    return this.#counters;
  }

  /** Ids of the first and the last reading that came over HTTP; null: none did. */
  get submitted(): { readonly first: string; readonly last: string } | null {
    return this.#submitted;
  }

  get plainRows(): JournalRow[] {
    return this.rows.map(({ row }) => row);
  }

  /** Bytes that its rows add to the journal. */
  get bytes(): number {
    return this.rows.reduce((sum, { row }) => sum + row.body.length, this.#replayed.bytes);
  }

  applyRecords(records: RecordBatch): void {
    const { state: { engine }, maxReadingBytes } = this.#parts;
    const id = new ResultId(records.idPrefix);
    for (let i = 0; i < records.length; i++) {
      const start = records.valueStart(i), end = records.valueEnd(i);
      const offset = records.offset(i);
      id.offset = offset;
      let rejected: boolean;
      if (start < 0) {
        engine.reject("reading: expected a JSON object, got null (a tombstone)");
        rejected = true;
      } else if (end - start > maxReadingBytes) {
        engine.reject(tooLarge(end - start, maxReadingBytes));
        rejected = true;
      } else {
        const outcome = engine.apply(records.buffer(i), start, end, id, records.timestamp(i));
        rejected = outcome === REJECTED || (outcome === OVER_QUOTA && this.#isKept());
        if (outcome === OVER_QUOTA && !rejected) this.#counters.dropped++;
      }
      if (!rejected) continue;
      this.#rejected.push({
        id: id.toString(),
        topic: records.source.topic,
        partition: records.source.partition,
        offset,
        time: this.#time,
        reason: engine.reason,
        bytes: start < 0 ? null : records.buffer(i).slice(start, end),
      });
    }
    this.#counters.read += records.length;
  }

  /** The answer is one of the engine's, or FOREIGN; `lastReason` and `lastResult` say more. */
  applySubmitted(reading: SubmittedReading): number {
    const { state: { engine }, maxReadingBytes } = this.#parts;
    const { bytes, start, end, id } = reading;
    const tooLong = end - start > maxReadingBytes;
    // Before anything is counted or changed: to its tenant such a reading was never sent.
    if (!tooLong && reading.tenants && engine.isForeign(reading, reading.tenants)) return FOREIGN;
    this.#counters.read++;
    if (this.#submitted === null) this.#submitted = { first: id, last: id };
    else this.#submitted.last = id;
    if (tooLong) engine.reject(tooLarge(end - start, maxReadingBytes));
    const outcome = tooLong
      ? REJECTED
      : engine.apply(bytes, start, end, new ResultId(id), reading.arrival);
    // Nothing was taken: its sender is told, and keeps it.
    if (outcome === OVER_QUOTA) this.#counters.read--;
    if (outcome === REJECTED) {
      const { topic, partition, offset } = reading.origin ?? OVER_HTTP;
      this.#rejected.push({
        id,
        topic,
        partition,
        offset,
        time: this.#time,
        reason: engine.reason,
        bytes: bytes.slice(start, end),
      });
    }
    return outcome;
  }

  /**
   * Takes a dead letter back: a reading is read again, a result goes to its sink again. undefined: that
   * can't be. It stays then, and also where its tenant is over its quotas.
   */
  replay(letter: DeadLetter, arrival: number): number | undefined {
    const { output, storage } = this.#parts;
    const { sequence, id, sink, topic, partition, offset, bytes } = letter;
    if (sink === "") {
      // A tombstone is nothing to be judged, whatever the settings are by now.
      if (bytes === null) return undefined;
      const origin = { topic, partition, offset };
      const reading = { bytes, start: 0, end: bytes.length, id, arrival, origin };
      const outcome = this.applySubmitted(reading);
      if (outcome !== OVER_QUOTA) this.#replayed.take(sequence);
      return outcome;
    }
    const lanes = sink === "output" ? output?.laneCount ?? 0 : storage === null ? 0 : 1;
    return lanes > 0 && this.#replayed.resend(letter, lanes) ? RESULT : undefined;
  }

  /** Whether the reading that is over its tenant's quotas becomes a dead letter. */
  #isKept(): boolean {
    const { engine } = this.#parts.state;
    if (engine.quotas.over === "drop") return false;
    engine.reject(engine.reason);
    return true;
  }

  /** Why the last reading was rejected, or is over its tenant's quotas. */
  get lastReason(): string {
    return this.#parts.state.engine.reason;
  }

  /** The JSON text of the last result. */
  lastResult(): string {
    return this.#parts.state.engine.lastResult();
  }

  /** No more readings: makes the journal rows. */
  finish(): void {
    const { state: { engine }, pool, output } = this.#parts;
    const lanes = output === null ? 0 : output.laneCount;
    const ends = new Map<number, number>();
    let id = this.#firstId;
    for (const { lane, buffer } of engine.finish()) {
      const count = buffer.count;
      const { body, buffer: held } = pool.body(buffer);
      const baseSequence = lanes === 0 ? id : ends.get(lane) ?? output!.end(lane);
      // A row that won't go out uses no sequences.
      if (!this.#droppedFor.includes("output")) ends.set(lane, baseSequence + count);
      const row: JournalRow = {
        id,
        lane: lanes === 0 ? UNKNOWN_LANE : lane,
        lanes,
        count,
        time: this.#time,
        baseSequence,
        body,
      };
      this.rows.push({ row, buffer: held, holders: 1 });
      this.#counters.results += count;
      id++;
    }
    this.#replayed.finish({
      firstId: id,
      time: this.#time,
      lanes,
      end: (lane) => ends.get(lane) ?? output!.end(lane),
    });
    this.#anomalies = engine.anomalies.finish();
    this.#shareChange = this.#parts.shares?.plan(engine.shares(), {
      firstId: this.#firstId,
      lastId: this.lastId,
    }) ?? this.#shareChange;
    const saved = engine.newDevices();
    this.#newDevices = { saved, states: saved.map((device) => device.toState(this.lastId)) };
    if (engine.totals.hasNewNames) this.#newTotals = engine.totals.toState(this.lastId);
    this.#counters.rejected = engine.tally.rejected;
    this.#counters.sampledOut = engine.tally.sampledOut;
  }

  /** Writes it all but the positions. May be called again after a transaction that failed. */
  write(tx: Transaction): void {
    const { output, storage, backlogs } = this.#parts;
    const goesOut = output !== null && !this.#droppedFor.includes("output");
    for (const { row } of this.rows) tx.append(row, goesOut ? "output" : "state");
    for (const sink of this.#droppedFor) backlogs.dropNewest(tx, sink, this.plainRows);
    // Before the rejected ones: a letter may come again under its id.
    this.#replayed.write(tx);
    for (const rejected of this.#rejected) tx.reject(rejected);
    if (this.#anomalies.length > 0) tx.keepAnomalies(this.#anomalies);
    tx.count(this.#counters);
    this.#parts.shares?.write(tx, this.#shareChange);
    // The slice first: it is older.
    if (this.#slice !== null) writeSlice(tx, this.#slice);
    for (const state of this.#newDevices.states) tx.saveDevice(state);
    if (this.#newTotals !== null) tx.saveGlobal(this.#newTotals);
    output?.flush(tx);
    storage?.flush(tx);
    prune(tx, { ...this.#parts, slice: this.#slice });
  }

  /** It is committed: memory follows, and the rows go to the sinks. */
  committed(): void {
    const { state, ids, checkpoint, storage, pool, backlogs, tail } = this.#parts;
    const results = state.counters.results;
    const goesTo = SINKS.filter((sink) =>
      this.#parts[sink] !== null && !this.#droppedFor.includes(sink)
    );
    const lastId = Math.max(this.lastId, ids.last);
    ids.release(lastId);
    state.includedId = lastId;
    state.engine.committed(this.lastId, this.#newDevices.saved);
    if (this.#newTotals !== null) state.engine.savedTotals(this.lastId);
    add(state.counters, this.#counters);
    this.#parts.shares?.committed(this.#shareChange);
    checkpoint.appended(this.bytes);
    this.#parts.output?.flushed();
    storage?.flushed();
    if (this.#slice !== null) checkpoint.written(this.#slice);
    // They are told by what the rows say: before the buffers are given back.
    for (const sink of this.#droppedFor) backlogs.droppedNewest(sink, this.plainRows);
    const last = this.rows.at(-1);
    if (this.#droppedFor.includes("storage") && last !== undefined) storage?.skipped(last.row.id);
    tail.appended(this.rows, { results });
    for (const pooled of this.rows) {
      pooled.holders = goesTo.length;
      if (pooled.holders === 0 && pooled.buffer !== null) pool.give(pooled.buffer);
    }
    for (const sink of SINKS) {
      const rows = goesTo.includes(sink) ? this.rows : [];
      this.#parts[sink]?.appended(this.#replayed.following(rows, sink));
    }
  }

  /** It will never be committed; the caller rebuilds the state. */
  abandon(): void {
    const { ids, pool } = this.#parts;
    ids.release(ids.last);
    for (const { buffer } of this.rows) if (buffer !== null) pool.give(buffer);
  }
}

type PruneParts = Pick<BatchParts, "checkpoint" | "output" | "storage">;

/** Cursors, dead letters, a part of a checkpoint; and what nobody needs any more after that goes. */
export function writeProgress(
  tx: Transaction,
  parts: PruneParts & { slice: CheckpointSlice | null },
): void {
  parts.output?.flush(tx);
  parts.storage?.flush(tx);
  if (parts.slice !== null) writeSlice(tx, parts.slice);
  prune(tx, parts);
}

/**
 * Deletes the journal rows that neither a sink nor a recovery needs any more. `slice`: the part of a
 * checkpoint that was written in the same transaction.
 */
function prune(
  tx: Transaction,
  parts: PruneParts & { slice: CheckpointSlice | null },
): void {
  const through = mayPrune(parts, parts.slice?.checkpointId);
  if (through > 0) tx.prune(through);
}

/** The last id that neither a sink nor a recovery needs any more. */
export function mayPrune(
  { checkpoint, output, storage }: PruneParts,
  durableId = checkpoint.durableId,
): number {
  return Math.min(
    durableId,
    (output?.oldestNeeded() ?? Infinity) - 1,
    (storage?.oldestNeeded() ?? Infinity) - 1,
  );
}

export function tooLarge(bytes: number, limit: number): string {
  return `reading: expected at most ${limit} bytes, got ${bytes}`;
}

function add(total: Counters, delta: Counters): void {
  total.read += delta.read;
  total.results += delta.results;
  total.sampledOut += delta.sampledOut;
  total.rejected += delta.rejected;
  total.dropped += delta.dropped;
  total.passedOn += delta.passedOn;
}
