import { type Backlog } from "./backlog.ts";
import { DropNotice } from "./drop_notice.ts";
import { type Dropped, type DroppingFeed, type Drops } from "./drops.ts";
import { type Log } from "./ports.ts";

/** What happens while more waits for a sink than may, or for longer. */
export type BacklogPolicy = "block" | "drop_oldest" | "drop_newest";

export interface BacklogLimits {
  readonly maxBytes: number;
  /** Infinity: no limit. */
  readonly maxAgeMs: number;
  readonly policy: BacklogPolicy;
}

export type BacklogFeed = DroppingFeed & { backlog(): Backlog };

/** A backlog below this part of its limit isn't full any more: at the limit it would be so many times a second. */
const ROOM_AGAIN = 0.9;
/** So much of the limit more than needed is dropped at once: not every batch has to drop something then. */
const SLACK = 0.01;
/** A sink isn't well for so long after something was dropped. */
const LATELY_MS = 60_000;

/** What waits for one sink, and what is done where that is too much. */
export class SinkBacklog {
  readonly feed: BacklogFeed;
  readonly #limits: BacklogLimits;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #notice: DropNotice;
  /** Why it is over a limit. */
  #over: string | undefined;
  /** The newest results don't go to this sink. */
  isRefusing = false;
  #pauseTold = false;
  #droppedThrough = 0;
  #droppedAt = -Infinity;

  constructor(
    sink: { feed: BacklogFeed; limits: BacklogLimits },
    { log, now }: { log: Log; now: () => number },
  ) {
    this.feed = sink.feed;
    this.#limits = sink.limits;
    this.#log = log;
    this.#now = now;
    this.#notice = new DropNotice(sink.feed.gaps.sink, { log, now });
  }

  get blocks(): boolean {
    return this.#limits.policy === "block" && this.#over !== undefined;
  }

  /** Why it isn't as it should be. */
  get reason(): string | undefined {
    if (Math.abs(this.#now() - this.#droppedAt) >= LATELY_MS) return this.#over;
    return `results were dropped: ${this.#over ?? "its backlog is at its limit"}`;
  }

  look(): void {
    const { maxBytes, maxAgeMs, policy } = this.#limits;
    const { bytes, since } = this.feed.backlog();
    const ageMs = since === undefined ? 0 : this.#now() - since;
    const isFull = (part: number) => bytes > maxBytes * part || ageMs > maxAgeMs * part;
    this.#over = bytes > maxBytes
      ? `${bytes} bytes wait, the limit is ${maxBytes}`
      : ageMs > maxAgeMs
      ? `the oldest result has waited for ${seconds(ageMs)} s, the limit is ${seconds(maxAgeMs)} s`
      : undefined;
    if (policy === "drop_newest") this.isRefusing = isFull(this.isRefusing ? ROOM_AGAIN : 1);
    if (policy === "block") this.#tellPause({ bytes, isNearlyFull: isFull(ROOM_AGAIN) });
  }

  /** One transaction's worth; false: there is nothing to be dropped. Throws `StoreUnavailable`. */
  dropOldest(drops: Drops): boolean {
    const { maxBytes, maxAgeMs, policy } = this.#limits;
    if (policy !== "drop_oldest") return false;
    const { bytes, since } = this.feed.backlog();
    const excess = bytes > maxBytes ? bytes - maxBytes * (1 - SLACK) : 0;
    const before = this.#now() - maxAgeMs;
    if (excess === 0 && (since === undefined || since >= before)) return false;
    const dropped = drops.dropOldest(this.feed, {
      from: this.#droppedThrough + 1,
      more: ({ time }, freedBytes) => freedBytes < excess || time < before,
    });
    if (dropped === undefined) return false;
    this.#droppedThrough = dropped.last.id;
    this.noteDropped(dropped);
    return true;
  }

  noteDropped(dropped: Dropped): void {
    this.#droppedAt = this.#now();
    this.#notice.add(dropped);
  }

  /** What was dropped and wasn't told, if it is time. */
  tellDropped(options: { atOnce?: boolean } = {}): void {
    this.#notice.tell(options);
  }

  /** Told as one pause: at the limit reading pauses and goes on many times a second. */
  #tellPause({ bytes, isNearlyFull }: { bytes: number; isNearlyFull: boolean }): void {
    const fields = { sink: this.feed.gaps.sink, bytes, limit: this.#limits.maxBytes };
    if (this.#over !== undefined && !this.#pauseTold) {
      this.#pauseTold = true;
      this.#log.warn("the backlog is full: reading pauses until the sink has caught up", {
        ...fields,
        cause: this.#over,
        todo: "see why results aren't taken, or raise BACKLOG_MAX_BYTES or BACKLOG_MAX_AGE",
      });
    } else if (this.#pauseTold && !isNearlyFull) {
      this.#pauseTold = false;
      this.#log.info("the backlog has room again", fields);
    }
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
