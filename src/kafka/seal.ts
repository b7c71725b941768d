import { Buffer } from "node:buffer";
import { kafka } from "../../deps.ts";
import type { JournalRow } from "../pipeline/ports.ts";

/** Sequences are int32 on the wire: 2147483647 is followed by 0. */
export const SEQUENCES = 2 ** 31;

/** Kafka's "no timestamp": the broker takes it whatever its clock says. */
export const NO_TIMESTAMP = -1;

/** The CRC covers everything from the attributes on. */
const ATTRIBUTES_AT = 21;

export interface Seal {
  readonly producerId: bigint;
  readonly epoch: number;
  /** The lane's running count of records before the row; wraps by itself. */
  readonly sequence: number;
  /** ms since 1970, or `NO_TIMESTAMP`. */
  readonly timestamp: number;
}

/**
 * Writes the header of a record batch v2 into the 61 bytes in front of the row's records, in place;
 * sealing again overwrites it (Kafka protocol, "Record Batch"). No compression, no transaction.
 */
export function seal(row: JournalRow, as: Seal): void {
  const body = row.body;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const timestamp = BigInt(as.timestamp);
  view.setBigInt64(0, 0n); // base offset: the broker writes its own
  view.setInt32(8, body.byteLength - 12); // batch length: what follows it
  view.setInt32(12, -1); // partition leader epoch
  view.setInt8(16, 2); // magic
  view.setInt16(ATTRIBUTES_AT, 0);
  view.setInt32(23, row.count - 1); // last offset delta
  view.setBigInt64(27, timestamp); // base timestamp
  view.setBigInt64(35, timestamp); // max timestamp
  view.setBigInt64(43, as.producerId);
  view.setInt16(51, as.epoch);
  view.setInt32(53, as.sequence % SEQUENCES);
  view.setInt32(57, row.count);
  view.setUint32(17, crc32c(body, ATTRIBUTES_AT));
}

/**
 * The library's CRC-32C (native where its addon loads, else WebAssembly). It copies a plain array
 * before it reads it; handed over as a `DynamicBuffer` the bytes are read where they are, which is
 * three to ten times as fast (0.13 ns a byte).
 */
function crc32c(bytes: Uint8Array, from: number): number {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset + from, bytes.byteLength - from);
  return kafka.crc32c(kafka.Writer.create().append(view).dynamicBuffer) >>> 0;
}
