/** Membership in the consumer group, made anew whenever it dies. */
import { kafka } from "../../deps.ts";
import { assignPartitions, PROTOCOLS } from "./assignors.ts";
import { connectionOptions } from "./connection_options.ts";
import { failedWith } from "./failure.ts";
import { reasonOf } from "./outage.ts";
import { Pauses } from "./pauses.ts";
import { remedyFor } from "./remedy.ts";
import type { CommittedOffset } from "./start_position.ts";
import { GROUP_TIMES, type MemberOptions, tellRemoved, Tenure } from "./tenure.ts";

/** Another member's join often interrupts ours; after so many times in a row we start from nothing. */
const MAX_INTERRUPTED_JOINS = 10;
const INTERRUPTED_JOIN_DELAY_MS = 50;

/** Membership in a group, whichever client is behind it. */
export type Membership = Pick<GroupMember, keyof GroupMember>;

/** The broker asks for another join: a step of the protocol, not a failure. */
function wantsRejoin(error: unknown): boolean {
  return failedWith(error, "needsRejoin", true);
}

export class GroupMember {
  readonly #options: MemberOptions;
  readonly #tenure: Tenure;
  /** Ended when it is closed. */
  readonly #pauses = new Pauses();
  #consumer: kafka.Consumer | undefined;
  #running: Promise<void> = Promise.resolve();
  #die: (reason: unknown) => void = () => {};

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#tenure = new Tenure(options);
  }

  start(): void {
    this.#running = this.#tenure.live({
      pauses: this.#pauses,
      make: () => this.#consumer = this.#make(),
      serve: (consumer, onWell) => this.#serve(consumer, onWell),
      memberIdOf: ({ memberId }) => memberId,
      end: (consumer) => this.#discard(consumer),
    });
  }

  /**
   * Partition count that the last join of this member, as a leader, went by. Not what the library knows
   * now: it looks anew by itself, without a join.
   */
  get partitionsKnown(): number | undefined {
    return this.#tenure.partitionsKnown;
  }

  /**
   * Whether the coordinator can't have given our partitions to others yet: a process that was frozen for
   * longer than its session learns of that only some time after it has woken.
   */
  get holds(): boolean {
    return this.#tenure.holds;
  }

  /** Joins again, with fresh metadata: as a leader this lays out new partitions. */
  rejoin(): void {
    const consumer = this.#consumer;
    if (!consumer || !this.#tenure.isOwning) return;
    consumer.clearMetadata();
    consumer.joinGroup({}).catch((error) => this.#die(error));
  }

  /**
   * Commits next offsets in this generation. On the wire before it returns if the coordinator is
   * connected. Rejects where the group has moved on: it never joins again by itself.
   */
  async commit(ends: ReadonlyMap<number, number>, metadata: string): Promise<void> {
    const consumer = this.#consumer;
    if (!consumer?.memberId) throw new Error("committing offsets: not a member of the group");
    const { generationId, memberId } = consumer;
    const partitions = [...ends].map(([partitionIndex, end]) => ({
      partitionIndex,
      committedOffset: BigInt(end),
      committedLeaderEpoch: -1,
      committedMetadata: metadata,
    }));
    const connection = this.#coordinator(consumer) ?? await this.#connectCoordinator(consumer);
    await kafka.offsetCommitV8.api.async(
      connection,
      this.#options.group,
      generationId,
      memberId,
      null,
      [
        { name: this.#options.topic, partitions },
      ],
    );
  }

  /** What the group has for these partitions. The library's own call leaves the metadata out. */
  async committed(partitions: readonly number[]): Promise<Map<number, CommittedOffset>> {
    const consumer = this.#consumer;
    if (!consumer) throw new Error("reading committed offsets: not a member of the group");
    const { group, topic } = this.#options;
    const connection = await this.#connectCoordinator(consumer);
    const topics = [{ name: topic, partitionIndexes: [...partitions] }];
    const answer = await kafka.offsetFetchV8.api.async(connection, [
      { groupId: group, memberEpoch: -1, topics },
    ], true);
    const committed = new Map<number, CommittedOffset>();
    for (const { topics } of answer.groups) {
      for (const { partitions } of topics) {
        for (const { partitionIndex, committedOffset, metadata } of partitions) {
          committed.set(partitionIndex, {
            offset: Number(committedOffset),
            metadata: metadata ?? "",
          });
        }
      }
    }
    return committed;
  }

  /** Leaves the group. Resolves when that is done or has failed; the caller sets the deadline. */
  async close(): Promise<void> {
    this.#pauses.end();
    this.#die(new Error("closed"));
    // Ends a join that is still waiting for its answer, too.
    if (this.#consumer) this.#discard(this.#consumer);
    await this.#running;
    await this.#tenure.settled();
  }

  /** Joins, and joins again after every interruption; throws when this consumer is of no use any more. */
  async #serve(consumer: kafka.Consumer, onWell: () => void): Promise<never> {
    await this.#leaveFormer(consumer);
    for (let interrupted = 0;; interrupted++) {
      const death = new Promise<unknown>((resolve) => this.#die = resolve);
      try {
        if (this.#pauses.ended) throw new Error("closed");
        await consumer.joinGroup({});
        interrupted = 0;
        onWell();
        throw await death;
      } catch (error) {
        const isLast = interrupted >= MAX_INTERRUPTED_JOINS;
        if (this.#pauses.ended || !wantsRejoin(error) || isLast) throw error;
        this.#tenure.lose();
        await this.#pauses.wait(INTERRUPTED_JOIN_DELAY_MS);
      }
    }
  }

  #make(): kafka.Consumer {
    const { group, topic } = this.#options;
    const consumer = new kafka.Consumer({
      ...connectionOptions(this.#options),
      groupId: group,
      sessionTimeout: GROUP_TIMES.sessionTimeoutMs,
      rebalanceTimeout: GROUP_TIMES.rebalanceTimeoutMs,
      heartbeatInterval: GROUP_TIMES.heartbeatIntervalMs,
      heartbeatStallTimeout: GROUP_TIMES.sessionTimeoutMs,
      protocols: PROTOCOLS,
      partitionAssigner: (...of) => {
        this.#tenure.counted = of[3].topics.get(topic)?.partitionsCount;
        return assignPartitions(...of);
      },
    });
    consumer.topics.track(topic);
    consumer.on("consumer:group:join", ({ memberId, isLeader, assignments }) => {
      if (consumer !== this.#consumer || this.#pauses.ended) return;
      this.#tenure.lease.answered();
      const partitions = assignments?.find((share) => share.topic === topic)?.partitions ?? [];
      this.#tenure.joined({ memberId, leader: isLeader ?? false, partitions });
    });
    // The library joins again by itself after a rebalance, an expired session or a lost id, and tells
    // only of the first. Whatever the cause, each join begins with this event.
    consumer.on("client:performWithRetry", (operation) => {
      if (consumer !== this.#consumer) return;
      if (operation === "syncGroup") this.#tenure.lease.sent();
      if (operation !== "joinGroup") return;
      this.#tellRemoved(consumer);
      this.#tenure.lose();
    });
    consumer.on("consumer:heartbeat:start", () => {
      if (consumer === this.#consumer) this.#tenure.lease.sent();
    });
    consumer.on("consumer:heartbeat:end", () => {
      if (consumer === this.#consumer) this.#tenure.lease.answered();
    });
    // A join of the library's own that failed: it stops there, without heartbeats.
    consumer.on("error", (error) => this.#died(consumer, error));
    consumer.on("consumer:heartbeat:stalled", ({ lastError }) => {
      this.#died(
        consumer,
        lastError ?? new Error("no heartbeat was answered within the session timeout"),
      );
    });
    consumer.on("consumer:heartbeat:error", () => consumer.clearMetadata());
    // A connection's second "error" has no listener in the library and would end the process.
    consumer.on(
      "client:broker:connect",
      ({ connection }) => void connection?.on("error", () => {}),
    );
    return consumer;
  }

  /** Whether somebody left in its name. */
  #tellRemoved({ memberId }: kafka.Consumer): void {
    // Not by the last answer: one that came while the process was frozen is read when it wakes.
    if (!memberId && this.holds) tellRemoved(this.#options);
  }

  #died(consumer: kafka.Consumer, error: unknown): void {
    if (consumer === this.#consumer) this.#die(error);
  }

  /**
   * Without this the group would wait for the dead member's session to end: ten seconds without a
   * reading. Rejects where it may work the next time: a coordinator that has just started loads first.
   */
  async #leaveFormer(consumer: kafka.Consumer): Promise<void> {
    if (this.#tenure.formerIds.size === 0) return;
    const connection = await this.#connectCoordinator(consumer);
    const reason = "the engine was started again";
    const members = [...this.#tenure.formerIds].map((memberId) => ({ memberId, reason }));
    try {
      await kafka.leaveGroupV5.api.async(connection, this.#options.group, members);
    } catch (error) {
      // After a clean stop the former member is gone already, and so it should be.
      if (failedWith(error, "canRetry", true)) throw error;
      if (!failedWith(error, "apiId", "UNKNOWN_MEMBER_ID")) {
        const reason = reasonOf(error);
        this.#options.log.warn(
          "leaving the group for the former member failed: reading begins when its session ends",
          { reason, todo: remedyFor(reason).todo },
        );
      }
    }
  }

  async #connectCoordinator(consumer: kafka.Consumer): Promise<kafka.Connection> {
    const id = await consumer.findGroupCoordinator();
    const connection = (await consumer.connectToBrokers([id])).get(id);
    if (!connection) throw new Error(`connecting to the group's coordinator: no broker ${id}`);
    return connection;
  }

  #coordinator(consumer: kafka.Consumer): kafka.Connection | undefined {
    if (consumer.coordinatorId === null) return undefined;
    const broker = consumer.currentMetadata?.brokers.get(consumer.coordinatorId);
    const connection = broker && consumer.connections.getEstablishedConnection(broker);
    return connection?.isConnected() ? connection : undefined;
  }

  /** Closes in the background: it says goodbye to the coordinator where that still answers. */
  #discard(consumer: kafka.Consumer): void {
    this.#tenure.discard(consumer.close(true));
  }
}
