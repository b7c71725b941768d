/** Looks at a cluster as the engine would use it, and changes nothing: no topic is made, no group joined. */
import { kafka } from "../../deps.ts";
import { PROTOCOLS } from "./assignors.ts";
import { type ClusterAccess, securityOptions } from "./connection_options.ts";
import { type Address, Connections, parseAddress } from "./connections.ts";
import { failedWith } from "./failure.ts";
import { reasonOf } from "./outage.ts";
import { maxMessageBytes } from "./output_topic.ts";
import { errorName } from "./produce.ts";

export interface ClusterFacts {
  readonly clusterId: string;
  /** Brokers that the cluster names. */
  readonly brokers: number;
  /** Those that were named to us, or that the cluster names, and didn't answer. */
  readonly unreachable: readonly { readonly address: string; readonly reason: string }[];
}

export interface TopicFacts {
  readonly partitions: number;
  readonly leaderless: readonly number[];
  /** What the broker allows us; undefined: it doesn't say. */
  readonly allowed: { readonly read: boolean; readonly write: boolean } | undefined;
  /** Largest batch that it takes; undefined: it isn't told. */
  readonly maxMessageBytes: number | undefined;
}

export interface GroupFacts {
  /** As Kafka calls it: Stable, Empty, Dead (there is none) … */
  readonly state: string;
  /** Its members' strategy; empty: it has no members. */
  readonly strategy: string;
  readonly joinable: boolean;
  readonly members: number;
  /** Partitions of the topic that it has committed, and of those how far it is behind their ends. */
  readonly committed: number;
  readonly lag: number;
}

const UNKNOWN_TOPIC = 3;
const GROUP_KEY = 0;
const LATEST = -1n, LARGEST_TIMESTAMP = -3n;
/** Operations as bits, as `AclOperation` numbers them; all of them unset: not told. */
const READ = 1 << 3, WRITE = 1 << 4;
const NOT_TOLD = -(2 ** 31);
const RETRY_MS = 100;

export class TopicMissing extends Error {
  override readonly name = "TopicMissing";
}

export class ClusterLook {
  readonly #connections: Connections;
  readonly #bootstrap: readonly Address[];

  /** Throws where an address isn't `host:port`. */
  constructor(
    { brokers, clientId, security }: ClusterAccess,
    { timeoutMs }: { timeoutMs: number },
  ) {
    this.#bootstrap = brokers.map(parseAddress);
    this.#connections = new Connections(clientId, {
      ...securityOptions(security),
      connectTimeout: timeoutMs,
      requestTimeout: timeoutMs,
    });
  }

  /** Rejects where none of the brokers that were named answers. */
  async reached(): Promise<void> {
    await Promise.any(this.#bootstrap.map((it) => this.#ask(it)));
  }

  /** Tries every address, those that the cluster names, too. Rejects where none of ours answers. */
  async cluster(): Promise<ClusterFacts> {
    const named = await Promise.allSettled(this.#bootstrap.map((it) => this.#ask(it)));
    const answered = named.find((it) => it.status === "fulfilled");
    if (answered === undefined) throw (named[0] as PromiseRejectedResult).reason;
    const { clusterId, brokers } = answered.value;
    const others = brokers.filter((it) => !this.#bootstrap.some((own) => same(own, it)));
    const advertised = await Promise.allSettled(others.map((it) => this.#connections.get(it)));
    const failures = [
      ...named.map((it, i) => [this.#bootstrap[i], it] as const),
      ...advertised.map((it, i) => [others[i], it] as const),
    ];
    return {
      clusterId: clusterId ?? "",
      brokers: brokers.length,
      unreachable: failures.flatMap(([{ host, port }, it]) =>
        it.status === "rejected"
          ? [{ address: `${host}:${port}`, reason: reasonOf(it.reason) }]
          : []
      ),
    };
  }

  /** Rejects with `TopicMissing` where there is none; it isn't made. */
  async topic(name: string): Promise<TopicFacts> {
    const { connection, topic } = await this.#metadata(name);
    const { topicAuthorizedOperations: operations } = topic;
    return {
      partitions: topic.partitions.length,
      leaderless: topic.partitions.filter(({ leaderId }) => leaderId < 0)
        .map(({ partitionIndex }) => partitionIndex),
      allowed: operations === NOT_TOLD
        ? undefined
        : { read: (operations & READ) !== 0, write: (operations & WRITE) !== 0 },
      // Not everybody may ask for it.
      maxMessageBytes: await maxMessageBytes(connection, name).catch(() => undefined),
    };
  }

  /** The time of the newest record, ms since 1970; undefined: the topic is empty. */
  async newestTime(name: string): Promise<number | undefined> {
    const times = [...(await this.#offsets(name, LARGEST_TIMESTAMP)).values()]
      .flatMap(({ timestamp }) => timestamp >= 0n ? [Number(timestamp)] : []);
    return times.length === 0 ? undefined : Math.max(...times);
  }

  /** Asks its coordinator; waits for one that is still loading. */
  async group(id: string, topic: string): Promise<GroupFacts> {
    const connection = await this.#connections.any(this.#bootstrap);
    for (;;) {
      try {
        const { coordinators } = await kafka.findCoordinatorV4.api
          .async(connection, GROUP_KEY, [id]);
        return await this.#groupAt(coordinators[0], { id, topic });
      } catch (error) {
        if (!failedWith(error, "canRetry", true) || !connection.isConnected()) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async #groupAt(
    coordinator: Address,
    { id, topic }: { id: string; topic: string },
  ): Promise<GroupFacts> {
    const connection = await this.#connections.get(coordinator);
    const described = await kafka.describeGroupsV5.api.async(connection, [id], false);
    const { groupState: state, protocolType, protocolData: strategy, members } =
      described.groups[0];
    const ends = await this.#offsets(topic, LATEST);
    const fetched = await kafka.offsetFetchV8.api.async(connection, [{
      groupId: id,
      memberEpoch: -1,
      topics: [{ name: topic, partitionIndexes: [...ends.keys()] }],
    }], false);
    const committed = fetched.groups.flatMap(({ topics }) => topics)
      .flatMap(({ partitions }) => partitions)
      .filter(({ committedOffset }) => committedOffset >= 0n);
    const isOurs = protocolType === "consumer" || protocolType === "";
    return {
      state,
      strategy,
      members: members.length,
      joinable: members.length === 0 ||
        (isOurs && (strategy === "" || PROTOCOLS.some(({ name }) => name === strategy))),
      committed: committed.length,
      lag: committed.reduce((sum, { partitionIndex, committedOffset }) => {
        const end = ends.get(partitionIndex)?.offset ?? committedOffset;
        return sum + Math.max(0, Number(end - committedOffset));
      }, 0),
    };
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #ask(address: Address): Promise<kafka.metadataV12.MetadataResponse> {
    const connection = await this.#connections.get(address);
    return await kafka.metadataV12.api.async(connection, [], false, false);
  }

  async #metadata(name: string) {
    const connection = await this.#connections.any(this.#bootstrap);
    const answer = await kafka.metadataV12.api.async(connection, [name], false, true)
      .catch((error) => {
        // Where any part of it has an error the rest is good nevertheless.
        const { response } = error as { response?: kafka.metadataV12.MetadataResponse };
        if (!response?.topics?.length) throw error;
        return response;
      });
    const topic = answer.topics[0];
    if (topic.errorCode === UNKNOWN_TOPIC) throw new TopicMissing(`there is no topic ${name}`);
    if (topic.errorCode !== 0) {
      throw new Error(`finding the topic ${name}: ${errorName(topic.errorCode)}`);
    }
    return { connection, topic, brokers: answer.brokers };
  }

  /** Asks every partition's leader. */
  async #offsets(name: string, timestamp: bigint) {
    const { topic, brokers } = await this.#metadata(name);
    const found = new Map<number, { offset: bigint; timestamp: bigint }>();
    const byLeader = Map.groupBy(topic.partitions, ({ leaderId }) => leaderId);
    await Promise.all([...byLeader].map(async ([leader, partitions]) => {
      const address = brokers.find(({ nodeId }) => nodeId === leader);
      if (address === undefined) return;
      const connection = await this.#connections.get(address);
      const answer = await kafka.listOffsetsV8.api.async(connection, -1, 0, [{
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          currentLeaderEpoch: -1,
          timestamp,
        })),
      }]);
      for (const it of answer.topics[0].partitions) found.set(it.partitionIndex, it);
    }));
    return found;
  }
}

function same(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port;
}
