import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { kafka } from "../../deps.ts";
import fc from "fast-check";
import murmur2OfKafkajs from "kafkajs/src/producer/partitioners/default/murmur2.js";
import { murmur2, partitionOf } from "../../src/core/murmur2.ts";

Deno.test("the hash is that of two other clients", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (key) => {
      assert.equal(murmur2(key), murmur2OfKafkajs(Buffer.from(key)));
      assert.equal(murmur2(key), kafka.murmur2(Buffer.from(key)) | 0);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("the hash is Java's", () => {
  // org.apache.kafka.common.utils.UtilsTest.testMurmur2
  const hashes: [string, number][] = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ];
  for (const [key, hash] of hashes) assert.equal(murmur2(new TextEncoder().encode(key)), hash, key);
});

Deno.test("a partition is never negative and below the count", () => {
  const counts = fc.integer({ min: 1, max: 5000 });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 30 }), counts, (key, partitions) => {
    const expected = (murmur2OfKafkajs(Buffer.from(key)) & 0x7fffffff) % partitions;
    assert.equal(partitionOf(key, partitions), expected);
    assert.ok(expected >= 0 && expected < partitions);
  }));
});
