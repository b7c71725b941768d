import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { Connection, offsetCommitV8 } from "@platformatic/kafka";
import {
  addPartitions,
  broker,
  client,
  createTopic,
  deleteTopic,
  produce,
  topicName,
} from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { assignor } from "./kafkajs_assignors.ts";
import { coordinatorAnswers, Reader } from "./reader.ts";

function values(from: number, to: number): { value: string; partition: number }[] {
  return Array.from({ length: to - from }, (_, i) => ({
    value: String(from + i),
    partition: (from + i) % 4,
  }));
}

/** As `partition-offset`, sorted: two members that read one record show it twice. */
function placesOf(...readers: Reader[]): string[] {
  return readers.flatMap((reader) => reader.records)
    .map(({ partition, offset }) => `${partition}-${String(offset).padStart(6, "0")}`).sort();
}

function everyPlace(perPartition: number): string[] {
  return [0, 1, 2, 3].flatMap((partition) =>
    Array.from(
      { length: perPartition },
      (_, offset) => `${partition}-${String(offset).padStart(6, "0")}`,
    )
  );
}

/** The partitions of the last join that the reader has settled in. */
function partitionsOf(reader: Reader): number[] {
  const joined = reader.logged("joined the consumer group").at(-1);
  return reader.source.state() === "connected" ? joined?.fields.partitions as number[] ?? [] : [];
}

/** As somebody outside the group, which must have no members. */
async function setOffset(
  group: string,
  { topic, partition, offset }: { topic: string; partition: number; offset: number },
): Promise<void> {
  const [host, port] = broker().split(":");
  const connection = new Connection("tests");
  await connection.connect(host, Number(port));
  const committed = {
    partitionIndex: partition,
    committedOffset: BigInt(offset),
    committedLeaderEpoch: -1,
    committedMetadata: "",
  };
  await offsetCommitV8.api.async(connection, group, -1, "", null, [
    { name: topic, partitions: [committed] },
  ]);
  await connection.close();
}

Deno.test("an offset committed by another member is gone on from", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("group"), partitions: 4 });
  await produce(topic, values(0, 400));
  await coordinatorAnswers();
  await setOffset(topic, { topic, partition: 2, offset: 90 });
  await using first = new Reader({ topic, group: topic, dir: folder.path });
  await first.untilRead(310);
  assert.equal(first.records.filter(({ partition }) => partition === 2)[0].offset, 90);
  await first.close();
  await produce(topic, values(400, 800));
  await setOffset(topic, { topic, partition: 1, offset: 150 });
  // Behind the store's position: it doesn't count.
  await setOffset(topic, { topic, partition: 3, offset: 5 });
  await using second = new Reader({ topic, group: topic, dir: folder.path });
  await second.untilRead(350);
  assert.equal(second.records.filter(({ partition }) => partition === 1)[0].offset, 150);
  assert.equal(second.records.filter(({ partition }) => partition === 3)[0].offset, 100);
  assert.deepEqual(
    [...second.store.jumps()].sort(),
    [["committed by another member", 2], ["first start", 3]],
  );
});

Deno.test("an offset beyond the log's end is nobody's place in this log", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("group"), partitions: 4 });
  await produce(topic, values(0, 40));
  await coordinatorAnswers();
  await setOffset(topic, { topic, partition: 2, offset: 11 });
  await setOffset(topic, { topic, partition: 3, offset: 10 });
  await using reader = new Reader({ topic, group: topic, dir: folder.path });
  await reader.untilRead(30);
  assert.deepEqual(
    [0, 1, 2, 3].map((partition) => reader.values(partition).length),
    [10, 10, 10, 0],
  );
  assert.deepEqual(
    [...reader.store.jumps()].sort(),
    [["committed by another member", 1], ["first start", 3]],
  );
});

Deno.test("an older copy of the data folder is gone on from, not from its own later offsets", async () => {
  using folder = tempFolder();
  using copies = tempFolder();
  const topic = await createTopic({ name: topicName("group"), partitions: 4 });
  await produce(topic, values(0, 400));
  await using first = new Reader({ topic, group: topic, dir: folder.path });
  await first.untilRead(400);
  await first.close();
  const copy = `${copies.path}/copy`;
  cpSync(folder.path, copy, { recursive: true });
  await produce(topic, values(400, 800));
  await using second = new Reader({ topic, group: topic, dir: folder.path });
  await second.untilRead(400);
  await second.close();
  await using restored = new Reader({ topic, group: topic, dir: copy });
  await restored.untilRead(400);
  assert.deepEqual(placesOf(first, restored), everyPlace(200));
  assert.equal(restored.source.counts().olderFolder, 4);
  const [told, ...more] = restored.logged("it is an older copy");
  assert.deepEqual([told.fields.partitions, more], [[0, 1, 2, 3], []]);
  assert.equal(restored.store.jumps().get("committed by another member"), undefined);
});

Deno.test("partitions change hands at the right offset, over and over", async () => {
  using one = tempFolder();
  using two = tempFolder();
  const topic = await createTopic({ name: topicName("group"), partitions: 4 });
  await using first = new Reader({ topic, group: topic, dir: one.path });
  let written = 0;
  const write = async (count: number) => {
    await produce(topic, values(written, written += count));
  };
  const readers: Reader[] = [first];
  for (let round = 0; round < 3; round++) {
    const second = new Reader({ topic, group: topic, dir: two.path });
    readers.push(second);
    while (partitionsOf(second).length !== 2) await write(400);
    await write(400);
    const all = () => readers.reduce((sum, reader) => sum + reader.records.length, 0);
    await first.until("everything, half of it by each", () => all() >= written);
    assert.ok(second.records.length > 0);
    // Records are on their way while the second one leaves.
    await Promise.all([write(4_000), second.close()]);
    await first.until("what the second one left", () => all() >= written);
  }
  assert.deepEqual(placesOf(...readers), everyPlace(written / 4));
});

for (const protocol of ["range", "roundrobin"] as const) {
  for (const leader of ["ours", "kafkajs"] as const) {
    Deno.test(`${protocol} beside kafkajs, led by ${leader}`, async () => {
      using folder = tempFolder();
      const topic = await createTopic({ name: topicName("group"), partitions: 4 });
      const foreign = client().consumer({
        groupId: topic,
        partitionAssigners: [assignor(protocol)],
        heartbeatInterval: 200,
        rebalanceTimeout: 5_000,
        maxWaitTimeInMs: 100,
      });
      const seen: string[] = [];
      const given: number[][] = [];
      const joined = Promise.withResolvers<void>();
      const readHalf = Promise.withResolvers<void>();
      foreign.on(foreign.events.GROUP_JOIN, ({ payload }) => {
        given.push(payload.memberAssignment[topic] ?? []);
        joined.resolve();
      });
      const join = async () => {
        await foreign.connect();
        await foreign.subscribe({ topic, fromBeginning: true });
        await foreign.run({
          eachMessage: ({ partition, message }) => {
            seen.push(`${partition}-${message.offset.padStart(6, "0")}`);
            if (seen.length === 200) readHalf.resolve();
            return Promise.resolve();
          },
        });
        await joined.promise;
      };
      try {
        if (leader === "kafkajs") await join();
        await using reader = new Reader({ topic, group: topic, dir: folder.path });
        if (leader === "ours") {
          await reader.until("all partitions", () => partitionsOf(reader).length === 4);
          await join();
        }
        await reader.until("half of the partitions", () => partitionsOf(reader).length === 2);
        const ours = partitionsOf(reader);
        const theirs = given.at(-1)!;
        const halves = protocol === "range" ? [[0, 1], [2, 3]] : [[0, 2], [1, 3]];
        assert.deepEqual([ours, theirs].sort((a, b) => a[0] - b[0]), halves);
        await produce(topic, values(0, 400));
        await reader.untilRead(200);
        await readHalf.promise;
        const read = [...placesOf(reader), ...seen].sort();
        assert.deepEqual(read, everyPlace(100));
      } finally {
        await foreign.disconnect();
      }
    });
  }
}

Deno.test("new partitions are read while running", async () => {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("group"), partitions: 2 });
  await using reader = new Reader({ topic, group: topic, dir: folder.path, topicLookMs: 100 });
  await reader.until("two partitions", () => partitionsOf(reader).length === 2);
  await addPartitions(topic, 4);
  await reader.until("four partitions", () => partitionsOf(reader).length === 4);
  await produce(topic, values(0, 400));
  await reader.untilRead(400);
  assert.deepEqual(placesOf(reader), everyPlace(100));
});

Deno.test("a fresh folder calls a recreated topic as the group's older one does", async () => {
  using old = tempFolder();
  using fresh = tempFolder();
  const topic = await createTopic({ name: topicName("group"), partitions: 2 });
  await using first = new Reader({ topic, group: topic, dir: old.path, topicLookMs: 100 });
  await produce(topic, [{ value: "gone", partition: 0 }, { value: "gone", partition: 1 }]);
  await first.untilRead(2);
  await deleteTopic(topic);
  await createTopic({ name: topic, partitions: 2 });
  // Nothing of it is read yet: the group must be told of it all the same.
  await first.until("word of it", () => first.logged("a recreated topic").length > 0);
  await using second = new Reader({ topic, group: topic, dir: fresh.path });
  await first.until("a partition each", () =>
    [first, second].every((reader) => {
      return partitionsOf(reader).length === 1;
    }));
  await produce(topic, [{ value: "new", partition: 0 }, { value: "new", partition: 1 }]);
  await first.until("both", () => first.records.length + second.records.length === 4);
  const ids = [first, second].flatMap((reader) => reader.records.map(({ id }) => id)).sort();
  assert.deepEqual(ids, [`${topic}-0-0`, `${topic}-1-0`, `${topic}~1-0-0`, `${topic}~1-1-0`]);
});
