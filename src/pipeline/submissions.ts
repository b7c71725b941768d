import { OVER_QUOTA, REJECTED, SAMPLED_OUT } from "../core/engine.ts";
import { type Batch, FOREIGN, type SubmittedReading } from "./batch.ts";
import { type BatchOutcome, type Outcome } from "./ports.ts";

/** A transaction takes no further request once it has so many readings: about 50 ms. */
const MAX_GROUP_READINGS = 10_000;

/** What one request brings: it is judged, and committed, as a whole. */
export interface Submission<T> {
  readonly readings: number;
  /** Hands the readings to a batch, and tells what became of them. */
  readonly judge: (batch: Batch) => T;
}

interface Waiting {
  readonly readings: number;
  judge(batch: Batch): void;
  settle(): void;
  refuse(error: unknown): void;
}

/** Requests whose readings are committed in one transaction. */
export class SubmissionGroup {
  readonly #waiting: readonly Waiting[];

  constructor(waiting: readonly Waiting[]) {
    this.#waiting = waiting;
  }

  /** Judges them in the order in which they came; again where a batch has come to nothing. */
  judge(batch: Batch): void {
    for (const one of this.#waiting) one.judge(batch);
  }

  /** They are committed: every request gets its outcome. */
  settle(): void {
    for (const one of this.#waiting) one.settle();
  }

  /** They never will be. */
  refuse(error: unknown): void {
    for (const one of this.#waiting) one.refuse(error);
  }
}

/** Requests that wait for a commit, in order. */
export class Submissions {
  #waiting: Waiting[] = [];

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Settles with the commit: see `SubmissionGroup`. */
  add<T>({ readings, judge }: Submission<T>): Promise<T> {
    return new Promise((resolve, refuse) => {
      let outcome: T;
      this.#waiting.push({
        readings,
        judge: (batch) => outcome = judge(batch),
        settle: () => resolve(outcome),
        refuse,
      });
    });
  }

  /** The first ones: as many as belong into one transaction, at least one. */
  take(): SubmissionGroup {
    let readings = 0, end = 0;
    while (end < this.#waiting.length && readings < MAX_GROUP_READINGS) {
      readings += this.#waiting[end++].readings;
    }
    const group = this.#waiting.slice(0, end);
    this.#waiting = this.#waiting.slice(end);
    return new SubmissionGroup(group);
  }
}

/** One reading, with its result. */
export function judge(batch: Batch, reading: SubmittedReading): Outcome {
  const outcome = batch.applySubmitted(reading);
  if (outcome === REJECTED) return { kind: "rejected", reason: batch.lastReason };
  if (outcome === OVER_QUOTA) return { kind: "over quota", reason: batch.lastReason };
  if (outcome === FOREIGN) return { kind: "foreign", reason: batch.lastReason };
  if (outcome === SAMPLED_OUT) return { kind: "sampled out", id: reading.id };
  return { kind: "result", value: batch.lastResult() };
}

/** All readings of a body; nothing is made of those that are taken. */
export function judgeBatch(
  batch: Batch,
  of: Pick<SubmittedReading, "bytes" | "arrival" | "tenants"> & {
    ranges: readonly number[];
    newId: () => string;
  },
): BatchOutcome {
  const { bytes, ranges, arrival, tenants, newId } = of;
  const rejected: { index: number; reason: string }[] = [];
  let overQuota = 0, foreign = 0;
  const readings = ranges.length / 2;
  for (let index = 0; index < readings; index++) {
    const start = ranges[2 * index], end = ranges[2 * index + 1];
    const outcome = batch.applySubmitted({ bytes, start, end, id: newId(), arrival, tenants });
    if (outcome === OVER_QUOTA) overQuota++;
    if (outcome === FOREIGN) foreign++;
    if (outcome === REJECTED || outcome === OVER_QUOTA || outcome === FOREIGN) {
      rejected.push({ index, reason: batch.lastReason });
    }
  }
  return { accepted: readings - rejected.length, overQuota, foreign, rejected };
}
