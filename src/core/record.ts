/**
 * The journal's row format: the records of a Kafka record batch v2, behind 61 bytes left free for the
 * batch's header. A record is `length, attributes, timestampDelta, offsetDelta, key, value, headers`,
 * all lengths as zigzag varints (Kafka protocol, "Record Batch", KIP-98). Ours always have the key
 * (device id) and exactly two headers: `id` and `tenant_id`, in this order.
 */

/** Where the first record of a row stands: in front of it is room for the batch's header. */
export const RECORDS_START = 61;

/** Walks over a row's records, in order; the fields are ranges in `body`, valid until the next `next()`. */
export class RecordReader {
  readonly body: Uint8Array;
  readonly #count: number;
  #read = 0;
  #at: number;
  /** Set by `#varint`: where the varint ended. */
  #end = 0;
  /** Where the current record begins (its length) and ends. */
  start = 0;
  end = 0;
  /** Where the key's length stands. */
  keyLengthStart = 0;
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** Where the headers' count stands. */
  headersStart = 0;
  idStart = 0;
  idEnd = 0;
  tenantStart = 0;
  tenantEnd = 0;

  /** `from`: the record to begin with, and where it stands; the first one unless told. */
  constructor(
    row: { readonly body: Uint8Array; readonly count: number },
    from: { readonly record: number; readonly at: number } = { record: 0, at: RECORDS_START },
  ) {
    this.body = row.body;
    this.#count = row.count;
    this.#read = from.record;
    this.#at = from.at;
  }

  /** How many records were read so far, the current one included. */
  get index(): number {
    return this.#read;
  }

  /** Goes to the next record; false after the last. Throws where the bytes are no records. */
  next(): boolean {
    if (this.#read === this.#count) return false;
    this.start = this.#at;
    const length = this.#varint(this.#at);
    this.end = this.#end + length;
    if (length < 6 || this.end > this.body.length) {
      throw new RangeError(
        `reading a journal row: record ${this.#read} of ${this.#count} ends at ${this.end}, the row at ${this.body.length}`,
      );
    }
    let at = this.#end + 1;
    this.#varint(at);
    this.#varint(this.#end);
    this.keyLengthStart = this.#end;
    const key = this.#varint(this.#end);
    this.keyStart = this.#end;
    this.keyEnd = at = this.#end + Math.max(key, 0);
    const value = this.#varint(at);
    this.valueStart = this.#end;
    this.valueEnd = at = this.#end + Math.max(value, 0);
    this.headersStart = at;
    this.#varint(at);
    const idName = this.#varint(this.#end);
    const id = this.#varint(this.#end + idName);
    this.idStart = this.#end;
    this.idEnd = this.#end + id;
    const tenantName = this.#varint(this.idEnd);
    const tenant = this.#varint(this.#end + tenantName);
    this.tenantStart = this.#end;
    this.tenantEnd = this.#end + tenant;
    this.#at = this.end;
    this.#read++;
    return true;
  }

  /** Reads the zigzag varint at `at`; afterwards `#end` is where it ended. */
  #varint(at: number): number {
    const body = this.body;
    let byte = body[at++];
    let value = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) {
      if (shift > 28) throw new RangeError(`reading a journal row: no varint ends at byte ${at}`);
      byte = body[at++];
      value |= (byte & 127) << shift;
    }
    this.#end = at;
    return (value >>> 1) ^ -(value & 1);
  }
}

/** Whether a row's bytes are as many records as it says, to the end: they come from a disk. */
export function isWhole(row: { readonly body: Uint8Array; readonly count: number }): boolean {
  const records = new RecordReader(row);
  try {
    while (records.next()) if (records.tenantEnd !== records.end) return false;
  } catch {
    return false;
  }
  return records.end === row.body.length;
}
