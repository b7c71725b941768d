/** What a run's figures may be at most. */
import type { Fault } from "./plan.ts";
import { PER_SECOND } from "./setup.ts";

/** Where all readings of a run went. */
export interface Sums {
  /** From Kafka, whatever became of them. */
  records: number;
  posted: number;
  rejected: number;
  results: number;
  sampledOut: number;
  /** Nowhere to be found. */
  lost: number;
  /** Readings from Kafka that two engines have counted. */
  countedTwice: number;
  /** Counted more than once because an answer was lost and the client posted again. */
  postedAgain: number;
  /** Records of the output topic beyond the first of an engine's result. */
  outputTwice: number;
  /** Posts of what the storage service had already. */
  storedTwice: number;
  /** Results in the storage sink's dead letters. */
  deadLetters: number;
}

/** Memory of an engine: twice what one has at most while all goes well under this load. */
export const MAX_MIB = 400;
/**
 * Seconds of readings that two engines may both have counted: what a killed or frozen one had committed,
 * but not yet to the group. With room for a slow machine.
 */
const KILLED_SECONDS = 1;
const handsOver: readonly string[] = [
  "second engine killed",
  "first of two engines killed",
  "first of two engines frozen",
];

/** Readings that two engines may have counted because of these faults. */
export function twiceAtMost(faults: readonly Fault[]): number {
  let seconds = 0;
  for (const { kind } of faults) {
    if (handsOver.includes(kind)) seconds += KILLED_SECONDS;
  }
  return Math.round(seconds * PER_SECOND);
}

/** Empty: all were kept. */
export function brokenPromises(figures: {
  readonly sums: Readonly<Sums>;
  /** Results that the engines said may stand twice in the output topic. */
  readonly unsure: number;
  readonly mayCountTwice: number;
  readonly peakMiB: number;
}): string[] {
  const { sums, unsure, mayCountTwice, peakMiB } = figures;
  const broken: string[] = [];
  if (sums.lost > 0) broken.push(`${sums.lost} readings are lost`);
  if (sums.outputTwice > unsure) {
    broken.push(
      `${sums.outputTwice} results twice in the output, ${unsure} were said to be unsure`,
    );
  }
  if (sums.countedTwice > mayCountTwice) {
    broken.push(`${sums.countedTwice} readings counted by two engines, above ${mayCountTwice}`);
  }
  if (peakMiB > MAX_MIB) broken.push(`an engine had ${peakMiB} MiB, above ${MAX_MIB}`);
  return broken;
}
