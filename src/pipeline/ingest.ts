import { type Tally } from "../core/tally.ts";
import { type BatchParts, mayPrune, NOTHING, writeProgress } from "./batch.ts";
import { Commit, rebuild, type StageTimes } from "./commit.ts";
import { NotOurs } from "./not_ours.ts";
import { type ReplayedSlice, replayLetters } from "./replay.ts";
import { waitForRoom } from "./room.ts";
import { judge, judgeBatch, type Submission, Submissions } from "./submissions.ts";
import { type LowDisk } from "./low_disk.ts";
import {
  BacklogFull,
  type BatchOutcome,
  type CommittedBatch,
  DiskLow,
  type Intake,
  type Log,
  type Outcome,
  type RecordBatch,
  type RecordSource,
  type Sender,
  type Store,
  StoreDamaged,
  StoreUnavailable,
} from "./ports.ts";

export { type StageTimes };

const RETRY_MS = 500;
/** A request waits no longer for a store that can't be written: who sent it should know. */
const REQUEST_PATIENCE_MS = 5_000;
/** An engine that has nothing to commit finds out so often whether the store can be written. */
const TRIAL_MS = 300_000;
/** Devices written at once while nothing else is to be done: about 15 ms. */
const IDLE_SLICE = 1000;

export interface IngestOptions extends BatchParts {
  readonly store: Store;
  readonly source: RecordSource | null;
  /** Whether the output topic takes rows at the moment. */
  readonly outputHealthy: () => boolean;
  readonly disk?: LowDisk;
  readonly newId: () => string;
  /** Pause between two attempts to write to a store that refuses; 500 unless told. */
  readonly retryMs?: number;
  readonly log: Log;
  /** A batch was committed; its transaction took so many ms, judging left out. */
  readonly observe: (tally: Tally, transactionMs: number) => void;
  /** The same batch, before its rows go to the sinks; undefined: nobody follows it. */
  readonly follow?: (batch: CommittedBatch) => void;
}

/** Something to be committed, as often as it takes. */
interface Work {
  /** Throws `StoreUnavailable` where it may be tried again, `NotOurs` where it may not. */
  attempt(): void;
  /** It is committed. */
  done(): void;
  /** It never will be. */
  abandon(reason: string): void;
  /** Asked before it is tried again: a reason why it isn't any more. */
  unwanted?(): string | undefined;
}

/**
 * The one road in: readings from Kafka and from HTTP become batches, one after the other. A batch is
 * one transaction: its journal rows, dead letters, counters and positions.
 */
export class Ingest implements Intake {
  readonly #options: IngestOptions;
  readonly #submissions = new Submissions();
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  /** Ends when the batch that is being tried again is committed or given up. */
  #busy: Promise<void> | null = null;
  #stopping = false;
  readonly stages: StageTimes = { fetch: 0, apply: 0, insert: 0, commit: 0, produce: 0 };
  /** When the store last refused a write; 0: it takes writes. */
  unavailableSince = 0;
  #committedAt: number;
  /** Batches committed since the start. */
  batches = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#committedAt = options.now();
  }

  /** Reads until the source is closed or `stop` is called. Rejects only where going on would be wrong: a defect. */
  async run(): Promise<void> {
    const { source } = this.#options;
    if (source === null) return;
    for (;;) {
      const asked = performance.now();
      const batches = await source.next();
      this.stages.fetch += performance.now() - asked;
      // It is full from the start, or was filled by what came over HTTP meanwhile.
      if (this.backlogFull) await this.#room();
      while (this.#busy !== null) await this.#busy;
      if (batches === null || this.#stopping) return;
      await this.#ingest(source, batches);
      const judged = performance.now();
      await this.#room();
      this.stages.produce += performance.now() - judged;
    }
  }

  submit(bytes: Uint8Array, sender?: Sender): Promise<Outcome> {
    const { newId, now } = this.#options;
    const of = { bytes, arrival: now(), tenants: sender?.tenants };
    const one = { ...of, start: 0, end: bytes.length, id: newId() };
    return this.#submitted({ readings: 1, judge: (batch) => judge(batch, one) });
  }

  submitBatch(
    bytes: Uint8Array,
    ranges: readonly number[],
    sender?: Sender,
  ): Promise<BatchOutcome> {
    const { newId, now } = this.#options;
    const all = { bytes, ranges, newId, arrival: now(), tenants: sender?.tenants };
    return this.#submitted({
      readings: ranges.length / 2,
      judge: (batch) => judgeBatch(batch, all),
    });
  }

  /** Takes dead letters back, all in one transaction. Rejects as `submit` does: all are as they were then. */
  replay(sequences: readonly number[]): Promise<ReplayedSlice> {
    const { store, now } = this.#options;
    const all = { sequences, letters: store.letters, arrival: now() };
    return this.#submitted({
      readings: sequences.length,
      judge: (batch) => replayLetters(batch, all),
    });
  }

  /**
   * Commits what was submitted, takes nothing more. What the store still refuses is given up: readings
   * from Kafka come again after the next start, submitted ones are refused.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    do {
      while (this.#busy !== null) await this.#busy;
      this.#flush();
    } while (this.#busy !== null || !this.#submissions.empty);
  }

  /** Writes cursors and, where one is due, a part of a checkpoint, while no batch does it. */
  maintain(): void {
    const { output, storage, checkpoint, state, store, ids, backlogs, now } = this.#options;
    this.#options.disk?.check();
    if (this.#busy !== null) return;
    let tidied = false;
    this.#relieve(() => {
      backlogs.relieve();
      tidied = backlogs.tidy();
    });
    state.includedId = ids.last;
    const due = checkpoint.due;
    const isTrial = this.unavailableSince > 0 ||
      Math.abs(now() - this.#committedAt) >= TRIAL_MS;
    const isSettled = store.journal.size().rows > 0 && mayPrune(this.#options) >= ids.last;
    if (!(isTrial || tidied || isSettled || due || output?.hasUnflushed || storage?.hasUnflushed)) {
      return;
    }
    const slice = due ? checkpoint.slice(IDLE_SLICE) : null;
    void this.#retrying({
      attempt: () =>
        store.transact((tx) => {
          writeProgress(tx, { ...this.#options, slice });
          // Nobody else may come by to find out that the store can be written again.
          if (isTrial) tx.count(NOTHING);
        }),
      done: () => {
        output?.flushed();
        storage?.flushed();
        if (slice !== null) checkpoint.written(slice);
        this.#committedAt = now();
      },
      abandon: () => {
        if (slice !== null) rebuild(state, checkpoint);
      },
    });
  }

  /** Writes every device that has changed, for a start without a replay. Throws what the store throws. */
  checkpointAll(): void {
    const { checkpoint, state, store, ids } = this.#options;
    // Memory includes what isn't committed.
    if (this.#busy !== null) return;
    state.includedId = ids.last;
    const slice = checkpoint.slice(Infinity);
    store.transact((tx) => writeProgress(tx, { ...this.#options, slice }));
    checkpoint.written(slice);
  }

  /**
   * Changes how readings are judged, between two batches. Every device is written first: a recovery
   * then rebuilds the windows with the lengths that they had. Throws `StoreUnavailable`, and nothing
   * has changed, where that isn't possible.
   */
  reconfigure(change: () => void): void {
    const { state, checkpoint } = this.#options;
    if (this.#busy !== null || this.unavailableSince > 0) {
      throw new StoreUnavailable("changing the tenants' settings: the store can't be written");
    }
    try {
      this.checkpointAll();
    } catch (error) {
      // The slice that failed counts as written.
      rebuild(state, checkpoint);
      throw error;
    }
    change();
    state.engine.fleet.reconfigure();
  }

  async #ingest(source: RecordSource, fetched: readonly RecordBatch[]): Promise<void> {
    const ours = fetched.filter((records) => source.owns(records));
    if (ours.length === 0) return;
    const commit = new Commit(this.#options, this.stages);
    await this.#retrying({
      attempt: () =>
        commit.attempt({
          positions: ours,
          fill: (batch) => {
            for (const records of ours) batch.applyRecords(records);
          },
        }),
      unwanted: () =>
        ours.every((records) => source.owns(records))
          ? undefined
          : "the partition went to another member meanwhile",
      done: () => {
        this.#committed(commit, ours);
        source.committed(ours);
      },
      abandon: (reason) => {
        commit.abandon();
        this.#options.log.warn("a batch was given up, its readings are read again", { reason });
        source.reset();
      },
    });
  }

  #submitted<T>(submission: Submission<T>): Promise<T> {
    if (this.#stopping) return refused("the engine is stopping");
    if (this.backlogFull) {
      return Promise.reject(new BacklogFull("taking readings: the backlog is full"));
    }
    if (this.unavailableSince > 0) return refused("the store can't be written");
    const low = this.#options.disk?.check();
    if (low !== undefined) return refused(low);
    this.#flushTimer ??= setTimeout(() => this.#flush(), 0);
    return this.#submissions.add(submission);
  }

  /** Commits what was submitted. What is too much for one transaction comes after other work had its turn. */
  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    if (this.#submissions.empty) return;
    if (this.#busy !== null) {
      this.#busy.then(() => this.#flush());
      return;
    }
    const group = this.#submissions.take();
    if (!this.#submissions.empty) this.#flushTimer = setTimeout(() => this.#flush(), 0);
    const { now } = this.#options;
    const commit = new Commit(this.#options, this.stages);
    void this.#retrying({
      attempt: () => commit.attempt({ positions: [], fill: (batch) => group.judge(batch) }),
      unwanted: () =>
        // A clock that was set back must not make people wait.
        Math.abs(now() - this.unavailableSince) < REQUEST_PATIENCE_MS
          ? undefined
          : "the store can't be written",
      done: () => {
        this.#committed(commit, []);
        this.#options.backlogs.look();
        group.settle();
      },
      abandon: (reason) => {
        commit.abandon();
        group.refuse(new StoreUnavailable(`taking readings: ${reason}`));
      },
    });
  }

  #committed(commit: Commit, positions: readonly RecordBatch[]): void {
    const { state, observe, follow, now } = this.#options;
    follow?.(commit.told(positions));
    commit.batch!.committed();
    this.#committedAt = now();
    observe(state.engine.tally, commit.transactionMs);
    this.batches++;
    state.evict();
  }

  /**
   * Does the work, and tries again as long as the store is unavailable. The first attempt runs at once,
   * and so does what follows it: nothing awaits in between (invariant 2).
   */
  #retrying(work: Work): Promise<void> | void {
    try {
      work.attempt();
    } catch (error) {
      // What waits for room must not be in the way of checkpoints, which make it.
      if (error instanceof NotOurs || error instanceof DiskLow) return work.abandon(error.message);
      if (!(error instanceof StoreUnavailable)) throw error;
      this.#unwritable(error);
      const again = this.#again(work);
      this.#busy = again.catch(() => {}).finally(() => this.#busy = null);
      // A promise of its own: a defect must end the program even where nobody waits for the work.
      return again.then();
    }
    this.#writable();
    work.done();
  }

  #unwritable(error: StoreUnavailable): void {
    if (this.unavailableSince > 0) return;
    const { log, now } = this.#options;
    this.unavailableSince = now();
    // The engine stops, and says why.
    if (error instanceof StoreDamaged) return;
    log.error("the store can't be written: reading pauses until it can", {
      cause: error.message,
      todo: "make room on the disk of DATA_DIR, or mend it",
    });
  }

  #writable(): void {
    if (this.unavailableSince === 0) return;
    const { log, now } = this.#options;
    log.info("the store can be written again", {
      seconds: Math.round((now() - this.unavailableSince) / 1000),
    });
    this.unavailableSince = 0;
  }

  async #again(work: Work): Promise<void> {
    const { retryMs = RETRY_MS } = this.#options;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, retryMs));
      const reason = work.unwanted?.();
      if (reason !== undefined) return work.abandon(reason);
      try {
        this.#giveBack();
        work.attempt();
      } catch (error) {
        if (error instanceof NotOurs || error instanceof DiskLow) {
          this.#writable();
          return work.abandon(error.message);
        }
        if (!(error instanceof StoreUnavailable)) throw error;
        if (this.#stopping) return work.abandon("the engine stops, and the store can't be written");
        continue;
      }
      this.#writable();
      work.done();
      return;
    }
  }

  /** What the sinks have by now goes: it may be all the room that the work needs. Throws as that does. */
  #giveBack(): void {
    const { output, storage, store } = this.#options;
    if (!output?.hasUnflushed && !storage?.hasUnflushed) return;
    store.transact((tx) => writeProgress(tx, { ...this.#options, slice: null }));
    output?.flushed();
    storage?.flushed();
  }

  /** A sink is so far behind that no more is taken. */
  get backlogFull(): boolean {
    return this.#options.backlogs.full;
  }

  /** Drops what has to be dropped, unless a batch waits for the store. */
  #relieve(work = () => this.#options.backlogs.relieve()): void {
    if (this.#busy !== null) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.#unwritable(error);
    }
  }

  #room(): Promise<void> {
    return waitForRoom(this.#options, {
      relieve: () => this.#relieve(),
      isStopping: () => this.#stopping,
    });
  }
}

function refused(reason: string): Promise<never> {
  return Promise.reject(new StoreUnavailable(`taking readings: ${reason}`));
}
