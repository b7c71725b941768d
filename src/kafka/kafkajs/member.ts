/** Membership in the consumer group over kafkajs, made anew whenever it dies. */
import { type Cluster, ConsumerGroup, type GroupBroker } from "../../../deps_kafkajs.ts";
import { failedWith } from "../failure.ts";
import type { Membership } from "../member.ts";
import { reasonOf } from "../outage.ts";
import { Pauses } from "../pauses.ts";
import { remedyFor } from "../remedy.ts";
import type { CommittedOffset } from "../start_position.ts";
import { GROUP_TIMES, type MemberOptions, tellRemoved, Tenure } from "../tenure.ts";
import { standardAssigners } from "./assigners.ts";
import { abandon, createClient, createCluster } from "./library.ts";
import { describeTopic } from "./requests.ts";

/** Another member's join often interrupts ours; after so many times in a row we start from nothing. */
const MAX_INTERRUPTED_JOINS = 10;
/** What the library does by itself when a join is interrupted. */
const JOIN_RETRY = { retries: 3, initialRetryTime: 50, maxRetryTime: 200 };

/** One life of the member: a group, and the connections that it goes over. */
interface Life {
  readonly cluster: Cluster;
  readonly group: ConsumerGroup;
}

/** The group has moved on, or has never heard of us: a step of the protocol, not a failure. */
function wantsRejoin(error: unknown): boolean {
  return [
    "REBALANCE_IN_PROGRESS",
    "ILLEGAL_GENERATION",
    "UNKNOWN_MEMBER_ID",
    "NOT_COORDINATOR_FOR_GROUP",
  ]
    .some((type) => failedWith(error, "type", type));
}

/** The library has joined again and again by itself, and was interrupted each time. */
function wasInterrupted(error: unknown): boolean {
  return failedWith(error, "name", "KafkaJSNumberOfRetriesExceeded");
}

/** The broker has answered, and it won't help to ask again. */
function isRefusal(error: unknown): boolean {
  return failedWith(error, "name", "KafkaJSProtocolError") && !failedWith(error, "retriable", true);
}

export class KafkajsMember implements Membership {
  readonly #options: MemberOptions;
  readonly #tenure: Tenure;
  /** Ended when it is closed. */
  readonly #pauses = new Pauses();
  #life: Life | undefined;
  #running: Promise<void> = Promise.resolve();
  #rejoinWanted = false;
  #wake: () => void = () => {};

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#tenure = new Tenure(options);
  }

  get partitionsKnown(): number | undefined {
    return this.#tenure.partitionsKnown;
  }

  get holds(): boolean {
    return this.#tenure.holds;
  }

  start(): void {
    this.#running = this.#tenure.live({
      pauses: this.#pauses,
      make: () => this.#life = this.#make(),
      serve: (life, onWell) => this.#serve(life, onWell),
      memberIdOf: ({ group }) => group.memberId,
      end: (life) => this.#discard(life, { leave: false }),
    });
  }

  rejoin(): void {
    if (!this.#tenure.isOwning) return;
    this.#rejoinWanted = true;
    this.#wake();
  }

  async commit(ends: ReadonlyMap<number, number>, metadata: string): Promise<void> {
    const group = this.#life?.group;
    if (!group?.memberId) throw new Error("committing offsets: not a member of the group");
    await group.coordinator.offsetCommit({
      groupId: this.#options.group,
      memberId: group.memberId,
      groupGenerationId: group.generationId,
      topics: [{
        topic: this.#options.topic,
        partitions: [...ends].map(([partition, end]) => ({
          partition,
          offset: String(end),
          metadata,
        })),
      }],
    });
  }

  async committed(partitions: readonly number[]): Promise<Map<number, CommittedOffset>> {
    const { group, topic } = this.#options;
    if (!this.#life) throw new Error("reading committed offsets: not a member of the group");
    const coordinator = await this.#coordinator(this.#life.cluster);
    const { responses } = await coordinator.offsetFetch({
      groupId: group,
      topics: [{ topic, partitions: partitions.map((partition) => ({ partition })) }],
    });
    return new Map(
      responses.flatMap(({ partitions }) => partitions).map(({ partition, offset, metadata }) => [
        partition,
        { offset: Number(offset), metadata: metadata ?? "" },
      ]),
    );
  }

  async close(): Promise<void> {
    this.#pauses.end();
    this.#wake();
    // Ends a join that is still waiting for its answer, too.
    if (this.#life) this.#discard(this.#life, { leave: true });
    await this.#running;
    await this.#tenure.settled();
  }

  /** Joins, and joins again after every interruption; rejects when this life is of no use any more. */
  async #serve({ cluster, group }: Life, onWell: () => void): Promise<never> {
    await this.#connect({ cluster, group });
    await this.#leaveFormer(cluster);
    for (let interrupted = 0;;) {
      if (this.#pauses.ended) throw new Error("closed");
      try {
        this.#tenure.counted = undefined;
        await group.joinAndSync();
      } catch (error) {
        if (this.#pauses.ended || !wasInterrupted(error) || ++interrupted > MAX_INTERRUPTED_JOINS) {
          throw error;
        }
        continue;
      }
      interrupted = 0;
      onWell();
      if (await this.#isMember(group)) {
        this.#joined(group);
        await this.#stay({ cluster, group });
        this.#tenure.lose();
      }
      // As a leader it lays out the partitions that there are by now.
      await cluster.refreshMetadata();
    }
  }

  /** The lease begins with a heartbeat: a join may have waited for others for longer than a session. */
  async #isMember(group: ConsumerGroup): Promise<boolean> {
    try {
      await this.#heartbeat(group);
      return true;
    } catch (error) {
      if (!wantsRejoin(error)) throw error;
      return false;
    }
  }

  async #heartbeat(group: ConsumerGroup): Promise<void> {
    this.#tenure.lease.sent();
    try {
      await group.heartbeat({ interval: 0 });
    } catch (error) {
      if (failedWith(error, "type", "UNKNOWN_MEMBER_ID")) {
        // A join under the old id would be refused.
        group.memberId = null;
        if (this.holds) tellRemoved(this.#options);
      }
      throw error;
    }
    this.#tenure.lease.answered();
  }

  /** Heartbeats; resolves when it is time to join again. */
  async #stay({ cluster, group }: Life): Promise<void> {
    for (;;) {
      await this.#beat();
      if (this.#pauses.ended) throw new Error("closed");
      if (this.#rejoinWanted) {
        this.#rejoinWanted = false;
        return;
      }
      try {
        await this.#heartbeat(group);
      } catch (error) {
        if (wantsRejoin(error)) return;
        if (this.#pauses.ended || isRefusal(error)) throw error;
        // The connection may come again, or another coordinator, before the session ends.
        if (!this.#tenure.lease.lasts) {
          const message = "no heartbeat was answered within the session timeout";
          throw new Error(message, { cause: error });
        }
        await this.#coordinator(cluster).then(
          (found) => group.coordinator = found,
          () => {}, // the next heartbeat tells
        );
      }
    }
  }

  #beat(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, GROUP_TIMES.heartbeatIntervalMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #joined(group: ConsumerGroup): void {
    if (this.#pauses.ended) return;
    const { topic } = this.#options;
    const partitions = group.assigned().find((share) => share.topic === topic)?.partitions ?? [];
    this.#rejoinWanted = false;
    this.#tenure.joined({
      memberId: group.memberId!,
      leader: Boolean(group.isLeader()),
      partitions: [...partitions].sort((a, b) => a - b),
    });
  }

  #make(): Life {
    const { group: groupId, topic } = this.#options;
    const client = createClient(this.#options);
    const cluster = createCluster(client);
    const group = new ConsumerGroup({
      groupId,
      cluster,
      topics: [topic],
      topicConfigurations: { [topic]: { fromBeginning: true } },
      assigners: standardAssigners(cluster, {
        topic,
        onLayout: (partitions) => this.#tenure.counted = partitions,
      }),
      sessionTimeout: GROUP_TIMES.sessionTimeoutMs,
      rebalanceTimeout: GROUP_TIMES.rebalanceTimeoutMs,
      retry: JOIN_RETRY,
      autoCommit: false,
      logger: client.logger(),
      instrumentationEmitter: { emit() {} },
    });
    return { cluster, group };
  }

  async #connect({ cluster, group }: Life): Promise<void> {
    const { topic } = this.#options;
    await cluster.connect();
    // Says which topic is missing; the library only that one is.
    await describeTopic(cluster, topic);
    await cluster.addTargetTopic(topic);
    await group.connect();
  }

  /** See `GroupMember`: without this the group would wait for the dead member's session to end. */
  async #leaveFormer(cluster: Cluster): Promise<void> {
    const { group: groupId, log } = this.#options;
    if (this.#tenure.formerIds.size === 0) return;
    const coordinator = await this.#coordinator(cluster);
    for (const memberId of this.#tenure.formerIds) {
      try {
        await coordinator.leaveGroup({ groupId, memberId });
      } catch (error) {
        if (failedWith(error, "type", "UNKNOWN_MEMBER_ID")) continue;
        if (!isRefusal(error)) throw error;
        const reason = reasonOf(error);
        log.warn(
          "leaving the group for the former member failed: reading begins when its session ends",
          { reason, todo: remedyFor(reason).todo },
        );
      }
    }
  }

  #coordinator(cluster: Cluster): Promise<GroupBroker> {
    return cluster.findGroupCoordinator({ groupId: this.#options.group });
  }

  /** Closes in the background; `leave`: says goodbye to the coordinator where that still answers. */
  #discard({ cluster, group }: Life, { leave }: { leave: boolean }): void {
    this.#tenure.discard((async () => {
      try {
        if (leave && this.#tenure.isOwning) await group.leave();
      } finally {
        await abandon(cluster);
      }
    })());
  }
}
