import { murmur2 } from "../core/murmur2.ts";
import { RecordReader } from "../core/record.ts";
import type { JournalRow, StorageFeed } from "../pipeline/ports.ts";

/** A result on its way. */
export interface Result {
  readonly row: OpenRow;
  /** Which record of the row it is, from 0. */
  readonly index: number;
  /** Results of one device have the same; two devices seldom do. */
  readonly deviceHash: number;
  readonly id: string;
  readonly tenant: string;
  /** The JSON text, in the row's own bytes. */
  readonly value: Uint8Array;
}

interface OpenRow {
  readonly id: number;
  /** ms since 1970. */
  readonly time: number;
  readonly count: number;
  readonly bytes: number;
  readonly stored: Uint8Array;
  /** The first record that isn't stored. */
  next: number;
}

/** Results read since the cursor: as many are posted again at most after a crash. */
const MAX_RESULTS = 4096;
/** Bytes of rows in hand; one row is always allowed. */
const MAX_BYTES = 8 * 1024 * 1024;

/** A tenant may begin with a byte order mark: without it, it would be another one. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The stretch of the journal between the cursor and what was read: results are handed out in order,
 * come back stored in any order, and the cursor moves along those that are stored without a gap.
 */
export class RecordsInHand {
  readonly #feed: StorageFeed;
  readonly #rows: OpenRow[] = [];
  #bytes = 0;
  #results = 0;
  /** The row that is being read: always the last one. */
  #reader: RecordReader | undefined;

  constructor(feed: StorageFeed) {
    this.#feed = feed;
  }

  /** The next result; undefined: there is none now, or enough are in hand. Throws what the feed throws. */
  next(): Result | undefined {
    if (this.#results >= MAX_RESULTS) return undefined;
    while (this.#reader === undefined || !this.#reader.next()) {
      this.#reader = undefined;
      if (!this.#open()) return undefined;
    }
    const reader = this.#reader;
    this.#results++;
    return {
      row: this.#rows[this.#rows.length - 1],
      index: reader.index - 1,
      deviceHash: murmur2(reader.body.subarray(reader.keyStart, reader.keyEnd)),
      id: decoder.decode(reader.body.subarray(reader.idStart, reader.idEnd)),
      tenant: decoder.decode(reader.body.subarray(reader.tenantStart, reader.tenantEnd)),
      value: reader.body.subarray(reader.valueStart, reader.valueEnd),
    };
  }

  /** The service has it, or it was given to the feed as refused. */
  stored({ row, index }: Result): void {
    row.stored[index] = 1;
    if (row !== this.#rows[0] || index !== row.next) return;
    for (let first = row; first !== undefined; first = this.#rows[0]) {
      const before = first.next;
      while (first.stored[first.next] === 1) first.next++;
      this.#results -= first.next - before;
      if (first.next > before) this.#feed.acknowledge(first.id, first.next);
      if (first.next < first.count) return;
      this.#rows.shift();
      this.#bytes -= first.bytes;
    }
  }

  /** Opens the next row, behind what is stored of it; false: there is none, or enough is in hand. */
  #open(): boolean {
    if (this.#bytes >= MAX_BYTES) return false;
    const taken = this.#feed.take();
    if (taken === undefined) return false;
    const { row, from } = taken;
    this.#reader = readerAt(row, from);
    if (from >= row.count) return true;
    const bytes = row.body.length;
    this.#rows.push({
      id: row.id,
      time: row.time,
      count: row.count,
      bytes,
      stored: new Uint8Array(row.count),
      next: from,
    });
    this.#bytes += bytes;
    return true;
  }
}

function readerAt(row: JournalRow, from: number): RecordReader {
  const reader = new RecordReader(row);
  while (reader.index < from && reader.next());
  return reader;
}
