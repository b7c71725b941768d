/** Membership in the consumer group, made anew whenever it dies. */
import { kafka } from "../../deps.ts";
import type { Log } from "../pipeline/ports.ts";
import { assignPartitions, PROTOCOLS } from "./assignors.ts";
import { type ClusterAccess, connectionOptions } from "./connection_options.ts";
import { failedWith, retryDelayMs } from "./failure.ts";
import { Lease } from "./lease.ts";
import { type Outage, reasonOf } from "./outage.ts";
import { remedyFor } from "./remedy.ts";
import type { CommittedOffset } from "./start_position.ts";

export const GROUP_TIMES = {
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 20_000,
  /** Also how soon we notice that another member joins or leaves. */
  heartbeatIntervalMs: 500,
};
/** Another member's join often interrupts ours; after so many times in a row we start from nothing. */
const MAX_INTERRUPTED_JOINS = 10;
const INTERRUPTED_JOIN_DELAY_MS = 50;

export interface Joined {
  readonly memberId: string;
  readonly leader: boolean;
  readonly partitions: readonly number[];
}

export interface MemberOptions extends ClusterAccess {
  readonly group: string;
  readonly topic: string;
  readonly log: Log;
  /** ms; only differences count. */
  readonly now: () => number;
  readonly outage: Outage;
  /** The id that this engine had in its last life, to leave in its name. */
  readonly formerId: string | undefined;
  /** The group has given us these partitions. Called synchronously; must not throw. */
  onJoined(joined: Joined): void;
  /**
   * The partitions aren't ours any more. Called synchronously, before our part in a rebalance goes on
   * the wire, so that a commit from here reaches the coordinator first. Must not throw.
   */
  onLost(): void;
}

/**
 * The group doesn't know the member any more, though it has just answered its heartbeat: somebody left
 * in its name. An engine that starts does that with the member id in its data folder, so a copy of the
 * folder is the likely cause. The member joins again under a new id, which the copy hasn't.
 */
export function tellRemoved({ log, group }: { log: Log; group: string }): void {
  log.warn("the group has removed this member, though its session lasts; it joins again", {
    group,
    todo:
      "see that no other engine uses a copy of the data folder: both would read and send the same",
  });
}

/** Membership in a group, whichever client is behind it. */
export type Membership = Pick<GroupMember, keyof GroupMember>;

/** The broker asks for another join: a step of the protocol, not a failure. */
function wantsRejoin(error: unknown): boolean {
  return failedWith(error, "needsRejoin", true);
}

export class GroupMember {
  readonly #options: MemberOptions;
  /** Ids that may still be members in our name: they are left before the next join. */
  readonly #formerIds = new Set<string>();
  readonly #discarded = new Set<Promise<void>>();
  readonly #lease: Lease;
  #consumer: kafka.Consumer | undefined;
  #running: Promise<void> = Promise.resolve();
  #owning = false;
  #closed = false;
  /** What the assigner was given in the join under way; it isn't asked where the group has one member. */
  #counted: number | undefined;
  #laidOut: number | undefined;
  #die: (reason: unknown) => void = () => {};
  #wake: () => void = () => {};

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#lease = new Lease(GROUP_TIMES.sessionTimeoutMs, options.now);
    if (options.formerId) this.#formerIds.add(options.formerId);
  }

  start(): void {
    this.#running = this.#run();
  }

  /**
   * Partition count that the last join of this member, as a leader, went by. Not what the library knows
   * now: it looks anew by itself, without a join.
   */
  get partitionsKnown(): number | undefined {
    return this.#laidOut;
  }

  /**
   * Whether the coordinator can't have given our partitions to others yet: a process that was frozen for
   * longer than its session learns of that only some time after it has woken.
   */
  get holds(): boolean {
    return this.#owning && this.#lease.lasts;
  }

  /** Joins again, with fresh metadata: as a leader this lays out new partitions. */
  rejoin(): void {
    const consumer = this.#consumer;
    if (!consumer || !this.#owning) return;
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
    this.#closed = true;
    this.#wake();
    this.#die(new Error("closed"));
    // Ends a join that is still waiting for its answer, too.
    if (this.#consumer) this.#discard(this.#consumer);
    await this.#running;
    await Promise.all(this.#discarded);
  }

  async #run(): Promise<void> {
    const { outage } = this.#options;
    let failures = 0;
    while (!this.#closed) {
      const consumer = this.#make();
      this.#consumer = consumer;
      try {
        await this.#leaveFormer(consumer);
        await this.#serve(consumer, () => {
          failures = 0;
          outage.well("group");
        });
      } catch (error) {
        if (!this.#closed) outage.failed("group", reasonOf(error));
        this.#lose();
        if (this.#closed) return;
        if (consumer.memberId) this.#formerIds.add(consumer.memberId);
        this.#discard(consumer);
        await this.#delay(retryDelayMs(failures++));
      }
    }
  }

  /** Joins, and joins again after every interruption; throws when this consumer is of no use any more. */
  async #serve(consumer: kafka.Consumer, onWell: () => void): Promise<never> {
    for (let interrupted = 0;; interrupted++) {
      const death = new Promise<unknown>((resolve) => this.#die = resolve);
      try {
        if (this.#closed) throw new Error("closed");
        await consumer.joinGroup({});
        interrupted = 0;
        onWell();
        throw await death;
      } catch (error) {
        if (this.#closed || !wantsRejoin(error) || interrupted >= MAX_INTERRUPTED_JOINS) {
          throw error;
        }
        this.#lose();
        await this.#delay(INTERRUPTED_JOIN_DELAY_MS);
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
        this.#counted = of[3].topics.get(topic)?.partitionsCount;
        return assignPartitions(...of);
      },
    });
    consumer.topics.track(topic);
    consumer.on("consumer:group:join", ({ memberId, isLeader, assignments }) => {
      if (consumer !== this.#consumer || this.#closed) return;
      this.#owning = true;
      this.#lease.answered();
      const partitions = assignments?.find((share) => share.topic === topic)?.partitions ?? [];
      this.#laidOut = this.#counted ?? partitions.length;
      this.#counted = undefined;
      this.#formerIds.clear();
      this.#options.onJoined({ memberId, leader: isLeader ?? false, partitions });
    });
    // The library joins again by itself after a rebalance, an expired session or a lost id, and tells
    // only of the first. Whatever the cause, each join begins with this event.
    consumer.on("client:performWithRetry", (operation) => {
      if (consumer !== this.#consumer) return;
      if (operation === "syncGroup") this.#lease.sent();
      if (operation !== "joinGroup") return;
      this.#tellRemoved(consumer);
      this.#lose();
    });
    consumer.on("consumer:heartbeat:start", () => {
      if (consumer === this.#consumer) this.#lease.sent();
    });
    consumer.on("consumer:heartbeat:end", () => {
      if (consumer === this.#consumer) this.#lease.answered();
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

  #lose(): void {
    if (!this.#owning) return;
    this.#owning = false;
    this.#options.onLost();
  }

  /**
   * Without this the group would wait for the dead member's session to end: ten seconds without a
   * reading. Rejects where it may work the next time: a coordinator that has just started loads first.
   */
  async #leaveFormer(consumer: kafka.Consumer): Promise<void> {
    if (this.#formerIds.size === 0) return;
    const connection = await this.#connectCoordinator(consumer);
    const reason = "the engine was started again";
    const members = [...this.#formerIds].map((memberId) => ({ memberId, reason }));
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
    const closing: Promise<void> = consumer.close(true)
      .catch((error) => {
        this.#options.log.debug("closing a consumer failed", { reason: reasonOf(error) });
      })
      .finally(() => this.#discarded.delete(closing));
    this.#discarded.add(closing);
  }

  #delay(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
