/**
 * Kafka for tests: the run's one broker, topics of a test's own, and kafkajs to write and read them.
 * kafkajs is not the client that the program uses, so what it reads is a second opinion.
 */
import kafkajs, { type Consumer, type ITopicMetadata } from "kafkajs";
import { compressionsAlgorithms } from "@platformatic/kafka";
import { Buffer } from "node:buffer";
import { slices } from "./record_slices.ts";

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;

const LEADERS_LIMIT_MS = 30_000;

export type Compression = "gzip" | "snappy" | "lz4" | "zstd";

export interface TestRecord {
  key?: string | Uint8Array | null;
  /** null: a tombstone. */
  value: string | Uint8Array | null;
  headers?: Record<string, string | Uint8Array>;
  /** By the key's hash, or round-robin without a key, if it is absent. */
  partition?: number;
  /** ms since 1970; the time of sending if it is absent. */
  timestamp?: number;
}

export interface ReadRecord {
  partition: number;
  offset: number;
  key: Buffer | null;
  value: Buffer | null;
  /** Repeated names have an array of values. */
  headers: Record<string, Buffer | string | (Buffer | string)[] | undefined>;
  /** ms since 1970. */
  timestamp: number;
}

// kafkajs brings gzip alone.
for (const name of ["snappy", "lz4", "zstd"] as const) {
  const algorithm = compressionsAlgorithms[name];
  CompressionCodecs[CompressionTypes[codecName(name)]] = () => ({
    compress: (encoder: { buffer: Buffer }) =>
      Promise.resolve(algorithm.compressSync(encoder.buffer)),
    decompress: (buffer: Buffer) => Promise.resolve(algorithm.decompressSync(buffer)),
  });
}

function codecName(name: Compression): "GZIP" | "Snappy" | "LZ4" | "ZSTD" {
  return ({ gzip: "GZIP", snappy: "Snappy", lz4: "LZ4", zstd: "ZSTD" } as const)[name];
}

/** The run's broker as `host:port`. Throws if the test was not started by `deno task test`. */
export function broker(): string {
  const address = Deno.env.get("TEST_KAFKA_BROKER");
  if (!address) {
    throw new Error(
      "Find the tests' broker: TEST_KAFKA_BROKER is not set. `deno task test <file>` starts one.",
    );
  }
  return address;
}

/** kafkajs on the run's broker: silent, and waiting up to a minute for a broker that restarts. */
export function client(bootstrap = broker()): kafkajs.Kafka {
  const kafka = new Kafka({
    clientId: "plumbline-tests",
    brokers: bootstrap.split(","),
    logLevel: logLevel.NOTHING,
    // Steady, not ever longer pauses: a broker that is killed and started again is soon found.
    retry: { initialRetryTime: 200, maxRetryTime: 500, retries: 120 },
  });
  const makeAdmin = kafka.admin.bind(kafka);
  kafka.admin = (config) => waitingForLeaders(makeAdmin(config));
  return kafka;
}

/**
 * Just after its start a broker doesn't lead its partitions yet. Everywhere else kafkajs waits until
 * it does; here it throws.
 */
function waitingForLeaders(admin: kafkajs.Admin): kafkajs.Admin {
  const fetch = admin.fetchTopicOffsets.bind(admin);
  admin.fetchTopicOffsets = async (topic) => {
    const deadline = Date.now() + LEADERS_LIMIT_MS;
    for (;;) {
      try {
        return await fetch(topic);
      } catch (error) {
        const { type } = error as { type?: string };
        const leaderless = type === "NOT_LEADER_FOR_PARTITION" || type === "LEADER_NOT_AVAILABLE";
        if (!leaderless || Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  return admin;
}

/** A name that no other test has, nor an earlier run on the same broker. */
export function topicName(prefix: string): string {
  return `${prefix}-${crypto.randomUUID().slice(0, 13)}`;
}

/** Creates a topic and waits until its partitions have leaders. Throws if it exists. */
export async function createTopic(
  { name, partitions = 1, config = {} }: {
    name: string;
    partitions?: number;
    config?: Record<string, string | number>;
  },
  bootstrap = broker(),
): Promise<string> {
  const configEntries = Object.entries(config).map(([name, value]) => ({
    name,
    value: String(value),
  }));
  const made = await withAdmin(bootstrap, (admin) =>
    admin.createTopics({
      // kafkajs' own waiting gives up where the broker is slow to tell itself of the topic.
      waitForLeaders: false,
      topics: [{ topic: name, numPartitions: partitions, replicationFactor: 1, configEntries }],
    }));
  if (!made) throw new Error(`Create topic ${name}: it exists already`);
  await withLeaders(name, { partitions, bootstrap });
  return name;
}

/** Waits until every partition of the topic has a leader; throws after 30 s. */
async function withLeaders(
  name: string,
  { partitions, bootstrap }: { partitions: number; bootstrap: string },
): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await describeTopic(name, bootstrap).catch((error) => {
      if (Date.now() > deadline) throw error;
      return undefined;
    });
    const led = found?.partitions.filter(({ leader }) => leader >= 0).length ?? 0;
    // The broker may not know yet that it leads: a request for several partitions would fail in part,
    // and kafkajs send all of it again.
    const offsets = led === partitions
      ? await topicOffsets(name, bootstrap).catch(() => undefined)
      : undefined;
    if (offsets?.size === partitions) return;
    if (Date.now() > deadline) {
      throw new Error(`Create topic ${name}: ${led} of ${partitions} partitions have a leader`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function deleteTopic(name: string, bootstrap = broker()): Promise<void> {
  await withAdmin(bootstrap, (admin) => admin.deleteTopics({ topics: [name] }));
}

/** Makes the topic's partitions so many, and waits until the new ones have leaders. */
export async function addPartitions(name: string, partitions: number): Promise<void> {
  await withAdmin(
    broker(),
    (admin) => admin.createPartitions({ topicPartitions: [{ topic: name, count: partitions }] }),
  );
  await withLeaders(name, { partitions, bootstrap: broker() });
}

/** Topics whose partitions and leaders the broker knows now. */
export async function describeTopic(name: string, bootstrap = broker()): Promise<ITopicMetadata> {
  const { topics } = await withAdmin(
    bootstrap,
    (admin) => admin.fetchTopicMetadata({ topics: [name] }),
  );
  return topics[0];
}

/** By partition: the offset after its last record (`high`) and that of its first one (`low`). */
export async function topicOffsets(
  name: string,
  bootstrap = broker(),
): Promise<Map<number, { low: number; high: number }>> {
  const rows = await withAdmin(bootstrap, (admin) => admin.fetchTopicOffsets(name));
  return new Map(rows.map(({ partition, low, high }) => [
    partition,
    { low: Number(low), high: Number(high) },
  ]));
}

/**
 * Writes the records, in order within a partition, and waits for the broker's acknowledgement. With a
 * `transactionalId` all of them are one transaction, which `abort` gives up instead of committing.
 */
export async function produce(
  topic: string,
  records: readonly TestRecord[],
  options: {
    compression?: Compression;
    transactionalId?: string;
    abort?: boolean;
    bootstrap?: string;
  } = {},
): Promise<void> {
  const { compression, transactionalId } = options;
  const producer = client(options.bootstrap).producer({
    transactionalId,
    // Where one partition isn't ready yet kafkajs sends all of them again: each record must come once.
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  try {
    const transaction = transactionalId === undefined ? undefined : await producer.transaction();
    for (const messages of slices(records)) {
      await (transaction ?? producer).send({
        topic,
        acks: -1,
        compression: compression && CompressionTypes[codecName(compression)],
        messages: messages.map(toMessage),
      });
    }
    await (options.abort ? transaction?.abort() : transaction?.commit());
  } finally {
    await producer.disconnect();
  }
}

/**
 * Reads every partition from its start until `until` holds. `until` sees all records so far, in order
 * within a partition, after each fetch. Throws with their number if it doesn't hold within `timeoutMs`.
 * Aborted transactions are left out unless `uncommitted` is set.
 */
export async function consumeAll(
  topic: string,
  options: {
    until: (records: readonly ReadRecord[]) => boolean;
    timeoutMs?: number;
    uncommitted?: boolean;
    bootstrap?: string;
  },
): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  await read(topic, { ...options, records, done: () => options.until(records) });
  return records;
}

/**
 * Reads what the topic holds now, up to each partition's end, in order within a partition; `from`: the
 * first offsets wanted, of partitions that aren't read from their starts.
 */
export async function readTopic(
  topic: string,
  options: {
    timeoutMs?: number;
    uncommitted?: boolean;
    bootstrap?: string;
    from?: ReadonlyMap<number, number>;
  } = {},
): Promise<ReadRecord[]> {
  const waiting = new Map<number, number>();
  for (const [partition, { low, high }] of await topicOffsets(topic, options.bootstrap)) {
    if (high > Math.max(low, options.from?.get(partition) ?? 0)) waiting.set(partition, high);
  }
  const records: ReadRecord[] = [];
  if (!waiting.size) return records;
  await read(topic, {
    ...options,
    records,
    // Offsets, not records: the last ones may be a transaction's marker or an aborted record.
    done: ({ partition, last }) => {
      if (last + 1 >= (waiting.get(partition) ?? 0)) waiting.delete(partition);
      return waiting.size === 0;
    },
  });
  return records;
}

interface Reading {
  records: ReadRecord[];
  /** Called after each fetch with the last offset that it has reached. */
  done: (at: { partition: number; last: number }) => boolean;
  timeoutMs?: number;
  uncommitted?: boolean;
  bootstrap?: string;
  from?: ReadonlyMap<number, number>;
}

async function read(topic: string, reading: Reading): Promise<void> {
  const { records, done, timeoutMs = 30_000, uncommitted = false, from } = reading;
  const group = `test-reader-${crypto.randomUUID()}`;
  const consumer = client(reading.bootstrap).consumer({
    groupId: group,
    readUncommitted: uncommitted,
    maxWaitTimeInMs: 100,
  });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await finished(consumer, { topic, records, done, timeoutMs, from });
  } finally {
    await consumer.disconnect();
  }
}

function finished(
  consumer: Consumer,
  { topic, records, done, timeoutMs, from }: Reading & { topic: string; timeoutMs: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => end(new Error(`Read ${topic}: not done in ${timeoutMs} ms, ${records.length} records`)),
      timeoutMs,
    );
    let over = false;
    const next = new Map(from);
    if (next.size > 0) {
      // At each join, and at once: kafkajs takes no other moment.
      consumer.on(consumer.events.GROUP_JOIN, () => {
        for (const [partition, offset] of next) {
          consumer.seek({ topic, partition, offset: String(offset) });
        }
      });
    }
    function end(error?: unknown): void {
      over = true;
      clearTimeout(late);
      if (error) reject(error);
      else resolve();
    }
    // Comes after a fetch of nothing but markers and aborted records, too.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (over) return;
      try {
        if (done({ partition: payload.partition, last: Number(payload.lastOffset) })) end();
      } catch (error) {
        end(error);
      }
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) end(payload.error);
    });
    consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        if (over) return Promise.resolve();
        const seen = next.get(batch.partition) ?? 0;
        next.set(batch.partition, Math.max(seen, Number(batch.lastOffset()) + 1));
        for (const message of batch.messages) {
          const offset = Number(message.offset);
          // Nothing is committed: after the broker's restart the group begins again.
          if (offset < seen) continue;
          records.push({
            partition: batch.partition,
            offset,
            key: message.key,
            value: message.value,
            headers: message.headers ?? {},
            timestamp: Number(message.timestamp),
          });
        }
        return Promise.resolve();
      },
    }).catch(end);
  });
}

async function withAdmin<T>(
  bootstrap: string,
  use: (admin: kafkajs.Admin) => Promise<T>,
): Promise<T> {
  const admin = client(bootstrap).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

function toMessage(record: TestRecord): kafkajs.Message {
  const headers = Object.entries(record.headers ?? {}).map(([name, value]) => [name, bytes(value)]);
  return {
    key: record.key === undefined ? null : bytes(record.key),
    value: bytes(record.value),
    headers: Object.fromEntries(headers),
    partition: record.partition,
    timestamp: record.timestamp === undefined ? undefined : String(record.timestamp),
  };
}

function bytes<T extends string | Uint8Array | null>(value: T): Buffer | Extract<T, null> {
  return (value === null ? null : Buffer.from(value as Uint8Array)) as Buffer | Extract<T, null>;
}
