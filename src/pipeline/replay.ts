import { OVER_QUOTA, REJECTED } from "../core/engine.ts";
import { type Batch } from "./batch.ts";
import { type LetterReader } from "./ports.ts";

/** What became of letters that were replayed in one transaction. */
export interface ReplayedSlice {
  /** They are gone. */
  readonly done: number;
  /** Of these: readings that are dead letters again, with a new number. */
  readonly rejected: number;
  /** They were there, and stay: nothing can be made of them. */
  readonly left: readonly number[];
  /** They stay for now: their tenants are over their quotas, as `overReason` says of the last one. */
  readonly over: number;
  readonly overReason?: string;
}

/** Hands letters to a batch, as they are now: one that has gone meanwhile is skipped. */
export function replayLetters(
  batch: Batch,
  of: { sequences: readonly number[]; letters: LetterReader; arrival: number },
): ReplayedSlice {
  let done = 0, rejected = 0, over = 0;
  let overReason: string | undefined;
  const left: number[] = [];
  for (const sequence of of.sequences) {
    const letter = of.letters.get(sequence);
    if (letter === undefined) continue;
    const outcome = batch.replay(letter, of.arrival);
    if (outcome === undefined) {
      left.push(sequence);
      continue;
    }
    if (outcome === OVER_QUOTA) {
      over++;
      overReason = batch.lastReason;
      continue;
    }
    done++;
    if (outcome === REJECTED) rejected++;
  }
  return { done, rejected, left, over, overReason };
}
