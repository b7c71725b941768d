import type { Result } from "./records_in_hand.ts";

/** A device's results, one after the other: the next is posted when the one before is stored. */
export interface Lane {
  readonly key: number;
  readonly results: Result[];
  /** Failures since its last success. */
  failures: number;
  /** How many results had been stored when it began to fail: see `Lanes.fail`. */
  failingSince: number;
  /** ms; when it may be tried again. */
  retryAt: number;
}

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 30_000;
/** So many refused for good and none stored: it is the service, not the results. */
const MAX_REFUSALS = 100;

/** Exponential, half of it by chance, so that many don't come back at once. */
export function backoffMs(failures: number, random: () => number): number {
  const delay = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), MAX_DELAY_MS);
  return delay * (0.5 + random() / 2);
}

/**
 * Whose turn it is. A lane is busy (a request is under way), ready, or waiting after a failure.
 *
 * One device that fails is that device's own trouble: its lane waits, all others go on. Where two fail
 * and nothing succeeds, the service is taken to be down: then one lane at a time probes it, until one
 * succeeds. A lane that had failed before something else succeeded says nothing about the service.
 */
export class Lanes {
  readonly #lanes = new Map<number, Lane>();
  readonly #ready = new Set<Lane>();
  readonly #waiting = new Set<Lane>();
  /** Lanes that began to fail since the last success. */
  readonly #suspects = new Set<Lane>();
  readonly #now: () => number;
  readonly #random: () => number;
  #successes = 0;
  #failing = 0;
  /** Results refused for good since the last success. */
  #refusals = 0;
  #wakeAt = Infinity;
  #outage: { probes: number; probeAt: number } | undefined;

  constructor(options: { now: () => number; random: () => number }) {
    this.#now = options.now;
    this.#random = options.random;
  }

  get readyCount(): number {
    return this.#ready.size;
  }

  /** Lanes whose first result has failed since the last success. */
  get failing(): number {
    return this.#failing;
  }

  /** Whether the service is taken to be down. */
  get down(): boolean {
    return this.#outage !== undefined;
  }

  /** When `take` may have something that it doesn't have now, in ms; Infinity: not by itself. */
  get wakeAt(): number {
    if (this.#outage === undefined) return this.#wakeAt;
    const { probeAt } = this.#outage;
    return this.#ready.size > 0 ? probeAt : Math.max(probeAt, this.#wakeAt);
  }

  add(result: Result): void {
    const lane = this.#lanes.get(result.deviceHash);
    if (lane !== undefined) {
      lane.results.push(result);
      return;
    }
    const key = result.deviceHash;
    const fresh = { key, results: [result], failures: 0, failingSince: 0, retryAt: 0 };
    this.#lanes.set(key, fresh);
    this.#ready.add(fresh);
  }

  /** The next lane to be tried; it is busy until `succeed` or `fail`. */
  take(): Lane | undefined {
    this.#wakeWaiting();
    if (this.#outage !== undefined && this.#now() < this.#outage.probeAt) return undefined;
    const lane = this.#outage === undefined ? first(this.#ready) : this.#probe();
    if (lane !== undefined) this.#ready.delete(lane);
    return lane;
  }

  /** Whether others were stored since the lane began to fail. */
  failsAlone(lane: Lane): boolean {
    return lane.failures > 0 && lane.failingSince !== this.#successes;
  }

  /** Its first result is given up. Where nothing but that happens, one at a time is tried, less and less often. */
  refuse(lane: Lane, options: { probe: boolean }): void {
    this.#next(lane);
    this.#suspects.delete(lane);
    if (++this.#refusals >= MAX_REFUSALS) {
      this.#probeLater(this.#outage ??= { probes: 0, probeAt: 0 });
    } else if (this.#outage !== undefined && options.probe) {
      this.#recover();
      this.#suspects.clear();
    }
  }

  /** Its first result is stored. `probe`: the request was begun while the service was down. */
  succeed(lane: Lane, options: { probe: boolean }): void {
    this.#next(lane);
    if (this.#outage !== undefined && !options.probe) return;
    this.#successes++;
    this.#refusals = 0;
    if (this.#outage !== undefined) this.#recover();
    this.#suspects.clear();
  }

  #next(lane: Lane): void {
    lane.results.shift();
    if (lane.failures > 0) this.#failing--;
    lane.failures = 0;
    if (lane.results.length > 0) this.#ready.add(lane);
    else this.#lanes.delete(lane.key);
  }

  /** The suspects failed because the service was away, as far as is known: they needn't wait on. */
  #recover(): void {
    this.#outage = undefined;
    for (const suspect of this.#suspects) {
      if (this.#waiting.delete(suspect)) this.#ready.add(suspect);
    }
  }

  /** `afterMs`: the service takes nothing before that time is over, as it says itself. */
  fail(lane: Lane, options: { probe: boolean; afterMs?: number }): void {
    const afterMs = (options.afterMs ?? 0) * (1 + this.#random() / 10);
    if (lane.failures++ === 0) {
      lane.failingSince = this.#successes;
      this.#failing++;
    }
    lane.retryAt = this.#now() + Math.max(backoffMs(lane.failures, this.#random), afterMs);
    this.#waiting.add(lane);
    this.#wakeAt = Math.min(this.#wakeAt, lane.retryAt);
    if (afterMs > 0) {
      const outage = this.#outage ??= { probes: 0, probeAt: 0 };
      outage.probeAt = Math.max(outage.probeAt, this.#now() + afterMs);
      this.#suspects.add(lane);
      return;
    }
    if (lane.failingSince !== this.#successes) return;
    this.#suspects.add(lane);
    if (this.#outage !== undefined) {
      if (options.probe) this.#probeLater(this.#outage);
    } else if (this.#suspects.size > 1) {
      this.#outage = { probes: 0, probeAt: this.#now() };
    }
  }

  #probeLater(outage: { probes: number; probeAt: number }): void {
    outage.probes++;
    outage.probeAt = this.#now() + backoffMs(outage.probes, this.#random);
  }

  /** Rather one that hasn't failed yet: its failure or success says most. */
  #probe(): Lane | undefined {
    for (const lane of this.#ready) if (lane.failures === 0) return lane;
    return first(this.#ready);
  }

  #wakeWaiting(): void {
    const now = this.#now();
    if (now < this.#wakeAt) return;
    this.#wakeAt = Infinity;
    for (const lane of this.#waiting) {
      if (lane.retryAt <= now) {
        this.#waiting.delete(lane);
        this.#ready.add(lane);
      } else {
        this.#wakeAt = Math.min(this.#wakeAt, lane.retryAt);
      }
    }
  }
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  for (const item of set) return item;
}
