import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { RecordsBatch } from "@platformatic/kafka";
import { readableBatches } from "../../src/kafka/aborted.ts";

interface Sketch {
  at: number;
  count?: number;
  producer?: number;
  marker?: "abort" | "commit";
}

/** A batch with a producer is transactional; a marker is a control batch. */
function batch({ at, count = 1, producer, marker }: Sketch): RecordsBatch {
  const key = marker ? Buffer.from([0, 0, 0, marker === "abort" ? 0 : 1]) : null;
  return {
    firstOffset: BigInt(at),
    length: 0,
    partitionLeaderEpoch: 0,
    magic: 2,
    crc: 0,
    attributes: (producer === undefined ? 0 : 16) | (marker ? 32 : 0),
    lastOffsetDelta: count - 1,
    firstTimestamp: 0n,
    maxTimestamp: 0n,
    producerId: BigInt(producer ?? -1),
    producerEpoch: 0,
    firstSequence: 0,
    records: Array.from({ length: count }, (_, offsetDelta) => ({
      length: 0,
      attributes: 0,
      timestampDelta: 0n,
      offsetDelta,
      key,
      value: Buffer.alloc(0),
      headers: [],
    })),
  };
}

function readable(sketches: Sketch[], aborted: [producer: number, first: number][]): number[] {
  const transactions = aborted.map(([producer, first]) => ({
    producerId: BigInt(producer),
    firstOffset: BigInt(first),
  }));
  return readableBatches(sketches.map(batch), transactions).map((b) => Number(b.firstOffset));
}

Deno.test("two aborted transactions of one producer, and a committed one between them", () => {
  const batches: Sketch[] = [
    { at: 0, producer: 1 },
    { at: 1, producer: 1, marker: "abort" },
    { at: 2, producer: 1, count: 3 },
    { at: 5, producer: 1, marker: "commit" },
    { at: 6, producer: 1 },
    { at: 7, producer: 1, marker: "abort" },
    { at: 8, producer: 1 },
    { at: 9, producer: 1, marker: "commit" },
  ];
  assert.deepEqual(readable(batches, [[1, 6], [1, 0]]), [2, 8]);
});

Deno.test("a fetch that ends before the abort marker, and one that begins after the first record", () => {
  assert.deepEqual(readable([{ at: 4, producer: 1 }, { at: 5, producer: 1 }], [[1, 4]]), []);
  assert.deepEqual(
    readable([{ at: 5, producer: 1 }, { at: 6, producer: 1, marker: "abort" }, { at: 7 }], [[
      1,
      4,
    ]]),
    [7],
  );
});

Deno.test("others' records within an aborted transaction stay", () => {
  const batches: Sketch[] = [
    { at: 0, producer: 1 },
    { at: 1 },
    { at: 2, producer: 2 },
    { at: 3, producer: 1, marker: "abort" },
    { at: 4, producer: 2, marker: "commit" },
  ];
  assert.deepEqual(readable(batches, [[1, 0]]), [1, 2]);
});

Deno.test("a transaction that begins within a batch's offsets counts from that batch on", () => {
  assert.deepEqual(readable([{ at: 0 }, { at: 10, count: 5, producer: 1 }], [[1, 12]]), [0]);
});
