/** Lines that become records, and records that become lines. */
import { kafka } from "../deps.ts";
import { readableBatches } from "../src/kafka/aborted.ts";
import { connectionOptions } from "../src/kafka/connection_options.ts";
import { Fetcher } from "../src/kafka/fetch.ts";
import { reasonOf } from "../src/kafka/outage.ts";

const BATCH_LINES = 1_000;
const CLIENT = "plumbline-tools";

export interface Place {
  /** `host:port`, several separated by commas. */
  readonly brokers: string;
  readonly topic: string;
}

/** Sends each line that isn't blank; the number sent. Rejects where the broker doesn't take them. */
export async function sendLines(place: Place, lines: AsyncIterable<string>): Promise<number> {
  const producer = new kafka.Producer({
    ...connectionOptions({ brokers: place.brokers.split(","), clientId: CLIENT }),
    serializers: kafka.stringSerializers,
    partitioner: kafka.compatibilityPartitioner,
    acks: kafka.ProduceAcks.ALL,
  });
  let sent = 0;
  let waiting: { topic: string; key?: string; value: string }[] = [];
  const flush = async () => {
    if (waiting.length > 0) await producer.send({ messages: waiting });
    sent += waiting.length;
    waiting = [];
  };
  try {
    for await (const line of lines) {
      if (line.trim() === "") continue;
      waiting.push({ topic: place.topic, key: deviceOf(line), value: line });
      if (waiting.length === BATCH_LINES) await flush();
    }
    await flush();
    return sent;
  } catch (error) {
    const reason = await missingTopic(place) ?? reasonOf(error);
    throw new Error(`Send to ${place.topic}: ${reason} (${sent} were sent)`, { cause: error });
  } finally {
    await producer.close(true);
  }
}

/** Its key keeps a device's readings in one partition, and so in order. */
function deviceOf(line: string): string | undefined {
  try {
    const { device_id } = JSON.parse(line);
    return typeof device_id === "string" ? device_id : undefined;
  } catch {
    return undefined;
  }
}

export interface Reading extends Place {
  /** Whether to wait for more at the topic's end. */
  readonly follow: boolean;
  readonly max: number;
  readonly write: (line: string) => void;
}

/**
 * Writes the topic's records from its start, in order within a partition, until its end or `max`. No
 * consumer group is joined, so nobody's offsets move. Rejects where the topic can't be read.
 */
export async function readRecords(reading: Reading): Promise<void> {
  const fetcher = new Fetcher({
    brokers: reading.brokers.split(","),
    clientId: CLIENT,
    group: CLIENT,
    topic: reading.topic,
    isolation: "read_committed",
  });
  try {
    const { topicId, leaders } = await fetcher.describe();
    const next = await fetcher.earliest(leaders.map((_, partition) => partition));
    const open = new Set(next.keys());
    let left = reading.max;
    while (open.size > 0 && left > 0) {
      for (const leader of new Set(leaders.filter((_, partition) => open.has(partition)))) {
        const wanted = [...open].filter((partition) => leaders[partition] === leader)
          .map((partition) => ({ partition, next: next.get(partition)! }));
        const { responses } = await fetcher.fetch(leader, topicId, { wanted });
        for (const answer of responses.flatMap(({ partitions }) => partitions)) {
          const partition = answer.partitionIndex;
          const from = next.get(partition)!;
          for (const record of recordsOf(answer, from)) {
            if (left-- > 0) reading.write(recordLine(record));
          }
          const last = answer.records?.at(-1);
          const end = last === undefined
            ? from
            : Number(last.firstOffset) + last.lastOffsetDelta + 1;
          next.set(partition, Math.max(from, end));
          if (!reading.follow && end >= Number(answer.lastStableOffset)) open.delete(partition);
        }
      }
    }
  } catch (error) {
    const reason = await missingTopic(reading) ?? reasonOf(error);
    throw new Error(`Read ${reading.topic}: ${reason}`, { cause: error });
  } finally {
    await fetcher.close();
  }
}

function* recordsOf(
  answer: kafka.fetchV17.FetchResponsePartition,
  from: number,
): Generator<kafka.KafkaRecord> {
  for (const batch of readableBatches(answer.records ?? [], answer.abortedTransactions ?? [])) {
    for (const record of batch.records) {
      // A batch comes whole: it may begin before the offset that was asked for.
      if (Number(batch.firstOffset) + record.offsetDelta >= from) yield record;
    }
  }
}

/** `-` stands for what isn't there. */
function recordLine({ key, headers, value }: kafka.KafkaRecord): string {
  const pairs = headers.map(([name, text]) => `${name}=${text ?? ""}`);
  return [key ?? "-", pairs.join(",") || "-", value ?? "-"].join("\t");
}

/** The library's own words for it are about metadata. */
async function missingTopic({ brokers, topic }: Place): Promise<string | undefined> {
  const admin = new kafka.Admin(
    connectionOptions({ brokers: brokers.split(","), clientId: CLIENT }),
  );
  try {
    if ((await admin.listTopics({ includeInternals: true })).includes(topic)) return undefined;
    return `there is no topic of this name; \`deno task kafka topic ${topic}\` makes it`;
  } catch {
    return `no answer from ${brokers}`;
  } finally {
    await admin.close();
  }
}
