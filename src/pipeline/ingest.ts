import { type Tally } from "../core/tally.ts";
import { Batch, type BatchParts, prune, type SubmittedReading } from "./batch.ts";
import { writeSlice } from "./checkpoint.ts";
import {
  type Intake,
  type Log,
  type Outcome,
  type RecordBatch,
  type RecordSource,
  type Store,
  StoreUnavailable,
} from "./ports.ts";

const RETRY_MS = 500;
/** While the sink keeps up, reading waits for it at so many bytes in flight: more would only fill memory. */
const MAX_IN_FLIGHT_BYTES = 24_000_000;
const ROOM_CHECK_MS = 50;
/** Devices written at once while nothing else is to be done: about 15 ms. */
const IDLE_SLICE = 1000;

/** Where the ingest's time went since the start, in ms. */
export interface StageTimes {
  /** Waiting for Kafka's next fetch. */
  fetch: number;
  /** Reading, judging and serialising. */
  apply: number;
  insert: number;
  commit: number;
  /** Waiting for the output topic's acknowledgements. */
  produce: number;
}

export interface IngestOptions extends BatchParts {
  readonly store: Store;
  readonly source: RecordSource | null;
  /** Whether the output topic takes rows at the moment. */
  readonly outputHealthy: () => boolean;
  /** Reading pauses while the journal holds more bytes than this. */
  readonly maxBacklogBytes: number;
  readonly newId: () => string;
  readonly log: Log;
  /** A batch was committed; its transaction took so many ms, judging left out. */
  readonly observe: (tally: Tally, transactionMs: number) => void;
}

/** Thrown inside a transaction: a position is elsewhere, the batch isn't ours. */
class NotOurs extends Error {}

interface Waiting extends SubmittedReading {
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

/**
 * The one road in: readings from Kafka and from HTTP become batches, one after the other. A batch is
 * one transaction: its journal rows, dead letters, counters and positions.
 */
export class Ingest implements Intake {
  readonly #options: IngestOptions;
  #waiting: Waiting[] = [];
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  /** Ends when the batch that is being tried again is committed or given up. */
  #busy: Promise<void> | null = null;
  #stopping = false;
  readonly stages: StageTimes = { fetch: 0, apply: 0, insert: 0, commit: 0, produce: 0 };
  /** When the store last refused a write; 0: it takes writes. */
  unavailableSince = 0;
  /** Readings pause because the backlog is full. */
  paused = false;

  constructor(options: IngestOptions) {
    this.#options = options;
  }

  /** Reads until the source is closed. Rejects only where going on would be wrong: a defect. */
  async run(): Promise<void> {
    const { source } = this.#options;
    if (source === null) return;
    for (;;) {
      const asked = performance.now();
      const batches = await source.next();
      this.stages.fetch += performance.now() - asked;
      if (batches === null) return;
      while (this.#busy !== null) await this.#busy;
      await this.#ingest(source, batches);
      const judged = performance.now();
      await this.#room();
      this.stages.produce += performance.now() - judged;
    }
  }

  submit(reading: Uint8Array): Promise<Outcome> {
    const { newId, now } = this.#options;
    if (this.#stopping) {
      return Promise.reject(new StoreUnavailable("taking a reading: the engine is stopping"));
    }
    if (this.paused) {
      return Promise.reject(new StoreUnavailable("taking a reading: the backlog is full"));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes: reading, id: newId(), arrival: now(), resolve, reject });
      this.#flushTimer ??= setTimeout(() => this.#flush(), 0);
    });
  }

  /** Commits what was submitted, takes nothing more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    while (this.#busy !== null) await this.#busy;
    this.#flush();
  }

  /** Writes cursors and, where one is due, a part of a checkpoint, while no batch does it. */
  maintain(): void {
    const { output, storage, checkpoint, store } = this.#options;
    const due = checkpoint.due;
    if (this.#busy !== null || !(due || output?.hasUnflushed || storage?.hasUnflushed)) return;
    const slice = due ? checkpoint.slice(IDLE_SLICE) : null;
    this.#retrying(
      () =>
        store.transact((tx) => {
          output?.flush(tx);
          storage?.flush(tx);
          if (slice !== null) writeSlice(tx, slice);
          prune(tx, this.#options);
        }),
      () => true,
      () => {
        output?.flushed();
        storage?.flushed();
        if (slice !== null) checkpoint.written(slice);
      },
    );
  }

  /** Writes every device that has changed, for a start without a replay. */
  checkpointAll(): void {
    const { output, storage, checkpoint, store } = this.#options;
    const slice = checkpoint.slice(Infinity);
    store.transact((tx) => {
      output?.flush(tx);
      storage?.flush(tx);
      writeSlice(tx, slice);
    });
    checkpoint.written(slice);
    store.transact((tx) => prune(tx, this.#options));
  }

  async #ingest(source: RecordSource, fetched: readonly RecordBatch[]): Promise<void> {
    const ours = fetched.filter((records) => source.owns(records));
    if (ours.length === 0) return;
    const { store } = this.#options;
    let batch: Batch | undefined;
    let transactionMs = 0;
    const attempt = () => {
      let judged = 0, written = 0;
      store.transact((tx) => {
        for (const { source: at, asked, end } of ours) {
          if (!tx.advance(at, asked, end)) {
            throw new NotOurs(`${at.topic}-${at.partition} at ${asked}`);
          }
        }
        const started = performance.now();
        batch ??= this.#judge(ours);
        judged = performance.now();
        batch.write(tx);
        written = performance.now();
        this.stages.apply += judged - started;
      });
      const committed = performance.now();
      this.stages.insert += written - judged;
      this.stages.commit += committed - written;
      transactionMs = committed - judged;
    };
    const stillOurs = () => ours.every((records) => source.owns(records));
    try {
      await this.#retrying(attempt, stillOurs, () => {
        this.#committed(batch!, transactionMs);
        source.committed(ours);
      });
    } catch (error) {
      this.#giveUp(batch);
      if (!(error instanceof NotOurs)) throw error;
      this.#options.log.warn("a batch isn't ours: its position has moved", {
        batch: error.message,
      });
      source.reset();
    }
  }

  #judge(ours: readonly RecordBatch[]): Batch {
    const batch = new Batch(this.#options);
    for (const records of ours) batch.applyRecords(records);
    batch.finish();
    return batch;
  }

  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    if (this.#waiting.length === 0) return;
    if (this.#busy !== null) {
      this.#busy.then(() => this.#flush());
      return;
    }
    const submitted = this.#waiting;
    this.#waiting = [];
    let transactionMs = 0;
    const batch = new Batch(this.#options);
    for (const reading of submitted) batch.applySubmitted(reading);
    batch.finish();
    const attempt = () => {
      const begun = performance.now();
      this.#options.store.transact((tx) => batch.write(tx));
      transactionMs = performance.now() - begun;
    };
    this.#retrying(attempt, () => true, () => {
      this.#committed(batch, transactionMs);
      submitted.forEach((reading, i) => reading.resolve(batch.outcomes[i]));
    });
  }

  #committed(batch: Batch, transactionMs: number): void {
    const { state, observe } = this.#options;
    batch.committed();
    observe(state.engine.tally, transactionMs);
    state.evict();
  }

  /** Memory includes a batch that will never be committed: it is rebuilt from the store. */
  #giveUp(batch: Batch | undefined): void {
    if (batch === undefined) return;
    const { state, checkpoint } = this.#options;
    batch.abandon();
    state.rebuild();
    checkpoint.reset();
  }

  /**
   * Runs `attempt`, and again as long as the store is unavailable and `wanted` says so. The first
   * attempt runs at once, and so does `done` after it: nothing awaits in between (invariant 2).
   */
  #retrying(attempt: () => void, wanted: () => boolean, done: () => void): Promise<void> | void {
    try {
      attempt();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      const { log, now } = this.#options;
      this.unavailableSince ||= now();
      log.error("the store can't be written: reading pauses until it can", {
        cause: error.message,
        todo: "make room on the disk of DATA_DIR, or mend it",
      });
      const again = this.#again(attempt, wanted, done);
      this.#busy = again.then(() => {}, () => {}).finally(() => this.#busy = null);
      return again;
    }
    done();
  }

  async #again(attempt: () => void, wanted: () => boolean, done: () => void): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      if (!wanted()) throw new NotOurs("the partition went to another member meanwhile");
      try {
        attempt();
      } catch (error) {
        if (error instanceof StoreUnavailable) continue;
        throw error;
      }
      const { log, now } = this.#options;
      log.info("the store can be written again", {
        seconds: Math.round((now() - this.unavailableSince) / 1000),
      });
      this.unavailableSince = 0;
      done();
      return;
    }
  }

  /** Waits for the output topic while it keeps up, and for a backlog that is full in any case. */
  async #room(): Promise<void> {
    const { output, outputHealthy, store, maxBacklogBytes, log } = this.#options;
    while (!this.#stopping) {
      const backlogFull = store.journal.size().bytes > maxBacklogBytes;
      if (backlogFull !== this.paused) {
        this.paused = backlogFull;
        log.warn(
          backlogFull
            ? "the backlog is full: reading pauses"
            : "the backlog has room: reading goes on",
        );
      }
      const sinkBusy = output !== null && output.memoryBytes > MAX_IN_FLIGHT_BYTES &&
        outputHealthy();
      if (!backlogFull && !sinkBusy) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ROOM_CHECK_MS);
        output?.onAcknowledged(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }
}
