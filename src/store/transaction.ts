/** The only way to write: handed out by `Store.transact`, dead when it has ended. */
import type { Database } from "../../deps.ts";
import type {
  AnomalyBlock,
  Counters,
  DeviceState,
  Gap,
  GlobalState,
  JournalRow,
  JournalTarget,
  LaneState,
  PartitionRef,
  Refused,
  Rejected,
  SinkName,
  TenantStretch,
  Transaction,
} from "../pipeline/ports.ts";
import type { AnomalyTable } from "./anomalies.ts";
import type { CounterRow } from "./counters.ts";
import type { DeadLetterTable } from "./dead_letters.ts";
import type { DeviceTable } from "./devices.ts";
import type { DiskWatch } from "./disk.ts";
import type { JournalTable } from "./journal.ts";
import type { PositionTable } from "./positions.ts";

export interface Tables {
  readonly positions: PositionTable;
  readonly journal: JournalTable;
  readonly devices: DeviceTable;
  readonly deadLetters: DeadLetterTable;
  readonly anomalies: AnomalyTable;
  readonly counters: CounterRow;
  readonly disk: DiskWatch;
}

export class StoreTransaction implements Transaction {
  readonly #db: Database.Database;
  readonly #tables: Tables;
  readonly #lastIdBefore: number;
  #ended = false;
  #letters = 0;

  constructor(db: Database.Database, tables: Tables) {
    this.#db = db;
    this.#tables = tables;
    this.#lastIdBefore = tables.journal.lastId();
    tables.disk.begin();
  }

  end(): void {
    this.#ended = true;
  }

  advance(source: PartitionRef, asked: number, end: number): boolean {
    return this.#live().positions.advance(source, asked, end);
  }

  append(row: JournalRow, target: JournalTarget): void {
    const { journal, disk } = this.#live();
    disk.add(row.body.length);
    journal.append(row, { target, floor: this.#lastIdBefore });
  }

  retarget(rowId: number, target: Exclude<JournalTarget, "resent">): void {
    this.#live().journal.retarget(rowId, target);
  }

  reject(rejected: Rejected): void {
    this.#live().deadLetters.keep(rejected);
    this.#letters++;
  }

  refuse(refused: Refused): void {
    this.#live().deadLetters.refuse(refused);
    this.#letters++;
  }

  takeLetter(sequence: number): boolean {
    return this.#live().deadLetters.take(sequence);
  }

  discardLetters(sequences: readonly number[]): number {
    return this.#live().deadLetters.discard(sequences);
  }

  markLetters(sequences: readonly number[], marked: boolean): void {
    this.#live().deadLetters.mark(sequences, marked);
  }

  moveLetterCopy(through: number | null, count: { sent: number; tooLarge: number }): void {
    this.#live().deadLetters.moveCopy(through, count);
  }

  /** The work is done: brings the dead letters within their bounds where it has added some. */
  finish(): void {
    if (this.#letters > 0) this.#live().deadLetters.trim(this.#letters);
  }

  keepAnomalies(blocks: readonly AnomalyBlock[]): void {
    const { anomalies, disk } = this.#live();
    for (const { body } of blocks) disk.add(body.length);
    anomalies.keep(blocks);
  }

  count(delta: Counters): void {
    this.#live().counters.raise(delta);
  }

  saveDevice(state: DeviceState): void {
    this.#live().devices.save(state);
  }

  saveGlobal(state: GlobalState): void {
    this.#live().devices.saveGlobal(state);
  }

  moveCheckpoint(journalId: number): void {
    this.#live().journal.moveCheckpoint(journalId);
  }

  saveLane(lane: LaneState): void {
    this.#live().journal.saveLane(lane);
  }

  dropLane(lane: number): void {
    this.#live().journal.dropLane(lane);
  }

  saveBarriers(barriers: ReadonlyMap<number, readonly number[]>): void {
    this.#live().journal.saveBarriers(barriers);
  }

  moveStorageCursor(row: number, record: number): void {
    this.#live().journal.moveStorageCursor(row, record);
  }

  dropStorageCursor(): void {
    this.#live().journal.dropStorageCursor();
  }

  prune(throughId: number): void {
    this.#live().journal.prune(throughId);
  }

  deleteRows(rowIds: readonly number[]): { rows: number; bytes: number } {
    return this.#live().journal.deleteRows(rowIds);
  }

  dropOutgoing(rowIds: readonly number[]): void {
    this.#live().journal.dropOutgoing(rowIds);
  }

  saveTenantStretch(stretch: TenantStretch): void {
    this.#live().journal.saveTenantStretch(stretch);
  }

  dropTenantStretch(tenant: string, first: number): void {
    this.#live().journal.dropTenantStretch(tenant, first);
  }

  saveGap(sink: SinkName, gap: Gap): void {
    this.#live().journal.saveGap(sink, gap);
  }

  removeGap(sink: SinkName, first: number): void {
    this.#live().journal.removeGap(sink, first);
  }

  countDropped(sink: SinkName, results: number): void {
    this.#live().journal.countDropped(sink, results);
  }

  saveOutputTopic(name: string): void {
    this.#live().journal.saveOutputTopic(name);
  }

  /**
   * The tables, while they may be written. SQLite may roll back by itself (full disk): a write after
   * that would be committed alone, so it is refused even where the first error was swallowed.
   */
  #live(): Tables {
    if (this.#ended || !this.#db.inTransaction) {
      throw new Error("writing to the store: the transaction must be running, it has ended");
    }
    return this.#tables;
  }
}
