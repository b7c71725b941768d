/** The partitions of one epoch: which offset each is at, and the fetches that are under way for them. */
import type { kafka } from "../../deps.ts";
import type { PartitionRef, Positions } from "../pipeline/ports.ts";
import { failedWith, retryDelayMs } from "./failure.ts";
import { answerOf, type Fetcher, type Isolation } from "./fetch.ts";
import type { Lag } from "./lag.ts";
import { type Outage, reasonOf } from "./outage.ts";
import { type FetchedBatch, readPartition } from "./records.ts";

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
  /** Set aside: after a failure until the retry, or while retention's first offset is looked up. */
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
  readonly fetcher: Fetcher;
  readonly positions: Positions;
  readonly lag: Lag;
  readonly outage: Outage;
  /** Something may be taken, or may be asked for again. */
  onChange(): void;
  /** The topic may have moved or changed: the owner looks at it, then calls `lookedUp`. */
  onDoubt(): void;
  /** Retention has overtaken this partition. Moves the position, or says false: not possible yet. */
  onOutOfRange(source: PartitionRef, move: { from: number; to: number }): boolean;
}

function fetchFrom(leader: number): string {
  return `fetch from broker ${leader}`;
}

function firstOffsetOf(partition: number): string {
  return `first offset of partition ${partition}`;
}

export class Assignment {
  readonly epoch: number;
  readonly topicId: string;
  readonly #options: AssignmentOptions;
  readonly #shares: Map<number, Share>;
  readonly #busy = new Set<number>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #arrived: Arrival[] = [];
  /** First offsets of partitions that retention has overtaken, until the position may move. */
  readonly #overtaken = new Map<Share, number>();
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
    this.#moveOvertaken();
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
      ...[...this.#shares.keys()].map(firstOffsetOf),
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
        if (fetched.errorCode === OFFSET_OUT_OF_RANGE) this.#findEarliest(share);
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

  #findEarliest(share: Share, failures = 0): void {
    share.held = true;
    const { partition } = share.source;
    this.#options.fetcher.earliest([partition]).then(
      (offsets) => {
        this.#overtaken.set(share, offsets.get(partition)!);
        this.#options.onChange();
      },
      (error) => {
        if (this.#closed) return;
        this.#options.outage.failed(firstOffsetOf(partition), reasonOf(error));
        this.#later(retryDelayMs(failures), () => this.#findEarliest(share, failures + 1));
      },
    );
  }

  /** A position moves only when everything that was fetched before it is committed. */
  #moveOvertaken(): void {
    for (const [share, to] of this.#overtaken) {
      const moved = this.#options.onOutOfRange(share.source, { from: share.next, to });
      if (!moved) continue;
      this.#overtaken.delete(share);
      this.#options.outage.well(firstOffsetOf(share.source.partition));
      share.next = to;
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
