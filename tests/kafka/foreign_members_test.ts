/** One group with the clients of the old engines: nothing is read twice, nothing left out. */
import assert from "node:assert/strict";
import { broker, createTopic, produce, topicName } from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import {
  canMake,
  type Client,
  type ForeignMember,
  type Protocol,
  startMember,
} from "./foreign_members.ts";
import { Reader } from "./reader.ts";

const PARTITIONS = [0, 1, 2, 3];
/** Records for each partition at a time. Few: a commit for each takes ten milliseconds and more. */
const EACH = 8;

interface Place {
  readonly partition: number;
  readonly offset: number;
}

/** The partitions of the last join that the reader has settled in. */
function partitionsOf(reader: Reader): number[] {
  const joined = reader.logged("joined the consumer group").at(-1);
  return reader.source.state() === "connected" ? joined?.fields.partitions as number[] ?? [] : [];
}

function sorted(places: readonly Place[]): string[] {
  return places.map(({ partition, offset }) => `${partition}-${String(offset).padStart(6, "0")}`)
    .sort();
}

function everyPlace(perPartition: number): string[] {
  return sorted(
    PARTITIONS.flatMap((partition) =>
      Array.from({ length: perPartition }, (_, offset) => ({ partition, offset }))
    ),
  );
}

class Stream {
  readonly topic: string;
  perPartition = 0;

  constructor(topic: string) {
    this.topic = topic;
  }

  async write(perPartition: number): Promise<void> {
    const from = this.perPartition;
    this.perPartition += perPartition;
    await produce(
      this.topic,
      PARTITIONS.flatMap((partition) =>
        Array.from({ length: perPartition }, (_, i) => ({ value: String(from + i), partition }))
      ),
    );
  }
}

/** What each half is laid out as, by the clients' own rules. */
const halves: Record<Protocol, number[][]> = {
  range: [[0, 1], [2, 3]],
  roundrobin: [[0, 2], [1, 3]],
};

for (const client of ["sarama", "kafka-python"] satisfies Client[]) {
  for (const protocol of ["range", "roundrobin"] satisfies Protocol[]) {
    const name = `${client}, ${protocol}: partitions go over at the right offset, both ways`;
    Deno.test(name, { ignore: !canMake(client) }, () => handOver(client, protocol));
  }
}

async function handOver(client: Client, protocol: Protocol): Promise<void> {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("foreign"), partitions: 4 });
  const stream = new Stream(topic);
  const access = { bootstrap: broker(), group: topic, topic, protocol };
  const members: ForeignMember[] = [];
  await using reader = new Reader({ topic, group: topic, dir: folder.path, starts: false });
  const read = () => [...reader.records, ...members.flatMap((member) => member.read)];
  const allIsRead = () =>
    reader.until("all that is there", () => read().length >= 4 * stream.perPartition);
  // Records are on their way at any moment until then.
  const writeUntil = async (holds: () => boolean) => {
    while (!holds()) await stream.write(1);
  };
  const inHalves = async (member: ForeignMember) => {
    const shares = () => [partitionsOf(reader), member.partitions ?? []];
    await writeUntil(() => shares().every((share) => share.length === 2));
    assert.deepEqual(shares().sort((a, b) => a[0] - b[0]), halves[protocol]);
  };

  // It leads, and gives half of what it has begun to us.
  await using member = await startMember(client, access);
  members.push(member);
  await stream.write(EACH);
  await allIsRead();
  reader.source.start();
  await inHalves(member);
  await stream.write(EACH);
  await allIsRead();

  // It leaves: we go on where it ended.
  const left = member.leave();
  await writeUntil(() => partitionsOf(reader).length === 4);
  await Promise.all([left, allIsRead()]);

  // It comes again, and we lead.
  await using again = await startMember(client, access);
  members.push(again);
  await inHalves(again);
  assert.equal(reader.logged("joined the consumer group").at(-1)!.fields.leader, true);
  await stream.write(EACH);
  await allIsRead();

  // We leave: it goes on where we ended.
  const closed = reader.close();
  await writeUntil(() => again.partitions?.length === 4);
  await Promise.all([closed, allIsRead()]);
  assert.deepEqual(sorted(read()), everyPlace(stream.perPartition));
  await again.leave();
}
