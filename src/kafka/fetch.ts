/** Raw fetches with offsets that we hold, beside the group: a long poll never delays a heartbeat. */
import { kafka } from "../../deps.ts";
import {
  type ClusterAccess,
  connectionOptions,
  type TopicDescription,
} from "./connection_options.ts";

/** `maxBytes` was measured best; a single record above it still comes, by itself. */
export const FETCH_LIMITS = {
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 4 << 20,
  maxPartitionBytes: 1 << 20,
};
const EARLIEST = -2n;
const LATEST = -1n;

export type Isolation = "read_committed" | "read_uncommitted";

export interface FetcherOptions extends ClusterAccess {
  /** Only a name for the library's consumers: none of them ever joins. */
  readonly group: string;
  readonly topic: string;
  readonly isolation: Isolation;
}

/** A partition and the offset that it is asked for. */
export interface Wanted {
  readonly partition: number;
  readonly next: number;
}

function levelOf(isolation: Isolation) {
  return kafka.FetchIsolationLevels[
    isolation === "read_committed" ? "READ_COMMITTED" : "READ_UNCOMMITTED"
  ];
}

/** What a source reads a topic by, whichever client is behind it. */
export type TopicReader = Pick<Fetcher, keyof Fetcher>;

/** What a broker has answered, errors of single partitions included; undefined: it hasn't answered. */
export function answerOf(error: unknown): kafka.fetchV17.FetchResponse | undefined {
  if (!(error instanceof kafka.ResponseError)) return undefined;
  const { response } = error as { response?: kafka.fetchV17.FetchResponse };
  return response?.responses ? response : undefined;
}

/**
 * One consumer for each broker that leads partitions, so that a broker that fails takes only its own
 * connection and fetch session with it, and one for questions about the topic. Whatever has failed
 * without an answer is closed and made anew by the next call.
 */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #consumers = new Map<number | "topic", kafka.Consumer>();
  #closed = false;

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /** The topic as it is now. Rejects where no broker answers or the topic doesn't exist. */
  describe(): Promise<TopicDescription> {
    const { topic } = this.#options;
    return this.#with("topic", async (consumer) => {
      const metadata = await consumer.metadata({ topics: [topic], forceUpdate: true });
      const { id, partitions } = metadata.topics.get(topic)!;
      const leaders = partitions.map(({ leader }) => leader);
      return { clusterId: metadata.id, topicId: id, leaders };
    });
  }

  /** The first offset that each of these partitions still has. */
  earliest(partitions: readonly number[]): Promise<Map<number, number>> {
    return this.#offsets(partitions, { timestamp: EARLIEST });
  }

  /** The offset after the last record of each. */
  ends(partitions: readonly number[]): Promise<Map<number, number>> {
    return this.#offsets(partitions, { timestamp: LATEST, isolation: "read_uncommitted" });
  }

  /** The offset that reading each of them stops at: in front of a transaction that is still open. */
  readableEnds(partitions: readonly number[]): Promise<Map<number, number>> {
    return this.#offsets(partitions, { timestamp: LATEST, isolation: this.#options.isolation });
  }

  #offsets(
    partitions: readonly number[],
    { timestamp, isolation = "read_uncommitted" }: { timestamp: bigint; isolation?: Isolation },
  ): Promise<Map<number, number>> {
    const { topic } = this.#options;
    return this.#with("topic", async (consumer) => {
      const offsets = (await consumer.listOffsets({
        topics: [topic],
        partitions: { [topic]: [...partitions] },
        timestamp,
        isolationLevel: levelOf(isolation),
      })).get(topic);
      return new Map(partitions.map((partition) => {
        const offset = offsets?.[partition];
        if (offset === undefined) {
          throw new Error(`asking for an offset of ${topic}-${partition}: no answer`);
        }
        return [partition, Number(offset)];
      }));
    });
  }

  /** At most one call a broker at a time: a second one would break the broker's fetch session. */
  fetch(
    leader: number,
    topicId: string,
    { wanted }: { wanted: readonly Wanted[] },
  ): Promise<kafka.fetchV17.FetchResponse> {
    return this.#with(leader, (consumer) =>
      consumer.fetch({
        node: leader,
        maxWaitTime: FETCH_LIMITS.maxWaitMs,
        minBytes: FETCH_LIMITS.minBytes,
        maxBytes: FETCH_LIMITS.maxBytes,
        isolationLevel: levelOf(this.#options.isolation),
        topics: [{
          topicId,
          partitions: wanted.map(({ partition, next }) => ({
            partition,
            fetchOffset: BigInt(next),
            currentLeaderEpoch: -1,
            lastFetchedEpoch: -1,
            partitionMaxBytes: FETCH_LIMITS.maxPartitionBytes,
          })),
        }],
      }));
  }

  /** Forgets where the leaders were, so that the next fetches look them up. */
  forgetLeaders(): void {
    for (const consumer of this.#consumers.values()) consumer.clearMetadata();
  }

  /** Calls in flight reject. */
  async close(): Promise<void> {
    this.#closed = true;
    const consumers = [...this.#consumers.values()];
    this.#consumers.clear();
    await Promise.allSettled(consumers.map((consumer) => consumer.close(true)));
  }

  async #with<T>(
    purpose: number | "topic",
    call: (consumer: kafka.Consumer) => Promise<T>,
  ): Promise<T> {
    if (this.#closed) throw new Error("fetching: closed");
    const consumer = this.#consumers.get(purpose) ?? this.#make(purpose);
    try {
      return await call(consumer);
    } catch (error) {
      if (!(error instanceof kafka.ResponseError) && this.#consumers.get(purpose) === consumer) {
        this.#consumers.delete(purpose);
        consumer.close(true).catch(() => {}); // it has failed already, and that is told
      }
      throw error;
    }
  }

  #make(purpose: number | "topic"): kafka.Consumer {
    const consumer = new kafka.Consumer({
      ...connectionOptions(this.#options),
      groupId: `${this.#options.group}-fetch`,
    });
    consumer.topics.track(this.#options.topic);
    consumer.on("error", () => {}); // every call rejects with its own error
    // A connection's second "error" has no listener in the library and would end the process.
    consumer.on(
      "client:broker:connect",
      ({ connection }) => void connection?.on("error", () => {}),
    );
    this.#consumers.set(purpose, consumer);
    return consumer;
  }
}
