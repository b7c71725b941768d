/**
 * The sink's side of the journal, in memory: rows in the journal's format, and a cursor that is checked
 * against what the storage service was really sent.
 */
import assert from "node:assert/strict";
import { RECORDS_START } from "../../src/core/record.ts";
import type { JournalRow, Refused, StorageFeed } from "../../src/pipeline/ports.ts";

export interface TestResult {
  readonly device: string;
  readonly id: string;
}

const encoder = new TextEncoder();

/** Zigzag varint, as Kafka's records have it. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

function field(text: string): number[] {
  const bytes = encoder.encode(text);
  return [...varint(bytes.length), ...bytes];
}

export function valueOf({ device, id }: TestResult): string {
  return JSON.stringify({ device_id: device, note: "ü", id });
}

export function rowOf(id: number, results: readonly TestResult[]): JournalRow {
  const bytes: number[] = new Array(RECORDS_START).fill(0);
  results.forEach((result, i) => {
    const record = [
      0,
      ...varint(0),
      ...varint(i),
      ...field(result.device),
      ...field(valueOf(result)),
      ...varint(2),
      ...field("id"),
      ...field(result.id),
      ...field("tenant_id"),
      ...field("default"),
    ];
    for (const byte of [...varint(record.length), ...record]) bytes.push(byte);
  });
  const body = Uint8Array.from(bytes);
  return { id, lane: 0, lanes: 1, count: results.length, time: 0, baseSequence: 0, body };
}

export class JournalInMemory implements StorageFeed {
  readonly #rows: JournalRow[] = [];
  #taken = 0;
  #wake: () => void = () => {};
  #waiters: (() => void)[] = [];
  cursor = { row: 0, record: 0 };
  /** Called with each new cursor before it is taken over. */
  onCursor: (cursor: { row: number; record: number }) => void = () => {};
  /** Thrown by the next `take`. */
  failure: Error | undefined;

  constructor(options: { from?: { row: number; record: number } } = {}) {
    if (options.from !== undefined) this.cursor = options.from;
  }

  append(...rows: JournalRow[]): void {
    this.#rows.push(...rows);
    this.#wake();
  }

  get rows(): readonly JournalRow[] {
    return this.#rows;
  }

  get taken(): number {
    return this.#taken;
  }

  onRows(wake: () => void): void {
    this.#wake = wake;
  }

  take(): { row: JournalRow; from: number } | undefined {
    if (this.failure !== undefined) {
      const failure = this.failure;
      this.failure = undefined;
      throw failure;
    }
    const row = this.#rows[this.#taken];
    if (row === undefined) return undefined;
    this.#taken++;
    return { row, from: row.id === this.cursor.row ? this.cursor.record : 0 };
  }

  readonly refused: Refused[] = [];

  refuse(refused: Refused): void {
    this.refused.push(refused);
  }

  acknowledge(row: number, record: number): void {
    const { cursor } = this;
    assert.ok(
      row > cursor.row || (row === cursor.row && record > cursor.record),
      `the cursor moved from ${cursor.row}/${cursor.record} to ${row}/${record}`,
    );
    this.onCursor({ row, record });
    this.cursor = { row, record };
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** Resolves when everything that was appended is acknowledged. */
  async drained(): Promise<void> {
    const last = this.#rows[this.#rows.length - 1];
    while (this.cursor.row < last.id || this.cursor.record < last.count) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }
}
