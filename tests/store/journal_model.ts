/** The journal, the cursors, one position, the counters, letters and devices as plain arrays and numbers. */
import type {
  Anomaly,
  AnomalyBlock,
  Counters,
  DeviceState,
  JournalRow,
  JournalTarget,
  LaneState,
  PartitionRef,
  Refused,
  Rejected,
  Transaction,
} from "../../src/pipeline/ports.ts";
import { plainAnomalies } from "./anomaly_samples.ts";
import { counts } from "./samples.ts";

interface ModelRow extends JournalRow {
  target: JournalTarget;
  /** It has no results of its own. */
  readonly isCopy: boolean;
  readonly isForStorage: boolean;
}

/** Takes the same writes as a transaction (those that the journal's model test makes). */
export class JournalModel {
  rows: ModelRow[] = [];
  lastId = 0;
  lanes = new Map<number, LaneState>();
  cursor: { row: number; record: number } | undefined;
  checkpoint = 0;
  position: number | undefined;
  counters: Counters = counts();
  /** `<id> <sink>` of the dead letters. */
  letters = new Set<string>();
  devices = new Map<string, DeviceState>();
  /** In the order in which they were kept. */
  anomalies: Anomaly[] = [];

  copy(): JournalModel {
    const copy = new JournalModel();
    copy.rows = this.rows.map((row) => ({ ...row }));
    copy.lastId = this.lastId;
    copy.lanes = new Map([...this.lanes].map(([number, lane]) => [number, { ...lane }]));
    copy.cursor = this.cursor;
    copy.checkpoint = this.checkpoint;
    copy.position = this.position;
    copy.counters = { ...this.counters };
    copy.letters = new Set(this.letters);
    copy.devices = new Map(this.devices);
    copy.anomalies = [...this.anomalies];
    return copy;
  }

  advance(_source: PartitionRef, asked: number, end: number): boolean {
    if (this.position !== asked) return false;
    this.position = end;
    return true;
  }

  append(row: JournalRow, target: JournalTarget): void {
    const isCopy = ["reframed", "refused", "resent"].includes(target);
    this.rows.push({ ...row, target, isCopy, isForStorage: !isCopy || target === "resent" });
    this.lastId = Math.max(this.lastId, row.id);
    this.#raiseEnds();
  }

  retarget(rowId: number, target: JournalTarget): void {
    this.rows.find((row) => row.id === rowId)!.target = target;
  }

  prune(throughId: number): void {
    this.rows = this.rows.filter((row) => row.id > throughId);
  }

  saveLane(lane: LaneState): void {
    const end = Math.max(lane.end, this.lanes.get(lane.lane)?.end ?? 0);
    this.lanes.set(lane.lane, { ...lane, end });
    this.#raiseEnds();
  }

  moveStorageCursor(row: number, record: number): void {
    this.cursor = { row, record };
  }

  moveCheckpoint(journalId: number): void {
    this.checkpoint = journalId;
  }

  count(delta: Counters): void {
    this.counters.read += delta.read;
    this.counters.results += delta.results;
    this.counters.dropped += delta.dropped;
  }

  reject(rejected: Rejected): void {
    this.letters.add(`${rejected.id} `);
  }

  refuse(refused: Refused): void {
    this.letters.add(`${refused.id} ${refused.sink}`);
  }

  keepAnomalies(blocks: readonly AnomalyBlock[]): void {
    this.anomalies.push(...plainAnomalies(blocks));
  }

  saveDevice(state: DeviceState): void {
    this.devices.set(state.device, state);
  }

  /** Rows that go out, in the order in which they do. */
  goingOut(lane: number): ModelRow[] {
    return this.rows.filter((row) => isGoingOut(row) && row.lane === lane)
      .sort((a, b) => a.baseSequence - b.baseSequence || a.id - b.id);
  }

  outputRows(lane: number, sequence: number, maxBytes: number): number[] {
    return upTo(maxBytes, this.goingOut(lane).filter((row) => end(row) > sequence));
  }

  resultRows(afterId: number, maxBytes: number): number[] {
    return upTo(maxBytes, this.rows.filter((row) => !row.isCopy && row.id > afterId));
  }

  storageRows(afterId: number, maxBytes: number): number[] {
    return upTo(maxBytes, this.rows.filter((row) => row.isForStorage && row.id > afterId));
  }

  resultsFrom(cursor: { row: number; record: number }): number {
    return this.rows.filter(({ isForStorage, id }) => isForStorage && id >= cursor.row)
      .reduce((sum, { id, count }) => {
        return sum + Math.max(0, id === cursor.row ? count - cursor.record : count);
      }, 0);
  }

  oldestUnsent(): number | undefined {
    const unsent = this.rows.filter((row) =>
      isGoingOut(row) && end(row) > (this.lanes.get(row.lane)?.acknowledged ?? -1)
    );
    return unsent.length === 0 ? undefined : Math.min(...unsent.map((row) => row.id));
  }

  size(): { rows: number; bytes: number } {
    return {
      rows: this.rows.length,
      bytes: this.rows.reduce((sum, row) => sum + row.body.length, 0),
    };
  }

  #raiseEnds(): void {
    for (const lane of this.lanes.values()) {
      for (const row of this.goingOut(lane.lane)) lane.end = Math.max(lane.end, end(row));
    }
  }
}

/** What a step of the test may do; `Transaction` and `JournalModel` both can. */
export type Writes = Pick<
  Transaction,
  | "advance"
  | "append"
  | "retarget"
  | "prune"
  | "saveLane"
  | "moveStorageCursor"
  | "moveCheckpoint"
  | "count"
  | "reject"
  | "refuse"
  | "keepAnomalies"
  | "saveDevice"
>;

function isGoingOut(row: ModelRow): boolean {
  return row.target === "output" || row.target === "reframed";
}

function end(row: JournalRow): number {
  return row.baseSequence + row.count;
}

function upTo(maxBytes: number, rows: readonly ModelRow[]): number[] {
  const taken: number[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += row.body.length;
    if (taken.length > 0 && bytes > maxBytes) break;
    taken.push(row.id);
  }
  return taken;
}
