import { Batch, type BatchParts } from "./batch.ts";
import { type Checkpoint } from "./checkpoint.ts";
import { NotOurs } from "./not_ours.ts";
import { type CommittedBatch, type RecordBatch, type Store, StoreDamaged } from "./ports.ts";
import { type State } from "./state.ts";

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

export type CommitParts = BatchParts & { readonly store: Store };

/** A batch on its way into the store: judged in the first transaction that gets so far, written in each. */
export class Commit {
  readonly #options: CommitParts;
  readonly #stages: StageTimes;
  batch: Batch | undefined;
  /** How long the last transaction took, judging left out. */
  transactionMs = 0;
  #started: number | undefined;
  #judged = 0;
  #committed = 0;
  #attempts = 0;

  constructor(options: CommitParts, stages: StageTimes) {
    this.#options = options;
    this.#stages = stages;
  }

  /** What there is to tell once it is committed. */
  told(positions: readonly RecordBatch[]): CommittedBatch {
    const { submitted, plainRows: rows, counters } = this.batch!;
    const times = {
      started: this.#started ?? 0,
      judged: this.#judged,
      committed: this.#committed,
      attempts: this.#attempts,
    };
    return { positions, submitted, rows, counters, times };
  }

  attempt(
    of: { positions: readonly RecordBatch[]; fill: (batch: Batch) => void },
  ): void {
    const { store, state, checkpoint } = this.#options;
    let judging: Batch | undefined;
    let judged = 0, written = 0;
    this.#started ??= performance.now();
    this.#attempts++;
    try {
      store.transact((tx) => {
        for (const { source, asked, end } of of.positions) {
          if (!tx.advance(source, asked, end)) {
            throw new NotOurs(`the position of ${source.topic}-${source.partition} isn't ${asked}`);
          }
        }
        const started = performance.now();
        if (this.batch === undefined) {
          judging = new Batch(this.#options);
          of.fill(judging);
          judging.finish();
          this.batch = judging;
        }
        judged = performance.now();
        if (judging !== undefined) this.#judged = judged;
        this.batch.write(tx);
        written = performance.now();
        this.#stages.apply += judged - started;
      });
    } catch (error) {
      // A device couldn't be read: some of the readings are applied, the others aren't.
      if (judging !== undefined && this.batch === undefined) {
        judging.abandon();
        rebuild(state, checkpoint);
      }
      throw error;
    }
    const committed = this.#committed = performance.now();
    this.#stages.insert += written - judged;
    this.#stages.commit += committed - written;
    this.transactionMs = committed - judged;
  }

  abandon(): void {
    const { state, checkpoint } = this.#options;
    if (this.batch === undefined) return;
    this.batch.abandon();
    rebuild(state, checkpoint);
  }
}

/** Memory includes what will never be committed: it is made anew from the store. */
export function rebuild(state: State, checkpoint: Checkpoint): void {
  try {
    state.rebuild();
  } catch (error) {
    // Nothing will be read or written in this process any more; the engine stops.
    if (!(error instanceof StoreDamaged)) throw error;
  }
  checkpoint.reset();
}
