/** The journal: rows that are appended, handed out from two sides, and pruned from the front. */
import type { Database } from "../../deps.ts";
import type {
  Gap,
  JournalReader,
  JournalRow,
  JournalTarget,
  LaneState,
  RowHead,
  SinkName,
  TenantStretch,
} from "../pipeline/ports.ts";
import { BacklogTable } from "./backlog_table.ts";
import { type Extent, JournalMarks } from "./journal_marks.ts";
import { prepareJournal } from "./journal_statements.ts";
import { JournalStretches, type OpenStretch } from "./journal_stretches.ts";
import { plainBytes } from "./series_rows.ts";

/** What is known of the journal without asking SQLite; a transaction that fails puts it back. */
export interface JournalExtent extends Extent {
  readonly lastId: number;
  readonly added: Extent;
  readonly open: OpenStretch;
}

export class JournalTable implements JournalReader {
  readonly #statements: ReturnType<typeof prepareJournal>;
  readonly #marks = new JournalMarks();
  readonly #stretches: JournalStretches;
  readonly #backlog: BacklogTable;
  #extent: Omit<JournalExtent, "added" | "open">;
  /** Deleted out of the middle by the transaction that runs. */
  #cuts: { firstId: number; lastId: number; gone: Extent }[] = [];

  constructor(db: Database.Database) {
    this.#statements = prepareJournal(db);
    this.#stretches = new JournalStretches(db);
    this.#stretches.load(this.#marks);
    this.#backlog = new BacklogTable(db);
    const lastId = this.#statements.lastId.get() as number;
    this.#extent = { lastId, ...this.#marks.added };
  }

  /** For `restore`, at the beginning of a transaction. */
  extent(): JournalExtent {
    return { ...this.#extent, added: this.#marks.added, open: this.#stretches.open };
  }

  restore({ added, open, ...extent }: JournalExtent): void {
    this.#extent = extent;
    this.#marks.restore(extent.lastId, added);
    this.#stretches.open = open;
    this.#cuts = [];
  }

  /** The transaction stands. */
  committed(): void {
    for (const { firstId, lastId, gone } of this.#cuts) {
      this.#marks.cut({ firstId, lastId }, gone);
    }
    if (this.#cuts.length > 0) this.#cuts = [];
  }

  /** `floor`: the highest id that was ever committed; the row's must be above it. */
  append(row: JournalRow, options: { target: JournalTarget; floor: number }): void {
    const { target, floor } = options;
    if (!(row.id > floor)) {
      throw new RangeError(`appending to the journal: the id must be above ${floor}, is ${row.id}`);
    }
    this.#statements.append.run(
      row.id,
      // Such a row doesn't go out to the topic; what it is for is told by the next column.
      target === "resent" ? "state" : target,
      copyFor(target),
      row.lane,
      row.lanes,
      row.count,
      row.time,
      row.baseSequence,
      row.body,
    );
    const { lastId, rows, bytes } = this.#extent;
    this.#extent = {
      lastId: Math.max(lastId, row.id),
      rows: rows + 1,
      bytes: bytes + row.body.length,
    };
    this.#marks.add(row.id, { rows: 1, bytes: row.body.length });
    this.#stretches.add(row.id, row.body.length);
  }

  retarget(rowId: number, target: Exclude<JournalTarget, "resent">): void {
    this.#statements.keepLaneEnds.run();
    if (this.#statements.retarget.run(target, rowId).changes === 0) {
      throw new RangeError(`retargeting a journal row: there is no row ${rowId}`);
    }
  }

  prune(throughId: number): void {
    const gone = this.#between(0, throughId);
    if (gone.rows === 0) return;
    const { lastId, rows, bytes } = this.#extent;
    this.#statements.keepLastId.run(lastId);
    this.#statements.keepLaneEnds.run();
    this.#statements.prune.run(throughId);
    this.#extent = { lastId, rows: rows - gone.rows, bytes: bytes - gone.bytes };
    this.#marks.prune(throughId);
    this.#stretches.prune(throughId);
  }

  deleteRows(rowIds: readonly number[]): Extent {
    const { bytesOf, deleteRow, keepLastId, keepLaneEnds } = this.#statements;
    keepLastId.run(this.#extent.lastId);
    keepLaneEnds.run();
    let rows = 0, bytes = 0, firstId = Infinity, lastId = 0;
    for (const id of rowIds) {
      const length = bytesOf.get(id) as number | undefined;
      if (length === undefined) continue;
      deleteRow.run(id);
      rows++;
      bytes += length;
      firstId = Math.min(firstId, id);
      lastId = Math.max(lastId, id);
    }
    const gone = { rows, bytes };
    if (rows === 0) return gone;
    this.#stretches.recount(firstId, lastId);
    const extent = this.#extent;
    this.#extent = { ...extent, rows: extent.rows - rows, bytes: extent.bytes - bytes };
    this.#cuts.push({ firstId, lastId, gone });
    return gone;
  }

  dropOutgoing(rowIds: readonly number[]): void {
    this.#statements.keepLaneEnds.run();
    for (const id of rowIds) this.#statements.retarget.run("state", id);
  }

  tenantStretches(): TenantStretch[] {
    return this.#backlog.tenantStretches();
  }

  saveTenantStretch(stretch: TenantStretch): void {
    this.#backlog.saveTenantStretch(stretch);
  }

  dropTenantStretch(tenant: string, first: number): void {
    this.#backlog.dropTenantStretch(tenant, first);
  }

  saveGap(sink: SinkName, gap: Gap): void {
    this.#backlog.saveGap(sink, gap);
  }

  removeGap(sink: SinkName, first: number): void {
    this.#backlog.removeGap(sink, first);
  }

  countDropped(sink: SinkName, results: number): void {
    this.#backlog.countDropped(sink, results);
  }

  dropped(): Record<SinkName, number> {
    return this.#backlog.dropped();
  }

  saveOutputTopic(name: string): void {
    this.#backlog.saveOutputTopic(name);
  }

  moveCheckpoint(journalId: number): void {
    this.#statements.moveCheckpoint.run(journalId);
  }

  saveLane(lane: LaneState): void {
    this.#statements.saveLane.run(
      lane.lane,
      lane.topicId,
      lane.producerId,
      lane.producerEpoch,
      lane.acknowledged,
      lane.end,
      lane.lastOffset,
    );
  }

  dropLane(lane: number): void {
    this.#statements.settleLane.run(lane);
    this.#statements.dropLane.run(lane);
  }

  saveBarriers(barriers: ReadonlyMap<number, readonly number[]>): void {
    this.#statements.dropBarriers.run();
    for (const [lane, sequences] of barriers) {
      sequences.forEach((sequence, change) => {
        this.#statements.saveBarrier.run(change, lane, sequence);
      });
    }
  }

  moveStorageCursor(row: number, record: number): void {
    this.#statements.moveStorageCursor.run(row, record);
  }

  dropStorageCursor(): void {
    this.#statements.dropStorageCursor.run();
  }

  lastId(): number {
    return this.#extent.lastId;
  }

  checkpoint(): number {
    return this.#statements.checkpoint.get() as number;
  }

  lanes(): LaneState[] {
    return (this.#statements.lanes.all() as BigLane[]).map((lane) => ({
      lane: Number(lane.lane),
      topicId: lane.topicId,
      producerId: lane.producerId,
      producerEpoch: Number(lane.producerEpoch),
      acknowledged: Number(lane.acknowledged),
      end: Number(lane.end),
      lastOffset: Number(lane.lastOffset),
    }));
  }

  storageCursor(): { row: number; record: number } | undefined {
    return this.#statements.storageCursor.get() as { row: number; record: number } | undefined;
  }

  outputRows(lane: number, sequence: number, maxBytes: number): JournalRow[] {
    return this.#read(this.#statements.outputSizes.iterate({ lane, sequence }), maxBytes);
  }

  resultRows(afterId: number, maxBytes: number): JournalRow[] {
    return this.#read(this.#statements.resultSizes.iterate(afterId), maxBytes);
  }

  storageRows(afterId: number, maxBytes: number): JournalRow[] {
    return this.#read(this.#statements.storageSizes.iterate(afterId), maxBytes);
  }

  oldestUnsent(lanes: readonly LaneState[]): number | undefined {
    const acknowledged = new Map(lanes.map((lane) => [lane.lane, lane.acknowledged]));
    const oldest: number[] = [];
    for (const lane of this.#lanesInUse()) {
      const unsent = { lane, sequence: acknowledged.get(lane) ?? -1 };
      for (const statement of [this.#statements.firstOutput, this.#statements.firstReframed]) {
        const id = statement.get(unsent) as number | undefined;
        if (id !== undefined) oldest.push(id);
      }
    }
    return oldest.length === 0 ? undefined : Math.min(...oldest);
  }

  barriers(): Map<number, number[]> {
    const byLane = new Map<number, number[]>();
    const rows = this.#statements.barriers.all() as { lane: number; sequence: number }[];
    for (const { lane, sequence } of rows) {
      const sequences = byLane.get(lane);
      if (sequences === undefined) byLane.set(lane, [sequence]);
      else sequences.push(sequence);
    }
    return byLane;
  }

  size(): { rows: number; bytes: number } {
    return { rows: this.#extent.rows, bytes: this.#extent.bytes };
  }

  outputTopic(): string | undefined {
    return this.#backlog.outputTopic();
  }

  heads(fromId: number, limit: number): RowHead[] {
    return this.#backlog.heads(fromId, limit);
  }

  gaps(sink: SinkName): Gap[] {
    return this.#backlog.gaps(sink);
  }

  row(id: number): JournalRow | undefined {
    const row = this.#statements.row.get(id) as JournalRow | undefined;
    return row && { ...row, body: plainBytes(row.body) };
  }

  settledBetween(firstId: number, lastId: number): Extent {
    return this.#backlog.settled({ firstId, lastId });
  }

  unsent(lanes: readonly LaneState[]): number {
    const acknowledged = new Map(lanes.map((lane) => [lane.lane, lane.acknowledged]));
    return this.#lanesInUse().reduce((sum, lane) => {
      const of = { lane, sequence: acknowledged.get(lane) ?? -1 };
      return sum + (this.#statements.unsentResults.get(of) as number);
    }, 0);
  }

  rowEnd(lane: number, after: { sequence: number; rows: number }): number | null {
    const { sequence, rows } = after;
    return this.#statements.rowEnd.get({ lane, sequence, rows }) as number | null;
  }

  resultsFrom(cursor: { row: number; record: number }): number {
    return this.#statements.resultsFrom.get(cursor) as number;
  }

  rowsBetween(firstId: number, lastId: number): number {
    return this.#statements.rowsBetween.get(firstId, lastId) as number;
  }

  ownResultsFrom(id: number): number {
    return this.#statements.ownResultsFrom.get(id) as number;
  }

  sizeFrom(id: number): { rows: number; bytes: number } {
    return this.#marks.from(id);
  }

  timeFrom(id: number): number | undefined {
    return this.#statements.timeFrom.get(id) as number | undefined;
  }

  #between(firstId: number, lastId: number): Extent {
    return this.#statements.between.get(firstId, lastId) as Extent;
  }

  /** Lanes that have rows going out, each found by one step in the index. */
  #lanesInUse(): number[] {
    const lanes: number[] = [];
    let lane = this.#statements.laneAfter.get(-Infinity) as number | undefined;
    while (lane !== undefined) {
      lanes.push(lane);
      lane = this.#statements.laneAfter.get(lane) as number | undefined;
    }
    return lanes;
  }

  /** Chooses by size first: no body is read that isn't handed out. */
  #read(sizes: IterableIterator<unknown>, maxBytes: number): JournalRow[] {
    const ids: number[] = [];
    let total = 0;
    for (const { id, bytes } of sizes as IterableIterator<RowSize>) {
      total += bytes;
      if (ids.length > 0 && total > maxBytes) break;
      ids.push(id);
    }
    return ids.map((id) => this.row(id)!);
  }
}

/** 0: the row holds results of its own; 1: a copy for the output topic; 2: for the storage service. */
function copyFor(target: JournalTarget): number {
  if (target === "resent") return 2;
  return target === "reframed" || target === "refused" ? 1 : 0;
}

interface RowSize {
  readonly id: number;
  readonly bytes: number;
}

interface BigLane {
  readonly lane: bigint;
  readonly topicId: string;
  readonly producerId: bigint;
  readonly producerEpoch: bigint;
  readonly acknowledged: bigint;
  readonly end: bigint;
  readonly lastOffset: bigint;
}
