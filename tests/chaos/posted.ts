/** Readings that came by HTTP: each device tells how often its one reading was counted. */
import type { Findings } from "../oracle/findings.ts";
import type { InputRecord } from "../oracle/records.ts";
import type { Posted } from "./http_load.ts";

/** What one engine has counted: its results by id, as text, and the ids that it rejected. */
export interface Counted {
  readonly results: ReadonlyMap<string, string>;
  readonly rejected: ReadonlySet<string>;
  /** Offsets of its results in the output topic. */
  readonly offsets: ReadonlyMap<string, number>;
}

/** No topic has it: for readings that no topic had. */
const NO_PARTITION = -1;
const encoder = new TextEncoder();

/**
 * Once, if the first request was answered; else once at least, and at most once a request. `records`: for
 * each engine the readings that it counted, as if they stood in a partition of their own, in the order of
 * their results: nothing else tells it.
 */
export function checkPosted(
  posted: readonly Posted[],
  { counted, findings }: { counted: readonly Counted[]; findings: Findings },
): { records: InputRecord[][]; again: number; lost: number } {
  const results = counted.map(({ results }) => byDevice(results));
  const records: InputRecord[][] = counted.map(() => []);
  let again = 0;
  let lost = 0;
  for (const { device, body, attempts, result } of posted) {
    const value = encoder.encode(body);
    const found = results.flatMap((devices, engine) =>
      (devices.get(device) ?? []).map((one) => ({ ...one, engine }))
    );
    for (const { id, engine } of found) {
      const offset = counted[engine].offsets.get(id) ?? -1;
      records[engine].push({ partition: NO_PARTITION, offset, value, timestamp: 0, id });
    }
    if (found.length === 0) {
      lost++;
      findings.add("lost", `${device}, posted ${attempts} times, answered ${result}`);
    }
    if (found.length > attempts) {
      findings.add("counted more often than posted", `${device}: ${found.length} of ${attempts}`);
    }
    again += Math.max(0, found.length - 1);
    if (found.length > 0 && !found.some(({ text }) => text === result)) {
      findings.add("another answer than the result", `${device}: ${result}`);
    }
  }
  return { records, again, lost };
}

function byDevice(
  results: ReadonlyMap<string, string>,
): Map<string, { id: string; text: string }[]> {
  const devices = new Map<string, { id: string; text: string }[]>();
  for (const [id, text] of results) {
    const [, device] = /^\{"device_id":"(posted-\d+)"/.exec(text) ?? [];
    if (device === undefined) continue;
    const list = devices.get(device) ?? [];
    list.push({ id, text });
    devices.set(device, list);
  }
  return devices;
}
