/** kafkajs' producer for one topic, with the questions about it that the output asks. */
import { type Cluster, kafkajs } from "../../../deps_kafkajs.ts";
import type { JournalRow } from "../../pipeline/ports.ts";
import type { ClusterAccess } from "../connection_options.ts";
import { failedWith } from "../failure.ts";
import { abandon, createClient, createCluster } from "./library.ts";
import { messagesOf } from "./output_records.ts";
import { describeTopic, listOffsets, type TopicMetadata } from "./requests.ts";

/** Below our own timeout for a request, so that the broker's answer comes first. */
const REPLICATION_TIMEOUT_MS = 20_000;
/** How long the producer may go by what it knows of the topic's partitions and leaders. */
const METADATA_AGE_MS = 1_000;
/** The library insists on trying again by itself; it sends with the same sequence then. */
const SEND_RETRY = { retries: 1, initialRetryTime: 100, maxRetryTime: 200 };

const TOO_LARGE = ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"];
/** After these the producer's sequences are of no use any more. */
const SEQUENCE_LOST = [
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "INVALID_PRODUCER_EPOCH",
  "UNKNOWN_PRODUCER_ID",
  "INVALID_PRODUCER_ID_MAPPING",
];
/** The same bytes will never be taken. */
const REFUSED_FOR_GOOD = ["POLICY_VIOLATION", "INVALID_RECORD"];
/** Answers that are given before anything is appended; as in `output_lane.ts`. */
const SURELY_NOT_APPENDED = [
  ...TOO_LARGE,
  "CORRUPT_MESSAGE",
  "NOT_ENOUGH_REPLICAS",
  "TOPIC_AUTHORIZATION_FAILED",
  "CLUSTER_AUTHORIZATION_FAILED",
  "INVALID_TIMESTAMP",
];

/** What has become of a row that failed. */
export type SendFailure =
  | "too large"
  | "refused"
  | "timestamp"
  | "sequence"
  | "not appended"
  | "unknown";

export function failureOf(error: unknown): SendFailure {
  const has = (types: readonly string[]) => types.some((type) => failedWith(error, "type", type));
  if (has(TOO_LARGE)) return "too large";
  // Bytes that are no records (a damaged disk) can't even be asked about.
  if (error instanceof RangeError || has(REFUSED_FOR_GOOD)) return "refused";
  if (has(["INVALID_TIMESTAMP"])) return "timestamp";
  if (has(SEQUENCE_LOST)) return "sequence";
  return error instanceof NotSent || has(SURELY_NOT_APPENDED) ? "not appended" : "unknown";
}

/** The row never left: the producer knows nothing of its partition yet. */
export class NotSent extends Error {
  override readonly name = "NotSent";
}

export class OutputProducer {
  readonly #topic: string;
  readonly #client: kafkajs.Kafka;
  readonly #cluster: Cluster;
  #producer: kafkajs.Producer | undefined;
  #connecting: Promise<kafkajs.Producer> | undefined;
  #closed = false;

  constructor(access: ClusterAccess, topic: string) {
    this.#topic = topic;
    this.#client = createClient(access);
    this.#cluster = createCluster(this.#client);
  }

  /** The topic as it is now; has it made where the broker makes topics by itself. */
  async describe(): Promise<TopicMetadata> {
    await this.#cluster.connect();
    return await describeTopic(this.#cluster, this.#topic, { create: true });
  }

  /** Offsets after the last record of these partitions. */
  async ends(partitions: readonly number[]): Promise<Map<number, number>> {
    await this.#cluster.connect();
    await this.#cluster.addTargetTopic(this.#topic);
    return await listOffsets(this.#cluster, this.#topic, { partitions, at: "end" });
  }

  /** Largest batch that the topic takes; Infinity: the broker doesn't say. */
  async maxBytes(): Promise<number> {
    const admin = this.#client.admin();
    try {
      await admin.connect();
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: this.#topic,
          configNames: ["max.message.bytes"],
        }],
      });
      return Number(resources[0]?.configEntries[0]?.configValue ?? Infinity);
    } catch {
      return Infinity; // not allowed to ask: the topic's refusals tell
    } finally {
      await admin.disconnect();
    }
  }

  /**
   * Appends the row's records, in order; the offset of the first one. Rejects as `failureOf` tells
   * apart. The same row sent again by the same producer isn't appended twice.
   */
  async send(row: JournalRow, options: { untimed: boolean }): Promise<number> {
    const producer = await this.#connected();
    const answers = await producer.send({
      topic: this.#topic,
      acks: -1,
      timeout: REPLICATION_TIMEOUT_MS,
      messages: messagesOf(row, options),
    });
    const answer = answers.find(({ partition }) => partition === row.lane);
    // What goes to a partition that it doesn't know yet the library leaves out without a word.
    if (!answer) throw new NotSent(`sending to ${this.#topic}-${row.lane}: no such partition yet`);
    return Number(answer.baseOffset ?? -1);
  }

  /** The next row goes out under a new producer id. */
  async renew(): Promise<void> {
    const old = this.#producer;
    this.#producer = undefined;
    this.#connecting = undefined;
    await old?.disconnect().catch(() => {}); // it is of no use any more
  }

  /** Requests in flight are given up. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([abandon(this.#cluster), this.renew()]);
  }

  #connected(): Promise<kafkajs.Producer> {
    if (this.#closed) throw new NotSent("sending: closed");
    const connecting = this.#connecting ??= this.#connect();
    connecting.catch(() => {
      if (this.#connecting === connecting) this.#connecting = undefined;
    });
    return connecting;
  }

  async #connect(): Promise<kafkajs.Producer> {
    const producer = this.#client.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      metadataMaxAge: METADATA_AGE_MS,
      allowAutoTopicCreation: false,
      retry: SEND_RETRY,
      createPartitioner: () => ({ message }) => message.partition!,
    });
    try {
      await producer.connect();
    } catch (error) {
      await producer.disconnect().catch(() => {}); // the failure to connect is what is told
      throw new NotSent("connecting the producer failed", { cause: error });
    }
    this.#producer = producer;
    return producer;
  }
}
