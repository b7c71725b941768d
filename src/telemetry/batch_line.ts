import type { CommittedBatch } from "../pipeline/ports.ts";

/**
 * The fields of a committed batch's log line: by them the batch of a result is found, for its `id` is
 * `<topic>-<partition>-<offset>`, or lies between the first and the last id of those over HTTP.
 */
export function batchLine(batch: CommittedBatch): Record<string, unknown> {
  const { counters: { read, results, rejected }, rows, submitted } = batch;
  const journal = rows.length > 0 ? { journal: span(rows[0].id, rows[rows.length - 1].id) } : {};
  const from = positionsOf(batch);
  return {
    read,
    results,
    rejected,
    ...(from.length > 0 && { from }),
    ...(submitted && { ids: span(submitted.first, submitted.last) }),
    ...journal,
  };
}

/** `sensor-data-0: 100 to 149` for each partition that the batch has readings of, as their ids have it. */
export function positionsOf({ positions }: CommittedBatch): string[] {
  return positions.filter(({ length }) => length > 0).map((records) => {
    const partition = records.idPrefix.slice(0, -1);
    return `${partition}: ${span(records.offset(0), records.offset(records.length - 1))}`;
  });
}

function span(first: string | number, last: string | number): string {
  return first === last ? `${first}` : `${first} to ${last}`;
}
