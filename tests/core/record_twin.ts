/**
 * Records of a Kafka record batch v2, decoded from the protocol guide ("Record", KIP-98) alone: no code
 * of the program is used, and every byte has to be accounted for.
 */
import assert from "node:assert/strict";

export interface PlainRecord {
  /** Bytes of the whole record, its length included. */
  size: number;
  key: Uint8Array;
  value: Uint8Array;
  headers: { name: string; value: string }[];
}

/** In front of the records stands the batch's header. */
const HEADER_BYTES = 61;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Fails unless the bytes behind the header are `count` records and nothing else. */
export function decodeRecords(row: { body: Uint8Array; count: number }): PlainRecord[] {
  const { body, count } = row;
  let at = HEADER_BYTES;

  /** A zigzag varint by arbitrary precision; `shortest` says that no shorter one would do. */
  function varint(): number {
    let value = 0n, shift = 0n;
    const start = at;
    for (;;) {
      const byte = body[at++];
      assert.ok(byte !== undefined, "a varint ends behind the row");
      value |= BigInt(byte & 127) << shift;
      shift += 7n;
      if (byte < 128) break;
    }
    assert.ok(at - start === 1 || body[at - 1] !== 0, "a varint is longer than it needs to be");
    return Number(value % 2n === 0n ? value / 2n : -(value + 1n) / 2n);
  }

  function piece(): Uint8Array {
    const length = varint();
    assert.ok(length >= 0, "null where there must be bytes");
    at += length;
    assert.ok(at <= body.length, "a field ends behind the row");
    return body.subarray(at - length, at);
  }

  const records: PlainRecord[] = [];
  for (let number = 0; number < count; number++) {
    const start = at;
    const length = varint();
    const end = at + length;
    assert.equal(body[at++], 0, "attributes");
    assert.equal(varint(), 0, "timestamp delta");
    assert.equal(varint(), number, "offset delta");
    const key = piece(), value = piece();
    const headers = Array.from({ length: varint() }, () => {
      const name = decoder.decode(piece());
      return { name, value: decoder.decode(piece()) };
    });
    assert.equal(at, end, "a record's length isn't that of its fields");
    records.push({ size: at - start, key, value, headers });
  }
  assert.equal(at, body.length, "bytes are left behind the last record");
  return records;
}

export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
