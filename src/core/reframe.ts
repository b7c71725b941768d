import { partitionOf } from "./murmur2.ts";
import { RecordReader, RECORDS_START } from "./record.ts";

/** Records of one row for one lane, framed anew. */
export interface Reframed {
  readonly lane: number;
  readonly count: number;
  readonly body: Uint8Array;
}

/** Shares a row's records out by key among `lanes` lanes: at most one new row per lane, order kept. */
export function reframe(row: { body: Uint8Array; count: number }, lanes: number): Reframed[] {
  const numbers: number[][] = Array.from({ length: lanes }, () => []);
  const records = new RecordReader(row);
  while (records.next()) {
    const key = row.body.subarray(records.keyStart, records.keyEnd);
    numbers[partitionOf(key, lanes)].push(records.index - 1);
  }
  const rows: Reframed[] = [];
  for (let lane = 0; lane < lanes; lane++) {
    if (numbers[lane].length > 0) rows.push({ lane, ...pick(row, numbers[lane]) });
  }
  return rows;
}

/** Cuts a row into rows of at most `maxBytes` each; a record that is larger stands alone. */
export function splitRow(
  row: { body: Uint8Array; count: number },
  maxBytes: number,
): { count: number; body: Uint8Array }[] {
  const pieces: number[][] = [];
  let bytes = Infinity;
  const records = new RecordReader(row);
  while (records.next()) {
    // A record keeps its length but for the varint of its number, which only gets smaller.
    const length = records.end - records.start;
    if (bytes + length > maxBytes) {
      pieces.push([]);
      bytes = RECORDS_START;
    }
    pieces[pieces.length - 1].push(records.index - 1);
    bytes += length;
  }
  return pieces.map((numbers) => pick(row, numbers));
}

/** The records of these numbers (ascending) as a row of their own. */
function pick(
  row: { body: Uint8Array; count: number },
  numbers: readonly number[],
): { count: number; body: Uint8Array } {
  const out = new Uint8Array(row.body.length + 8);
  let at = RECORDS_START, count = 0;
  const records = new RecordReader(row);
  while (count < numbers.length && records.next()) {
    if (records.index - 1 !== numbers[count]) continue;
    // attributes, timestamp delta (0) and offset delta stand before the key's length
    const tail = row.body.subarray(records.keyLengthStart, records.end);
    const head = [0, 0, ...varint(count)];
    const length = varint(head.length + tail.length);
    out.set(length, at);
    out.set(head, at + length.length);
    out.set(tail, at + length.length + head.length);
    at += length.length + head.length + tail.length;
    count++;
  }
  return { count, body: out.slice(0, at) };
}

/** Zigzag, as Kafka's records have it; `value` is 0 or more. */
export function varint(value: number): number[] {
  const bytes: number[] = [];
  let zigzag = value * 2;
  while (zigzag > 127) {
    bytes.push((zigzag & 127) | 128);
    zigzag >>>= 7;
  }
  bytes.push(zigzag);
  return bytes;
}
