/** One partition's share of a fetch, as the pipeline reads it. */
import type { kafka } from "../../deps.ts";
import type { PartitionRef, RecordBatch } from "../pipeline/ports.ts";
import { readableBatches } from "./aborted.ts";

/** The batch's records bear the time of their arrival at the broker, not the producer's. */
const LOG_APPEND_TIME = 1 << 3;

export interface BatchOrigin {
  readonly source: PartitionRef;
  readonly epoch: number;
  readonly idPrefix: string;
  /** The offset that the fetch was asked for. */
  readonly asked: number;
}

export class FetchedBatch implements RecordBatch {
  readonly source: PartitionRef;
  readonly epoch: number;
  readonly idPrefix: string;
  readonly asked: number;
  readonly end: number;
  readonly length: number;
  readonly #values: (Uint8Array | null)[];
  readonly #offsets: Float64Array;
  readonly #timestamps: Float64Array;

  constructor(origin: BatchOrigin, end: number, batches: readonly kafka.RecordsBatch[]) {
    this.source = origin.source;
    this.epoch = origin.epoch;
    this.idPrefix = origin.idPrefix;
    this.asked = origin.asked;
    this.end = end;
    let capacity = 0;
    for (const batch of batches) capacity += batch.records.length;
    this.#values = [];
    this.#offsets = new Float64Array(capacity);
    this.#timestamps = new Float64Array(capacity);
    for (const batch of batches) this.#take(batch);
    this.length = this.#values.length;
  }

  #take(batch: kafka.RecordsBatch): void {
    const base = Number(batch.firstOffset);
    const appended = (batch.attributes & LOG_APPEND_TIME) !== 0;
    const time = Number(appended ? batch.maxTimestamp : batch.firstTimestamp);
    for (const record of batch.records) {
      const offset = base + record.offsetDelta;
      // A batch comes whole: it may begin before the offset that was asked for.
      if (offset < this.asked) continue;
      const i = this.#values.length;
      this.#offsets[i] = offset;
      this.#timestamps[i] = appended ? time : time + Number(record.timestampDelta);
      this.#values.push(record.value);
    }
  }

  offset(i: number): number {
    return this.#offsets[i];
  }

  timestamp(i: number): number {
    return this.#timestamps[i];
  }

  buffer(i: number): Uint8Array {
    return this.#values[i] ?? EMPTY;
  }

  valueStart(i: number): number {
    return this.#values[i] === null ? -1 : 0;
  }

  valueEnd(i: number): number {
    return this.#values[i]?.length ?? -1;
  }
}

const EMPTY = new Uint8Array(0);

/**
 * What a fetch brought for one partition; undefined if the partition's offset doesn't move by it.
 * The end counts every batch, those without a reading too (control, aborted, compacted).
 */
export function readPartition(
  origin: BatchOrigin,
  fetched: kafka.fetchV17.FetchResponsePartition,
  options: { readCommitted: boolean },
): FetchedBatch | undefined {
  const batches = fetched.records ?? [];
  let end = origin.asked;
  for (const batch of batches) {
    end = Math.max(end, Number(batch.firstOffset) + batch.lastOffsetDelta + 1);
  }
  if (end === origin.asked) return undefined;
  const aborted = options.readCommitted ? fetched.abortedTransactions ?? [] : [];
  return new FetchedBatch(origin, end, readableBatches(batches, aborted));
}
