/** Results to the storage service by HTTP (contract, section 2): at least once, in order per device. */
import type { Log, Sink, SourceState, StorageFeed } from "../pipeline/ports.ts";
import { backoffMs, type Lane, Lanes } from "./lanes.ts";
import { post, type PostOutcome, verdictOn } from "./post.ts";
import { RecordsInHand } from "./records_in_hand.ts";
import { type Failure, Trouble } from "./trouble.ts";

export interface StorageSinkOptions {
  /** Base address, without `/api/store`. */
  readonly url: string;
  readonly feed: StorageFeed;
  /** Requests at the same time. */
  readonly concurrency: number;
  /** For one request, its answer included. */
  readonly timeoutMs: number;
  readonly log: Log;
  /** ms since 1970. */
  readonly now: () => number;
  /** From 0 up to 1, for the jitter. */
  readonly random: () => number;
  readonly fetch?: typeof fetch;
  /** Runs each request, to see what comes of it. */
  readonly trace?: (
    result: { readonly row: number; readonly id: string },
    send: () => Promise<PostOutcome>,
  ) => Promise<PostOutcome>;
}

export function createStorageSink(options: StorageSinkOptions): Sink {
  return new StorageSink(options);
}

class StorageSink implements Sink {
  readonly #options: StorageSinkOptions;
  readonly #hand: RecordsInHand;
  readonly #lanes: Lanes;
  readonly #trouble: Trouble;
  readonly #requests = new Set<AbortController>();
  /** Whether a request is under way that was begun while the service was down. */
  #probing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #state: SourceState = "connecting";
  /** Failures of the journal itself in a row. */
  #feedFailures = 0;
  #closed = false;
  #idle: (() => void) | undefined;

  constructor(options: StorageSinkOptions) {
    this.#options = options;
    this.#hand = new RecordsInHand(options.feed);
    this.#lanes = new Lanes(options);
    this.#trouble = new Trouble(options);
  }

  start(): void {
    this.#options.feed.onRows(() => this.#pump());
    this.#pump();
  }

  state(): SourceState {
    return this.#state;
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#requests.size === 0) return;
    const idle = new Promise<void>((resolve) => this.#idle = resolve);
    const timer = setTimeout(() => {
      for (const request of this.#requests) request.abort(new Error("the engine stops"));
    }, deadlineMs);
    await idle;
    clearTimeout(timer);
  }

  /** Sends as much as may be sent now. */
  #pump(): void {
    if (this.#closed) return;
    const { concurrency } = this.#options;
    this.#fill();
    while (this.#requests.size < concurrency && !(this.#lanes.down && this.#probing)) {
      const lane = this.#lanes.take();
      if (lane === undefined) break;
      this.#send(lane);
      this.#fill();
    }
    this.#wakeLater();
  }

  /** Reads on until every request that may be under way has a lane; more only wait in memory. */
  #fill(): void {
    try {
      while (this.#lanes.readyCount < this.#options.concurrency) {
        const result = this.#hand.next();
        if (result === undefined) break;
        this.#lanes.add(result);
      }
      if (this.#feedFailures > 0) {
        this.#options.log.info("results can be read for the storage service again");
      }
      this.#feedFailures = 0;
    } catch (error) {
      if (this.#feedFailures++ > 0) return;
      this.#options.log.error("results can't be read for the storage service; tried again", {
        error,
        todo: "see that the disk of DATA_DIR is whole",
      });
    }
  }

  async #send(lane: Lane): Promise<void> {
    const { url, timeoutMs, now, fetch = globalThis.fetch, trace } = this.#options;
    const result = lane.results[0];
    const probe = this.#lanes.down;
    const abort = new AbortController();
    this.#requests.add(abort);
    if (probe) this.#probing = true;
    const send = () => post(result, { url: `${url}/api/store`, fetch, timeoutMs, abort, now });
    const outcome = await (trace?.({ row: result.row.id, id: result.id }, send) ?? send());
    this.#requests.delete(abort);
    if (probe) this.#probing = false;
    if (outcome.stored) this.#succeed(lane, probe);
    else if (this.#isRefused(lane, outcome)) this.#refuse(lane, { probe, outcome });
    else this.#fail(lane, { probe, outcome });
    if (this.#closed && this.#requests.size === 0) this.#idle?.();
    this.#pump();
  }

  #succeed(lane: Lane, probe: boolean): void {
    this.#hand.stored(lane.results[0]);
    this.#lanes.succeed(lane, { probe });
    this.#state = "connected";
    this.#trouble.succeeded(this.#lanes);
  }

  /** An address that is wrong answers 404 to everything: only beside others that are stored it is the result. */
  #isRefused(lane: Lane, { status }: Failure): boolean {
    const verdict = verdictOn(status);
    return verdict === "refused" || (verdict === "not found" && this.#lanes.failsAlone(lane));
  }

  #refuse(lane: Lane, { probe, outcome }: { probe: boolean; outcome: Failure }): void {
    const result = lane.results[0];
    this.#options.feed.refuse({
      id: result.id,
      sink: "storage",
      tenant: result.tenant,
      time: result.row.time,
      reason: outcome.cause,
      status: outcome.status ?? null,
      answer: outcome.answer ?? null,
      attempts: lane.failures + 1,
      bytes: result.value,
    }, { row: result.row.id, record: result.index });
    this.#hand.stored(result);
    this.#lanes.refuse(lane, { probe });
    this.#trouble.refused(outcome, result.id);
  }

  #fail(lane: Lane, { probe, outcome }: { probe: boolean; outcome: Failure }): void {
    // Cut off by our own stop: nothing is known about the service.
    if (this.#closed) return;
    this.#lanes.fail(lane, { probe, afterMs: outcome.afterMs });
    this.#state = "error";
    this.#trouble.failed(outcome, { id: lane.results[0].id, down: this.#lanes.down });
  }

  #wakeLater(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { now, random } = this.#options;
    let wakeAt = this.#lanes.wakeAt;
    if (this.#feedFailures > 0) {
      wakeAt = Math.min(wakeAt, now() + backoffMs(this.#feedFailures, random));
    }
    if (wakeAt === Infinity || (this.#lanes.down && this.#probing)) return;
    this.#timer = setTimeout(() => this.#pump(), Math.max(1, wakeAt - now()));
  }
}
