/** Raw fetches over kafkajs' connections, with offsets that we hold; connections of their own. */
import type { kafka } from "../../../deps.ts";
import type { Cluster } from "../../../deps_kafkajs.ts";
import type { TopicDescription } from "../connection_options.ts";
import { FETCH_LIMITS, type FetcherOptions, type TopicReader, type Wanted } from "../fetch.ts";
import { abandon, createClient, createCluster } from "./library.ts";
import { describeTopic, fetchRecords, listOffsets, type OffsetsWanted } from "./requests.ts";

export class KafkajsReader implements TopicReader {
  readonly #options: FetcherOptions;
  readonly #cluster: Cluster;
  #ready: Promise<void> | undefined;
  #closed = false;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#cluster = createCluster(createClient(options));
  }

  describe(): Promise<TopicDescription> {
    return this.#with((cluster) => describeTopic(cluster, this.#options.topic));
  }

  earliest(partitions: readonly number[]): Promise<Map<number, number>> {
    return this.#offsets({ partitions, at: "first" });
  }

  ends(partitions: readonly number[]): Promise<Map<number, number>> {
    return this.#offsets({ partitions, at: "end" });
  }

  readableEnds(partitions: readonly number[]): Promise<Map<number, number>> {
    const readCommitted = this.#options.isolation === "read_committed";
    return this.#offsets({ partitions, at: "end", readCommitted });
  }

  #offsets(wanted: OffsetsWanted): Promise<Map<number, number>> {
    return this.#with((cluster) => listOffsets(cluster, this.#options.topic, wanted));
  }

  fetch(
    leader: number,
    topicId: string,
    { wanted }: { wanted: readonly Wanted[] },
  ): Promise<kafka.fetchV17.FetchResponse> {
    return this.#with(async (cluster) =>
      fetchRecords(await cluster.findBroker({ nodeId: leader }), {
        ...FETCH_LIMITS,
        topicId,
        wanted,
        readCommitted: this.#options.isolation === "read_committed",
      })
    );
  }

  forgetLeaders(): void {
    // The next call connects, and learns of the brokers as they are then.
    this.#ready = undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await abandon(this.#cluster);
  }

  async #with<T>(call: (cluster: Cluster) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error("fetching: closed");
    const ready = this.#ready ??= this.#connect();
    try {
      await ready;
    } catch (error) {
      if (this.#ready === ready) this.#ready = undefined;
      throw error;
    }
    return await call(this.#cluster);
  }

  async #connect(): Promise<void> {
    await this.#cluster.connect();
    await this.#cluster.addTargetTopic(this.#options.topic);
    await this.#cluster.refreshMetadata();
  }
}
