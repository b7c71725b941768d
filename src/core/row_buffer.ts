import { RECORDS_START } from "./record.ts";

/** A row is closed before it could pass this: brokers take batches of 1,048,588 bytes by default. */
const ROW_BYTES = 950_000;
/**
 * More than the longest record: names of 256 code points twice over, 32 further metrics with their
 * statistics, and a reason for each of at most 128 detectors.
 */
const LONGEST_RECORD = 98_000;

/** A journal row while it is written: its records stand from byte 61 on. */
export class RowBuffer {
  /** Eight more: literals are copied in whole words. */
  readonly bytes = new Uint8Array(ROW_BYTES + 8);
  readonly view = new DataView(this.bytes.buffer);
  /** Where the next record goes. */
  end = RECORDS_START;
  count = 0;

  get full(): boolean {
    return this.end > ROW_BYTES - LONGEST_RECORD;
  }

  clear(): void {
    this.end = RECORDS_START;
    this.count = 0;
  }
}
