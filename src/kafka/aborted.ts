/** Leaves out what a `read_committed` reader must not see. */
import type { kafka } from "../../deps.ts";

const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;
/** Type of a control record, in its key after the version (Kafka's ControlRecordType). */
const ABORT = 0;

export type AbortedTransactions =
  readonly kafka.fetchV17.FetchResponsePartitionAbortedTransaction[];

function endsAborted(batch: kafka.RecordsBatch): boolean {
  const key = batch.records[0]?.key;
  return key != null && key.length >= 4 && ((key[2] << 8) | key[3]) === ABORT;
}

/**
 * The batches with records for a reader: no control batches, and none of a transaction that the
 * broker lists as aborted. The library's own filter (2.12.1) lets some of those through: it keeps one
 * range a producer, and none where a fetch ends before the transaction does. This is the rule of
 * Java's client: a producer counts as aborted from its transaction's first offset to its abort marker.
 */
export function readableBatches(
  batches: readonly kafka.RecordsBatch[],
  abortedTransactions: AbortedTransactions,
): kafka.RecordsBatch[] {
  const upcoming = [...abortedTransactions].sort((a, b) => a.firstOffset < b.firstOffset ? -1 : 1);
  const aborted = new Set<bigint>();
  const readable: kafka.RecordsBatch[] = [];
  let begun = 0;
  for (const batch of batches) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    while (begun < upcoming.length && upcoming[begun].firstOffset <= last) {
      aborted.add(upcoming[begun++].producerId);
    }
    if (batch.attributes & CONTROL) {
      if (endsAborted(batch)) aborted.delete(batch.producerId);
    } else if (!(batch.attributes & TRANSACTIONAL && aborted.has(batch.producerId))) {
      readable.push(batch);
    }
  }
  return readable;
}
