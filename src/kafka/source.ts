/** The Kafka source: a member of the group, fetches with offsets of our own, positions in the store. */
import type {
  Log,
  PartitionRef,
  Positions,
  RecordBatch,
  RecordSource,
  SourceState,
} from "../pipeline/ports.ts";
import { Assignment } from "./assignment.ts";
import { platformaticClient, type SourceClient } from "./client.ts";
import type { ClusterAccess } from "./connection_options.ts";
import { retryDelayMs } from "./failure.ts";
import type { Isolation, TopicReader } from "./fetch.ts";
import { Lag } from "./lag.ts";
import type { Clocks } from "./lease.ts";
import type { Membership } from "./member.ts";
import { OffsetCommits } from "./offset_commits.ts";
import { type LogBounds, OutOfRange, type OutOfRangePolicy } from "./out_of_range.ts";
import { Outage, reasonOf } from "./outage.ts";
import { type Progress, StallWatch } from "./stall_watch.ts";
import { commitMetadata } from "./start_position.ts";
import { findStarts, settleStarts } from "./starts.ts";
import { remedyFor } from "./remedy.ts";
import type { Joined } from "./tenure.ts";

/** How often the topic is looked at for new partitions, or another topic under its name. */
const TOPIC_LOOK_MS = 30_000;
/** Longer than a request may take (30 s): most of what goes wrong ends by that. */
const STALL_MS = 60_000;

export interface KafkaSourceOptions extends ClusterAccess, Clocks {
  readonly group: string;
  readonly topic: string;
  readonly positions: Positions;
  readonly log: Log;
  /** Default: @platformatic/kafka. */
  readonly client?: SourceClient;
  /** Default: `read_committed`. */
  readonly isolation?: Isolation;
  /** Default: 30,000 ms. */
  readonly topicLookMs?: number;
  /** Default: `earliest`. */
  readonly outOfRange?: OutOfRangePolicy;
  /** A partition stands still for so long although records wait in it. Default: 60,000 ms. */
  readonly stallMs?: number;
}

/** What happened since the start, for metrics. */
export interface SourceCounts {
  /** Joins of the group, the first one included. */
  readonly joins: number;
  /** Partitions for which the group had a later offset of this very data folder: it is an older copy. */
  readonly olderFolder: number;
  /** How often consumers were made anew because a partition stood still. */
  readonly remade: number;
  /** Partitions that aren't read now, because the policy says so. */
  readonly stopped: number;
}

export interface KafkaSource extends RecordSource {
  counts(): SourceCounts;
}

/**
 * A source for one topic as a member of one group. Nothing connects before `start`.
 * Throws at once where the names or addresses can't be those of a client, a group or brokers.
 */
export function createKafkaSource(options: KafkaSourceOptions): KafkaSource {
  return new GroupSource(options);
}

class GroupSource implements KafkaSource {
  readonly #options: KafkaSourceOptions;
  readonly #client: SourceClient;
  readonly #isolation: Isolation;
  readonly #outage: Outage;
  readonly #lag = new Lag();
  readonly #commits: OffsetCommits;
  readonly #member: Membership;
  readonly #outOfRange: OutOfRange;
  readonly #stalls: StallWatch;
  #fetcher: TopicReader;
  /** Of what is owned now; grows whenever that may have changed. */
  #epoch = 0;
  #owned: ReadonlySet<number> = new Set();
  #joined: Joined | undefined;
  /** The topic that the last assignment was for. */
  #topicId = "";
  #generation = 0;
  /** undefined: nothing is owned, or its start positions aren't known yet. */
  #assignment: Assignment | undefined;
  /** What failed in earlier assignments: an outage doesn't end because the partitions change hands. */
  readonly #troubled = new Set<string>();
  #fetching = true;
  #changed = Promise.withResolvers<void>();
  #lookTimer: ReturnType<typeof setTimeout> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #looking = false;
  /** `next` was called since the last look for stalled partitions, or waits. */
  #wanted = false;
  #waiting = false;
  #joins = 0;
  #olderFolder = 0;

  constructor(options: KafkaSourceOptions) {
    this.#options = options;
    this.#client = options.client ?? platformaticClient.source;
    this.#isolation = options.isolation ?? "read_committed";
    const { log, now, positions, group } = options;
    this.#stalls = new StallWatch({
      stallMs: options.stallMs ?? STALL_MS,
      topic: options.topic,
      log,
      progress: () => this.#progress(),
      ends: (partitions) => this.#fetcher.readableEnds(partitions),
      remake: () => this.reset(),
    });
    this.#outage = new Outage("reading from Kafka", { log, now });
    const { outOfRange: policy = "earliest" } = options;
    this.#outOfRange = new OutOfRange({ policy, positions, outage: this.#outage, log });
    this.#fetcher = this.#makeFetcher();
    this.#commits = new OffsetCommits({
      log,
      send: (ends) => this.#member.commit(ends, this.#metadata()),
    });
    this.#member = this.#client.member({
      ...options,
      outage: this.#outage,
      formerId: positions.memberId(group),
      onJoined: (joined) => this.#onJoined(joined),
      onLost: () => this.#onLost(),
    });
  }

  start(): void {
    this.#member.start();
    this.#lookLater();
    this.#stalls.start();
  }

  async next(): Promise<RecordBatch[] | null> {
    this.#wanted = true;
    while (this.#fetching) {
      const assignment = this.#assignment;
      if (assignment) {
        assignment.request();
        const batches = assignment.take();
        if (batches.length > 0) return batches;
      }
      this.#waiting = true;
      await this.#changed.promise;
      this.#waiting = false;
    }
    return null;
  }

  owns(batch: RecordBatch): boolean {
    if (batch.epoch !== this.#epoch || !this.#owned.has(batch.source.partition)) return false;
    if (this.#member.holds) return true;
    // Should the partition still be ours, the batch comes again.
    this.reset();
    return false;
  }

  committed(batches: readonly RecordBatch[]): void {
    for (const batch of batches) {
      if (!this.owns(batch)) continue;
      this.#lag.committed(batch.source.partition, batch.end);
      this.#commits.add(batch.source.partition, batch.end);
    }
    // A position that waits to move past retention's gap may do so now.
    this.#change();
  }

  reset(): void {
    if (this.#joined) this.#beginEpoch(this.#joined);
  }

  state(): SourceState {
    if (this.#outage.lasts) return "error";
    return this.#assignment ? "connected" : "connecting";
  }

  lag(): ReadonlyMap<number, number> {
    return this.#lag.byPartition();
  }

  counts(): SourceCounts {
    return {
      joins: this.#joins,
      olderFolder: this.#olderFolder,
      remade: this.#stalls.remade,
      stopped: this.#outOfRange.stopped,
    };
  }

  stopped(): string | undefined {
    return this.#outOfRange.reason();
  }

  pause(): void {
    this.#fetching = false;
    this.#stalls.close();
    clearTimeout(this.#lookTimer);
    this.#dropAssignment();
    this.#change();
  }

  async close(deadlineMs: number): Promise<void> {
    this.pause();
    const left = this.#leave();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const deadline = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), deadlineMs);
    });
    if (await Promise.race([left, deadline]) === "late") {
      this.#options.log.warn("leaving the consumer group took too long: given up", { deadlineMs });
    }
    clearTimeout(timer);
  }

  async #leave(): Promise<void> {
    await this.#commits.settle();
    await Promise.all([this.#member.close(), this.#fetcher.close()]);
  }

  #onJoined(joined: Joined): void {
    const { log, group, positions } = this.#options;
    this.#joined = joined;
    this.#joins++;
    const { memberId, leader, partitions } = joined;
    log.info("joined the consumer group", { group, leader, partitions });
    try {
      positions.saveMemberId(group, memberId);
    } catch (error) {
      // Only the next start after a kill would miss it, and wait for the session to end.
      const reason = reasonOf(error);
      log.warn("saving the member id failed: a start after a kill would wait for the group", {
        reason,
        todo: remedyFor(reason).todo,
      });
    }
    this.#beginEpoch(joined);
  }

  #onLost(): void {
    this.#joined = undefined;
    this.#commits.handOver();
    this.#owned = new Set();
    this.#epoch++;
    this.#dropAssignment();
  }

  #beginEpoch({ partitions }: Joined): void {
    this.#owned = new Set(partitions);
    this.#epoch++;
    this.#dropAssignment();
    if (this.#fetching) void this.#findPlace(this.#epoch);
  }

  #wellAgain(): void {
    for (const part of ["positions", ...this.#troubled]) this.#outage.well(part);
    this.#troubled.clear();
  }

  #dropAssignment(): void {
    clearTimeout(this.#retryTimer);
    for (const part of this.#assignment?.close() ?? []) this.#troubled.add(part);
    this.#assignment = undefined;
    this.#lag.begin(new Map());
    this.#outOfRange.clear();
  }

  /** undefined: nobody asks for records, because the backlog is full or the store refuses them. */
  #progress(): Iterable<Progress> | undefined {
    const wanted = this.#wanted || this.#waiting;
    this.#wanted = false;
    return wanted ? this.#assignment?.progress() : undefined;
  }

  /** Asynchronous part of a new epoch: nothing of it counts once the epoch is over. */
  async #findPlace(epoch: number, failures = 0): Promise<void> {
    const { topic, positions, log } = this.#options;
    const partitions = [...this.#owned];
    try {
      // New connections: a long poll of the old epoch would keep the old ones busy.
      void this.#fetcher.close();
      this.#fetcher = this.#makeFetcher();
      const fetcher = this.#fetcher;
      const member = this.#member;
      const findings = await findStarts(topic, { partitions, fetcher, member, positions });
      if (epoch !== this.#epoch || !this.#fetching) return;
      const { starts, ...settled } = settleStarts(topic, { findings, positions, log });
      this.#olderFolder += settled.olderFolder;
      this.#generation = settled.generation;
      if (this.#topicId !== findings.description.topicId) this.#stalls.clear();
      this.#topicId = findings.description.topicId;
      this.#lag.begin(new Map(starts.map(({ source, next }) => [source.partition, next])));
      this.#assignment = new Assignment({
        epoch,
        topicId: this.#topicId,
        starts,
        isolation: this.#isolation,
        fetcher,
        positions,
        lag: this.#lag,
        outage: this.#outage,
        onChange: () => this.#change(),
        onDoubt: () => void this.#look(),
        onOutOfRange: (source, at) => this.#moveIntoRange(source, at),
      });
      for (const { source: { partition }, next } of starts) {
        if (settled.untold.includes(partition)) this.#commits.add(partition, next);
      }
      this.#wellAgain();
      log.debug("reading", { topic, partitions: starts.map(({ source }) => source.partition) });
      this.#change();
    } catch (error) {
      if (epoch !== this.#epoch || !this.#fetching) return;
      this.#outage.failed("positions", reasonOf(error));
      this.#retryTimer = setTimeout(
        () => void this.#findPlace(epoch, failures + 1),
        retryDelayMs(failures),
      );
    }
  }

  #moveIntoRange(
    source: PartitionRef,
    at: { from: number; bounds: LogBounds },
  ): number | "stop" | "wait" {
    const met = this.#outOfRange.meet(source, { ...at, generation: this.#generation });
    if (met === "wait") return met;
    if (met === "stop") {
      this.#lag.forget(source.partition);
      return met;
    }
    this.#stalls.clear();
    if (met.reason === "log truncated") this.reset();
    else this.#lag.committed(source.partition, met.to);
    return met.to;
  }

  #lookLater(): void {
    this.#lookTimer = setTimeout(async () => {
      await this.#look();
      if (this.#fetching) this.#lookLater();
    }, this.#options.topicLookMs ?? TOPIC_LOOK_MS);
  }

  /** Whether the topic still is what the assignment was made for. A failure is told by the fetches. */
  async #look(): Promise<void> {
    const assignment = this.#assignment;
    if (!assignment || this.#looking) return;
    this.#looking = true;
    try {
      const { topicId, leaders } = await this.#fetcher.describe();
      if (assignment !== this.#assignment || !this.#joined) return;
      if (topicId !== assignment.topicId) {
        this.#options.log.warn("the topic was recreated", {
          topic: this.#options.topic,
          topicId,
        });
        this.#commits.handOver();
        this.#beginEpoch(this.#joined);
      } else {
        assignment.lookedUp(leaders);
      }
      // The leader lays out partitions; whoever else leads the group watches the topic as well.
      if (this.#joined.leader && this.#member.partitionsKnown !== leaders.length) {
        this.#options.log.info("the topic's partition count has changed", {
          partitions: leaders.length,
        });
        this.#member.rejoin();
      }
      await this.#lag.ask((partitions) => this.#fetcher.ends(partitions));
    } catch (error) {
      this.#options.log.debug("looking at the topic failed", { reason: reasonOf(error) });
    } finally {
      this.#looking = false;
    }
  }

  #metadata(): string {
    const { folderId } = this.#options.positions;
    return commitMetadata({ folderId, topicId: this.#topicId, generation: this.#generation });
  }

  #makeFetcher(): TopicReader {
    return this.#client.reader({ ...this.#options, isolation: this.#isolation });
  }

  #change(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}
