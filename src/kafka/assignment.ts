/** The partitions of one epoch: which offset each is at, and the fetches that are under way for them. */
import type { kafka } from "../../deps.ts";
import type { PartitionRef, Positions } from "../pipeline/ports.ts";
import { failedWith, LONGEST_RETRY_MS, retryDelayMs } from "./failure.ts";
import { answerOf, type Isolation, type TopicReader } from "./fetch.ts";
import type { Lag } from "./lag.ts";
import type { LogBounds } from "./out_of_range.ts";
import { type Outage, reasonOf } from "./outage.ts";
import { type FetchedBatch, readPartition } from "./records.ts";
import type { Progress } from "./stall_watch.ts";

const OFFSET_OUT_OF_RANGE = 1;
const SESSION_ERRORS = ["FETCH_SESSION_ID_NOT_FOUND", "INVALID_FETCH_SESSION_EPOCH"];

export interface Start {
  readonly source: PartitionRef;
  readonly idPrefix: string;
  readonly next: number;
  readonly leader: number;
}

interface Share {
  readonly source: PartitionRef;
  readonly idPrefix: string;
  next: number;
  leader: number;
  /** Part of a fetch that is under way or hasn't been taken yet. */
  asked: boolean;
  /** Set aside: after a failure until the retry, or while it is found out where the log begins and ends. */
  held: boolean;
}

interface Arrival {
  readonly leader: number;
  readonly shares: readonly Share[];
  readonly answer?: kafka.fetchV17.FetchResponse;
  readonly error?: unknown;
}

export interface AssignmentOptions {
  readonly epoch: number;
  readonly topicId: string;
  readonly starts: readonly Start[];
  readonly isolation: Isolation;
  readonly fetcher: TopicReader;
  readonly positions: Positions;
  readonly lag: Lag;
  readonly outage: Outage;
  /** Something may be taken, or may be asked for again. */
  onChange(): void;
  /** The topic may have moved or changed: the owner looks at it, then calls `lookedUp`. */
  onDoubt(): void;
  /**
   * The log doesn't have this position. Says where the partition goes on, or "stop", or "wait": it isn't
   * possible yet, ask again. May close this assignment.
   */
  onOutOfRange(
    source: PartitionRef,
    at: { from: number; bounds: LogBounds },
  ): number | "stop" | "wait";
}

function fetchFrom(leader: number): string {
  return `fetch from broker ${leader}`;
}

function boundsOf(partition: number): string {
  return `log bounds of partition ${partition}`;
}

export class Assignment {
  readonly epoch: number;
  readonly topicId: string;
  readonly #options: AssignmentOptions;
  readonly #shares: Map<number, Share>;
  readonly #busy = new Set<number>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #arrived: Arrival[] = [];
  /** Partitions whose log doesn't have their position, until that may move. */
  readonly #outOfRange = new Map<Share, LogBounds>();
  /** Failures in a row of each leader, until it answers well or leads nothing of ours any more. */
  readonly #failing = new Map<number, number>();
  #closed = false;

  constructor(options: AssignmentOptions) {
    this.epoch = options.epoch;
    this.topicId = options.topicId;
    this.#options = options;
    this.#shares = new Map(
      options.starts.map((start) => [
        start.source.partition,
        { ...start, asked: false, held: false },
      ]),
    );
  }

  /** Sends a fetch to every leader that has none under way. */
  request(): void {
    if (this.#closed) return;
    this.#moveIntoRange();
    if (this.#closed) return;
    const byLeader = new Map<number, Share[]>();
    for (const share of this.#shares.values()) {
      if (share.held || share.asked || this.#busy.has(share.leader)) continue;
      const shares = byLeader.get(share.leader);
      if (shares) shares.push(share);
      else byLeader.set(share.leader, [share]);
    }
    for (const [leader, shares] of byLeader) this.#ask(leader, shares);
  }

  /** What has arrived since, one batch a partition; the next fetches are on their way when it returns. */
  take(): FetchedBatch[] {
    const arrived = this.#arrived;
    if (arrived.length === 0) return [];
    this.#arrived = [];
    const batches: FetchedBatch[] = [];
    for (const arrival of arrived) this.#receive(arrival, batches);
    this.request();
    return batches;
  }

  /** How far each partition has been fetched. */
  progress(): Progress[] {
    return [...this.#shares.values()].map(({ source, next, held, leader }) => ({
      partition: source.partition,
      next,
      expected: !held && !this.#failing.has(leader),
    }));
  }

  /** The topic's leaders as they are now. */
  lookedUp(leaders: readonly number[]): void {
    const leading = new Set<number>();
    for (const [partition, share] of this.#shares) {
      share.leader = leaders[partition] ?? share.leader;
      leading.add(share.leader);
    }
    for (const leader of this.#failing.keys()) if (!leading.has(leader)) this.#well(leader);
  }

  /** Returns what still fails, for the owner to call well when the next assignment stands. */
  close(): string[] {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    return [
      ...[...this.#failing.keys()].map(fetchFrom),
      ...[...this.#shares.keys()].map(boundsOf),
    ];
  }

  #well(leader: number): void {
    this.#failing.delete(leader);
    this.#options.outage.well(fetchFrom(leader));
  }

  #ask(leader: number, shares: readonly Share[]): void {
    this.#busy.add(leader);
    const wanted = shares.map((share) => {
      share.asked = true;
      return { partition: share.source.partition, next: share.next };
    });
    const arrive = (outcome: { answer?: kafka.fetchV17.FetchResponse; error?: unknown }) => {
      if (this.#closed) return;
      this.#arrived.push({ leader, shares, ...outcome });
      this.#options.onChange();
    };
    this.#options.fetcher.fetch(leader, this.topicId, { wanted }).then(
      (answer) => arrive({ answer }),
      (error) => arrive({ error, answer: answerOf(error) }),
    );
  }

  #receive(arrival: Arrival, batches: FetchedBatch[]): void {
    this.#busy.delete(arrival.leader);
    for (const share of arrival.shares) share.asked = false;
    if (arrival.error !== undefined && this.#lostSession(arrival)) return;
    let failed = arrival.answer === undefined ? [...arrival.shares] : [];
    for (const { partitions } of arrival.answer?.responses ?? []) {
      for (const fetched of partitions) {
        const share = this.#shares.get(fetched.partitionIndex);
        if (!share || !arrival.shares.includes(share)) continue;
        if (fetched.errorCode === OFFSET_OUT_OF_RANGE) this.#findBounds(share);
        else if (fetched.errorCode !== 0) failed.push(share);
        else this.#read(share, fetched, batches);
      }
    }
    // An error of the whole answer names no partition.
    if (arrival.answer && arrival.answer.errorCode !== 0) failed = [...arrival.shares];
    if (failed.length > 0) this.#retryLater(failed, arrival);
    else if (arrival.error === undefined) this.#well(arrival.leader);
  }

  /** After an error the broker's session has moved on without the library: it begins a new one, at once. */
  #lostSession(arrival: Arrival): boolean {
    return SESSION_ERRORS.some((id) => failedWith(arrival.error, "apiId", id));
  }

  #read(
    share: Share,
    fetched: kafka.fetchV17.FetchResponsePartition,
    batches: FetchedBatch[],
  ): void {
    this.#options.lag.seen(fetched.partitionIndex, Number(fetched.highWatermark));
    const { source, idPrefix, next: asked } = share;
    const batch = readPartition({ source, idPrefix, epoch: this.epoch, asked }, fetched, {
      readCommitted: this.#options.isolation === "read_committed",
    });
    if (!batch) return;
    share.next = batch.end;
    batches.push(batch);
  }

  #retryLater(shares: readonly Share[], { leader, error }: Arrival): void {
    const failures = this.#failing.get(leader) ?? 0;
    this.#failing.set(leader, failures + 1);
    this.#options.outage.failed(fetchFrom(leader), reasonOf(error));
    this.#options.fetcher.forgetLeaders();
    for (const share of shares) share.held = true;
    this.#later(retryDelayMs(failures), () => {
      for (const share of shares) share.held = false;
      this.#options.onDoubt();
      this.#options.onChange();
    });
  }

  #findBounds(share: Share, failures = 0): void {
    share.held = true;
    const { partition } = share.source;
    const { fetcher, outage, onChange } = this.#options;
    Promise.all([fetcher.earliest([partition]), fetcher.ends([partition])]).then(
      ([earliest, ends]) => {
        if (this.#closed) return;
        outage.well(boundsOf(partition));
        const bounds = { earliest: earliest.get(partition)!, end: ends.get(partition)! };
        this.#outOfRange.set(share, bounds);
        onChange();
      },
      (error) => {
        if (this.#closed) return;
        outage.failed(boundsOf(partition), reasonOf(error));
        this.#later(retryDelayMs(failures), () => this.#findBounds(share, failures + 1));
      },
    );
  }

  /** A position moves only when everything that was fetched before it is committed. */
  #moveIntoRange(): void {
    for (const [share, bounds] of this.#outOfRange) {
      const { source, next: from } = share;
      const { earliest, end } = bounds;
      if (from >= earliest && from <= end) {
        // The log has grown up to it again, or it was the broker's mistake: not at full speed.
        this.#outOfRange.delete(share);
        this.#later(LONGEST_RETRY_MS, () => {
          share.held = false;
          this.#options.onChange();
        });
        continue;
      }
      const next = this.#options.onOutOfRange(source, { from, bounds });
      if (this.#closed) return;
      if (next === "wait") continue;
      this.#outOfRange.delete(share);
      if (next === "stop") continue;
      share.next = next;
      share.held = false;
    }
  }

  #later(ms: number, act: () => void): void {
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }
}
