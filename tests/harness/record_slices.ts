import type { TestRecord } from "./kafka.ts";

/** Requests stay below the broker's 1 MB a batch: at most 2,000 records or, roughly, 700 kB each. */
export function* slices(records: readonly TestRecord[]): Generator<readonly TestRecord[]> {
  let start = 0;
  let bytes = 0;
  for (let i = 0; i < records.length; i++) {
    const size = (records[i].value?.length ?? 0) + (records[i].key?.length ?? 0) + 100;
    if (i > start && (bytes + size > 700_000 || i - start >= 2_000)) {
      yield records.slice(start, i);
      start = i;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < records.length) yield records.slice(start);
}
