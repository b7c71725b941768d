/** Readings that came in with one commit, for whoever follows them through the engine. */
import { type Counters, type JournalRow, type RecordBatch } from "./ports.ts";

/** A batch that stands in the store. Its rows are on loan: they are used again once the sinks have them. */
export interface CommittedBatch {
  /** What it has of Kafka's partitions; none: its readings came over HTTP. */
  readonly positions: readonly RecordBatch[];
  /** Ids of the first and the last reading that came over HTTP. */
  readonly submitted: { readonly first: string; readonly last: string } | null;
  readonly rows: readonly JournalRow[];
  readonly counters: Readonly<Counters>;
  readonly times: BatchTimes;
}

/** When a batch was where: ms, as `performance.now()` counts them. */
export interface BatchTimes {
  /** The first attempt began. */
  readonly started: number;
  /** All its readings were judged. */
  readonly judged: number;
  readonly committed: number;
  /** Transactions that it took: more than one where the store refused. */
  readonly attempts: number;
}
