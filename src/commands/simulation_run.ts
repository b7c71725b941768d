/** Sends a simulation's readings at a pace; what the target doesn't take is sent again. */
import type { SimulatedReading, Simulation } from "../simulation/simulation.ts";
import { Pace } from "./pace.ts";
import type { Delivery, Target } from "./simulation_target.ts";
import { pause } from "./stop_signal.ts";

export interface RunOptions {
  readonly simulation: Simulation;
  readonly target: Target;
  /** Number of the first reading. */
  readonly first: number;
  /** Readings a second; 0: as fast as possible. */
  readonly rate: number;
  /** Ends after so many readings. */
  readonly count?: number;
  /** Ends after so many ms. */
  readonly durationMs?: number;
  /** Ends it soon: what is on its way is waited for, 3 s at most; nothing is sent again. */
  readonly stop: AbortSignal;
  readonly now: () => number;
  /** Told each reading's number, silent ones included, before it is sent. */
  readonly onNumber: (number: number) => void;
  /** Told what a person should know, once each time. */
  readonly tell: (line: string) => void;
  /** Called after each batch. */
  readonly onProgress: (counts: Counts) => void;
}

export interface Counts {
  /** Handed to the target: `accepted + rejected + unanswered` after the end. */
  sent: number;
  accepted: number;
  rejected: number;
  /** Given up at the end, without an answer. */
  unanswered: number;
  /** Number of the reading after the last that was taken from the simulation. */
  next: number;
}

/** What is due together goes together: no more batches a second than this. */
const SMALLEST_PAUSE_MS = 20;
const RETRY_MS = { first: 250, most: 5_000 };
const LAST_ANSWER_MS = 3_000;
const REASONS_TOLD = 5;

/** Sends until it is over; the counts, and why the target can't be sent to at all, if so. */
export async function runSimulation(
  options: RunOptions,
): Promise<{ counts: Counts; failure?: string }> {
  const { simulation, target, count = Infinity, durationMs, now } = options;
  const counts: Counts = { sent: 0, accepted: 0, rejected: 0, unanswered: 0, next: options.first };
  using over = new Ending(options.stop, durationMs);
  const delivery = new DeliveryUntilTaken({ ...options, stop: over.signal }, counts);
  const pace = new Pace(options.rate, now);
  while (!over.signal.aborted && counts.sent < count) {
    const due = pace.take(Math.min(target.maxBatch, count - counts.sent));
    if (due === 0) {
      await pause(Math.max(SMALLEST_PAUSE_MS, pace.wait()), over.signal);
      continue;
    }
    const batch: SimulatedReading[] = [];
    for (let i = 0; i < due; i++) {
      const number = counts.next++;
      options.onNumber(number);
      const reading = simulation.reading(number);
      if (reading !== undefined) batch.push(reading);
    }
    counts.sent += batch.length;
    const failure = batch.length === 0 ? undefined : await delivery.send(batch);
    options.onProgress(counts);
    if (failure !== undefined) return { counts, failure };
  }
  return { counts };
}

/** Aborts its signal when somebody else's does, or after a time. */
class Ending implements Disposable {
  readonly signal: AbortSignal;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(stop: AbortSignal, afterMs: number | undefined) {
    const late = new AbortController();
    this.signal = AbortSignal.any([stop, late.signal]);
    if (afterMs !== undefined) this.#timer = setTimeout(() => late.abort(), afterMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** Sends readings until the target has taken them all. */
class DeliveryUntilTaken {
  readonly #options: RunOptions;
  readonly #counts: Counts;
  /** Reasons of rejections that were told. */
  readonly #told = new Set<string>();
  /** Since when the target doesn't take anything; 0: it does. */
  #failingSince = 0;

  constructor(options: RunOptions, counts: Counts) {
    this.#options = options;
    this.#counts = counts;
  }

  /** A reason: sending again can't help. */
  async send(batch: readonly SimulatedReading[]): Promise<string | undefined> {
    const { stop } = this.#options;
    let unsent = batch;
    for (let wait = RETRY_MS.first;; wait = Math.min(2 * wait, RETRY_MS.most)) {
      const delivery = await this.#once(unsent);
      this.#count(delivery);
      unsent = delivery.unsent;
      if (unsent.length === 0) {
        this.#works();
        return undefined;
      }
      const { message, retryAfterMs = 0, final } = delivery.failure!;
      if (!final && !stop.aborted) {
        this.#fails(message);
        await pause(Math.max(wait, retryAfterMs), stop);
      }
      if (final || stop.aborted) {
        this.#counts.unanswered += unsent.length;
        return final ? message : undefined;
      }
    }
  }

  /** One try; after the stop it is waited for 3 s more. */
  async #once(readings: readonly SimulatedReading[]): Promise<Delivery> {
    const { target, stop } = this.#options;
    const ended = new AbortController();
    const givenUp = (async () => {
      await pause(Infinity, AbortSignal.any([stop, ended.signal]));
      await pause(LAST_ANSWER_MS, ended.signal);
      return { accepted: 0, rejected: [], unsent: readings, failure: { message: "no answer" } };
    })();
    const delivery = await Promise.race([target.send(readings), givenUp]);
    ended.abort();
    return delivery;
  }

  #count({ accepted, rejected }: Delivery): void {
    this.#counts.accepted += accepted;
    this.#counts.rejected += rejected.length;
    for (const { message } of rejected) {
      if (this.#told.size === REASONS_TOLD || this.#told.has(message)) continue;
      this.#told.add(message);
      this.#options.tell(`rejected: ${message}`);
    }
  }

  #fails(message: string): void {
    if (this.#failingSince > 0) return;
    this.#failingSince = this.#options.now();
    const { target, tell } = this.#options;
    tell(`${target.name} doesn't take readings: ${message}. Trying again until it does.`);
  }

  #works(): void {
    if (this.#failingSince === 0) return;
    const seconds = Math.round((this.#options.now() - this.#failingSince) / 1000);
    this.#failingSince = 0;
    this.#options.tell(`${this.#options.target.name} takes readings again, after ${seconds} s.`);
  }
}
