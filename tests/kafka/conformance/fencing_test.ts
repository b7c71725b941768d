/** A batch that was fetched before the partitions changed hands is never applied, by either client. */
import { Connection, leaveGroupV5 } from "@platformatic/kafka";
import assert from "node:assert/strict";
import type { RecordBatch } from "../../../src/pipeline/ports.ts";
import { broker, createTopic, produce, topicName } from "../../harness/kafka.ts";
import { tempFolder } from "../../harness/temp.ts";
import { clients } from "../client_in_use.ts";
import { Reader } from "../reader.ts";

const PARTITIONS = 4;

function values(count: number): { value: string; partition: number }[] {
  return Array.from({ length: count }, (_, i) => ({
    value: String(i),
    partition: i % PARTITIONS,
  }));
}

function numbersOf(...readers: Reader[]): number[] {
  return readers.flatMap((reader) => reader.values()).map(Number).sort((a, b) => a - b);
}

/** Holds back the first batches until they aren't the reader's any more. */
function holdFirst(during: () => Promise<unknown>) {
  let held: readonly RecordBatch[] | undefined;
  const hold = async (reader: Reader, batches: readonly RecordBatch[]): Promise<void> => {
    if (held) return;
    held = batches;
    assert.ok(batches.every((batch) => reader.source.owns(batch)));
    await during();
    await reader.until("another epoch", () => held!.every((it) => !reader.source.owns(it)));
  };
  return { hold, records: () => held!.reduce((sum, { length }) => sum + length, 0) };
}

/** As an administrator would, in the member's name. */
async function throwOut(reader: Reader, group: string): Promise<void> {
  const [host, port] = broker().split(":");
  const connection = new Connection("tests");
  await connection.connect(host, Number(port));
  const memberId = reader.store.positions.memberId(group)!;
  await leaveGroupV5.api.async(connection, group, [{ memberId }]);
  await connection.close();
}

for (const [name, client] of Object.entries(clients)) {
  Deno.test(`${name}: a batch held while another member joins isn't applied`, async () => {
    using one = tempFolder();
    using two = tempFolder();
    const topic = await createTopic({ name: topicName("fence"), partitions: PARTITIONS });
    await produce(topic, values(400));
    const others: Reader[] = [];
    const { hold, records } = holdFirst(() => {
      others.push(new Reader({ topic, group: topic, dir: two.path, client }));
      return Promise.resolve();
    });
    await using reader: Reader = new Reader({
      topic,
      group: topic,
      dir: one.path,
      client,
      beforeCommit: (batches): Promise<void> => hold(reader, batches),
    });
    await reader.until(
      "everything",
      () => reader.records.length + (others[0]?.records.length ?? 0) >= 400,
    );
    assert.ok(records() > 0);
    assert.deepEqual(numbersOf(reader, ...others), values(400).map((_, i) => i));
    assert.ok(others[0].records.length > 0);
    await others[0].close();
  });

  Deno.test(`${name}: a batch held while the member is thrown out isn't applied`, async () => {
    using folder = tempFolder();
    const topic = await createTopic({ name: topicName("fence"), partitions: PARTITIONS });
    await produce(topic, values(400));
    const { hold, records } = holdFirst(() => throwOut(reader, topic));
    await using reader: Reader = new Reader({
      topic,
      group: topic,
      dir: folder.path,
      client,
      beforeCommit: (batches): Promise<void> => hold(reader, batches),
    });
    await reader.untilRead(400);
    assert.ok(records() > 0);
    assert.deepEqual(numbersOf(reader), values(400).map((_, i) => i));
    assert.ok(reader.source.counts().joins >= 2);
  });

  Deno.test(`${name}: sizes from nothing to 900 kB, with keys, headers and codecs mixed`, async () => {
    using folder = tempFolder();
    const topic = await createTopic({ name: topicName("sizes") });
    const sizes = [0, 1, 2, 127, 128, 16_383, 16_384, 900_000, 3, 500_000];
    const codecs = [undefined, "gzip", "snappy", "lz4", "zstd"] as const;
    for (const [i, compression] of codecs.entries()) {
      const records = sizes.map((size, k) => ({
        key: k % 3 === 0 ? null : "k".repeat(k * 100),
        value: String(i).repeat(size),
        headers: k % 2 === 0 ? undefined : { id: "x".repeat(k * 50), empty: "" },
      }));
      await produce(topic, [...records, { value: null, key: "tombstone" }], { compression });
    }
    await using reader = new Reader({ topic, group: topic, dir: folder.path, client });
    const count = codecs.length * (sizes.length + 1);
    await reader.untilRead(count);
    const expected = codecs.flatMap((
      _,
      i,
    ) => [...sizes.map((size) => String(i).repeat(size)), null]);
    assert.deepEqual(reader.values().map(lengthAndEnd), expected.map(lengthAndEnd));
    assert.ok(reader.values().every((value, i) => value === expected[i]));
    assert.equal(reader.batches.at(-1)!.end, count);
  });
}

/** What a failed comparison shows. */
function lengthAndEnd(value: string | null): [number, string] {
  return value === null ? [-1, ""] : [value.length, value.slice(-1)];
}
