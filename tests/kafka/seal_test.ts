import assert from "node:assert/strict";
import { seal } from "../../src/kafka/seal.ts";
import { encodeProduce } from "../../src/kafka/produce.ts";
import { numbered, rowOf } from "./output_rows.ts";

const RECORDS = [numbered(0, 0), numbered(0, 1), numbered(0, 2)];

function sealedRow(as: { sequence: number; timestamp: number }) {
  const row = rowOf(RECORDS, { id: 1, lane: 3, lanes: 4, time: 0, baseSequence: as.sequence });
  const before = row.body.slice();
  seal(row, { producerId: 0x1122334455667788n, epoch: 5, ...as });
  return { row, before };
}

Deno.test("the header stands in the 61 bytes in front, field by field", () => {
  const { row, before } = sealedRow({ sequence: 41, timestamp: 1_767_323_045_678 });
  const view = new DataView(row.body.buffer);
  assert.equal(view.getBigInt64(0), 0n, "base offset");
  assert.equal(view.getInt32(8), row.body.length - 12, "batch length");
  assert.equal(view.getInt32(12), -1, "partition leader epoch");
  assert.equal(view.getInt8(16), 2, "magic");
  assert.equal(view.getUint32(17), crc32c(row.body.subarray(21)), "crc");
  assert.equal(view.getInt16(21), 0, "attributes");
  assert.equal(view.getInt32(23), 2, "last offset delta");
  assert.equal(view.getBigInt64(27), 1_767_323_045_678n, "base timestamp");
  assert.equal(view.getBigInt64(35), 1_767_323_045_678n, "max timestamp");
  assert.equal(view.getBigInt64(43), 0x1122334455667788n, "producer id");
  assert.equal(view.getInt16(51), 5, "producer epoch");
  assert.equal(view.getInt32(53), 41, "base sequence");
  assert.equal(view.getInt32(57), 3, "records");
  assert.deepEqual(row.body.subarray(61), before.subarray(61), "the records are as they were");
});

Deno.test("sealing anew leaves nothing of the first seal", () => {
  const { row } = sealedRow({ sequence: 41, timestamp: 1_767_323_045_678 });
  seal(row, { producerId: 7n, epoch: 0, sequence: 1, timestamp: -1 });
  const fresh = rowOf(RECORDS, { id: 2, lane: 3, lanes: 4, time: 0, baseSequence: 1 });
  seal(fresh, { producerId: 7n, epoch: 0, sequence: 1, timestamp: -1 });
  assert.deepEqual(row.body, fresh.body);
});

Deno.test("sequences wrap: 2147483647 is followed by 0", () => {
  for (const [sequence, written] of [[2 ** 31 - 1, 2147483647], [2 ** 31, 0], [2 ** 40 + 9, 9]]) {
    const { row } = sealedRow({ sequence, timestamp: 0 });
    assert.equal(new DataView(row.body.buffer).getInt32(53), written);
  }
});

Deno.test("a body that is a part of a larger buffer is sealed where it stands", () => {
  const { row } = sealedRow({ sequence: 8, timestamp: 9 });
  const large = new Uint8Array(row.body.length + 200);
  large.set(rowOf(RECORDS, { ...row }).body, 100);
  const inside = { ...row, body: large.subarray(100, 100 + row.body.length) };
  seal(inside, { producerId: 0x1122334455667788n, epoch: 5, sequence: 8, timestamp: 9 });
  assert.deepEqual(inside.body, row.body);
  assert.ok(large.subarray(0, 100).every((byte) => byte === 0));
});

Deno.test("a produce request holds each row's bytes behind its partition", () => {
  const { row } = sealedRow({ sequence: 8, timestamp: 9 });
  const bytes = new Uint8Array(encodeProduce("out", [row, { ...row, lane: 5 }]).buffer);
  const size = row.body.length + 1;
  const length = [size % 128 + 128, Math.floor(size / 128)];
  const expected = [
    ...[0], // no transaction
    ...[0xff, 0xff], // acks: all
    ...[0, 0, 0x4e, 0x20], // 20 s
    ...[2, 4, ..."out".split("").map((c) => c.charCodeAt(0))],
    ...[3, 0, 0, 0, 3, ...length, ...row.body, 0],
    ...[0, 0, 0, 5, ...length, ...row.body, 0],
    ...[0, 0],
  ];
  assert.ok(size < 128 * 128);
  assert.deepEqual(bytes, Uint8Array.from(expected));
});

/** Bit by bit, from the polynomial (RFC 3720, appendix B.4). */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
