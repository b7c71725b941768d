import assert from "node:assert/strict";
import type { JournalRow, LaneState, OutputFeed } from "../../src/pipeline/ports.ts";
import { numbered, type PlainRecord, rowOf } from "./output_rows.ts";

interface Why {
  reason: string;
  answer: string | null;
  attempts: number;
}

interface Lane {
  state: LaneState;
  rows: JournalRow[];
  /** How many of `rows` are handed out. */
  taken: number;
}

/**
 * A fake of the journal, in memory: what a sink needs to be tested without SQLite. It is stricter than
 * the journal: lanes are copies, and a row's bytes are spoilt once it is acknowledged, as a buffer
 * that is used again would be.
 */
export class MemoryFeed implements OutputFeed {
  readonly refused: (Why & { record: PlainRecord })[] = [];
  readonly opened: { topicId: string; partitions: number }[] = [];
  readonly acknowledgements: { lane: number; sequence: number; offset: number }[] = [];
  splits = 0;
  /** Called where the journal would have stored something before it goes on. */
  durable: () => void = () => {};
  #lanes: Lane[] = [];
  #records = new Map<number, readonly PlainRecord[]>();
  #nextId = 1;
  #wake = () => {};
  #watchers = new Set<() => void>();

  /** Lanes of an earlier process, with nothing in the journal but what `add` brings. */
  constructor(states: readonly LaneState[] = []) {
    this.#lanes = states.map((state) => ({ state: { ...state }, rows: [], taken: 0 }));
  }

  /** Appends a row; the lane may come to exist only later, by `open`. */
  add(
    lane: number,
    { records, time = Date.now() }: { records: readonly PlainRecord[]; time?: number },
  ): JournalRow {
    const { state, rows } = this.#lane(lane);
    const row = rowOf(records, {
      id: this.#nextId++,
      lane,
      lanes: this.#lanes.length,
      time,
      baseSequence: state.end,
    });
    this.#records.set(row.id, records);
    state.end += row.count;
    rows.push(row);
    this.#wake();
    return row;
  }

  /** Appends the same bytes as another row: quicker than to build them. */
  addCopy(of: JournalRow, lane: number): void {
    const { state, rows } = this.#lane(lane);
    const row = { ...of, id: this.#nextId++, lane, baseSequence: state.end, body: of.body.slice() };
    state.end += row.count;
    rows.push(row);
  }

  /** Rows of numbered records, `first` on, in every lane in turn. */
  addNumbered(
    lanes: number,
    { rows, each, first = 0, bytes }: {
      rows: number;
      each: number;
      first?: number;
      bytes?: number;
    },
  ): void {
    for (let r = 0; r < rows; r++) {
      for (let lane = 0; lane < lanes; lane++) {
        const from = first + r * each;
        const records = Array.from({ length: each }, (_, i) => numbered(lane, from + i, bytes));
        this.add(lane, { records });
      }
    }
  }

  /** Gives up the lane's next records on purpose: their sequences are used by nothing. */
  skip(lane: number, records: number): void {
    const { state, rows } = this.#lane(lane);
    assert.equal(rows.length, 0, "the fake skips only with nothing in the journal");
    state.end += records;
    state.acknowledged = state.end;
  }

  /** Resolves once `holds`; it is asked after everything that the sink does. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!holds()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  get acknowledged(): number {
    return this.#lanes.reduce((sum, { state }) => sum + state.acknowledged, 0);
  }

  /** Everything that was added is acknowledged or refused. */
  get drained(): boolean {
    return this.#lanes.every(({ state }) => state.acknowledged === state.end);
  }

  onRows(wake: () => void): void {
    this.#wake = wake;
  }

  open(topic: { topicId: string; partitions: number }): void {
    this.opened.push({ topicId: topic.topicId, partitions: topic.partitions });
    for (let lane = 0; lane < topic.partitions; lane++) this.#lane(lane);
    this.#changed();
  }

  lanes(): readonly LaneState[] {
    return this.#lanes.map(({ state }) => ({ ...state }));
  }

  take(lane: number): JournalRow | undefined {
    const at = this.#lane(lane);
    return at.rows[at.taken] && at.rows[at.taken++];
  }

  rewind(lane: number): void {
    this.#lane(lane).taken = 0;
  }

  acknowledge(lane: number, sequence: number, offset: number): void {
    const at = this.#lane(lane);
    const { state } = at;
    assert.ok(sequence <= state.end, `lane ${lane}: ${sequence} is beyond the end ${state.end}`);
    this.acknowledgements.push({ lane, sequence, offset });
    state.acknowledged = Math.max(state.acknowledged, sequence);
    state.lastOffset = Math.max(state.lastOffset, offset);
    while (at.rows.length && at.rows[0].baseSequence + at.rows[0].count <= state.acknowledged) {
      const row = at.rows.shift()!;
      row.body.fill(0xee);
      this.#records.delete(row.id);
      at.taken = Math.max(0, at.taken - 1);
    }
    this.#changed();
  }

  identify(
    lane: number,
    identity: { topicId: string; producerId: bigint; producerEpoch: number },
  ): void {
    const { state } = this.#lane(lane);
    if (state.topicId !== identity.topicId) state.lastOffset = -1;
    Object.assign(state, identity);
    this.durable();
    this.#changed();
  }

  split(row: JournalRow, maxBytes: number): void {
    this.splits++;
    const at = this.#lane(row.lane);
    const smaller: JournalRow[] = [];
    let records: PlainRecord[] = [];
    let baseSequence = row.baseSequence;
    const close = () => {
      if (!records.length) return;
      const piece = rowOf(records, { ...row, id: this.#nextId++, baseSequence });
      this.#records.set(piece.id, records);
      smaller.push(piece);
      baseSequence += records.length;
      records = [];
    };
    for (const record of this.#records.get(row.id)!) {
      const size = rowOf([...records, record], row).body.length;
      if (records.length && size > maxBytes) close();
      records.push(record);
    }
    close();
    at.rows.splice(at.rows.indexOf(row), 1, ...smaller);
    at.taken = 0;
    this.#changed();
  }

  refuse(row: JournalRow, { reason, answer, attempts }: Why): void {
    assert.equal(row.count, 1);
    const at = this.#lane(row.lane);
    assert.equal(at.rows[0], row, "only the first unacknowledged row can be refused");
    this.refused.push({ record: this.#records.get(row.id)![0], reason, answer, attempts });
    at.rows.shift();
    at.taken = 0;
    at.state.acknowledged = row.baseSequence + 1;
    this.#changed();
  }

  #lane(lane: number): Lane {
    for (let n = this.#lanes.length; n <= lane; n++) {
      this.#lanes.push({ state: newLane(n), rows: [], taken: 0 });
    }
    return this.#lanes[lane];
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look();
  }
}

export function newLane(lane: number, at = 0): LaneState {
  return {
    lane,
    topicId: "",
    producerId: -1n,
    producerEpoch: -1,
    acknowledged: at,
    end: at,
    lastOffset: -1,
  };
}

/** Bytes that a batch of these records has. */
export function batchBytes(records: readonly PlainRecord[]): number {
  return rowOf(records, { id: 0, lane: 0, lanes: 1, time: 0, baseSequence: 0 }).body.length;
}
