import type { Log, Tail, TailPosition } from "../pipeline/ports.ts";
import { EventText } from "./event_text.ts";
import { Refusal } from "./request.ts";
import { readPosition } from "./stream_position.ts";
import { type EventCounts, type Filled, type StreamFilter, StreamReader } from "./stream_reader.ts";

export interface StreamLimits {
  /** Readers at the same time; beyond them one is refused. */
  readonly readers: number;
  /** Bytes that are made for a reader and not taken by it, or one event that is larger. */
  readonly readerBytes: number;
  /** The same for as many readers as may be: each may have its share. */
  readonly allBytes: number;
  /** A reader that has taken nothing for so long, though there was something, is dropped. */
  readonly unreadMs: number;
  /** A comment is sent where nothing else was for so long. */
  readonly heartbeatMs: number;
  /** How often readers are told where they stand, and looked at. */
  readonly beatMs: number;
}

export const STREAM_LIMITS: Omit<StreamLimits, "readers"> = {
  readerBytes: 1 << 20,
  allBytes: 32 << 20,
  unreadMs: 30_000,
  heartbeatMs: 15_000,
  beatMs: 1_000,
};

/** Everything else has its turn after so long … */
const TURN_MS = 5;
/** … and so many times as long as that turn took: readers get a quarter of the engine's time at most. */
const REST = 3;
/** Those who may see the same tenants only get this part of the places: they can't keep everybody else out. */
const LIMITED_PART = 1 / 4;
/** Of an id that came in, as much as a gap repeats. */
const MAX_ID = 80;

/** Why a reader was dropped: it takes nothing, or what it needs isn't kept any more. */
export type DropReason = "unread" | "behind";

export interface StreamCounts {
  readonly events: Readonly<EventCounts>;
  readonly dropped: Readonly<Record<DropReason, number>>;
  readonly refused: number;
}

export interface StreamReadersOptions {
  readonly tail: Tail;
  readonly limits: StreamLimits;
  /** ms. */
  readonly now: () => number;
  readonly log: Log;
}

/** All who look on at the results. One after the other they are given what they can take, in short turns. */
export class StreamReaders {
  readonly #options: StreamReadersOptions;
  /** Bytes that are made for one and not taken by it. */
  readonly #share: number;
  /** Each with what ends its looking on. */
  readonly #readers = new Map<StreamReader, Onlooker>();
  readonly #ready = new Set<StreamReader>();
  readonly #text = new EventText();
  readonly #events: EventCounts = { result: 0, anomaly: 0, gap: 0 };
  readonly #dropped = { unread: 0, behind: 0 };
  #refused = 0;
  /** Dropped ones whose connections are still there: nothing but their clients can end those. */
  readonly #clinging = new Map<StreamReader, Onlooker>();
  /** Whose connections are known, and there. */
  readonly #connected = new WeakSet<StreamReader>();
  #turn: ReturnType<typeof setTimeout> | undefined;
  /** No turn before that: ms. */
  #restsUntil = -Infinity;
  #beat: ReturnType<typeof setInterval> | undefined;
  #closing = false;
  #emptied: () => void = () => {};

  constructor(options: StreamReadersOptions) {
    this.#options = options;
    const { readers, readerBytes, allBytes } = options.limits;
    this.#share = Math.min(readerBytes, Math.ceil(allBytes / Math.max(1, readers)));
    options.tail.onRows(() => this.#wake());
  }

  get size(): number {
    return this.#readers.size;
  }

  get clinging(): number {
    return this.#clinging.size;
  }

  counts(): StreamCounts {
    return { events: this.#events, dropped: this.#dropped, refused: this.#refused };
  }

  /** Refuses with 503 where there is no room for one more who may see these tenants (null: all). */
  refuseSurplus(allowed: ReadonlySet<string> | null): void {
    if (this.#closing) throw surplus("the engine stops");
    const { readers } = this.#options.limits;
    this.#refuseFull({ places: readers, who: () => true, whose: "" });
    if (allowed === null) return;
    const access = accessOf(allowed);
    this.#refuseFull({
      places: Math.ceil(readers * LIMITED_PART),
      who: (it) => it.access === access,
      whose: " with the same access",
    });
  }

  /**
   * One more, who begins behind the event `after` (undefined: with the next result). `allowed`: the
   * tenants that it may see, null: all. `completed` settles when its connection is done with the answer.
   * Refuses with 503.
   */
  open(of: {
    filter: StreamFilter;
    after: string | undefined;
    allowed: ReadonlySet<string> | null;
    completed: Promise<unknown> | undefined;
  }): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { tail, now } = this.#options;
    const { filter, allowed, after, completed } = of;
    this.refuseSurplus(allowed);
    const end = tail.end();
    const place = after === undefined ? end : readPosition(after, { folder: tail.folder, end });
    const reader = new StreamReader({
      tail,
      filter,
      from: place ?? OLDEST,
      resumes: after === undefined
        ? undefined
        : { after: after.slice(0, MAX_ID), known: place !== undefined },
      counted: allowed === null,
      now,
      onHunger: (it) => this.#awaken(it),
      onGone: (it) => this.#forget(it),
    });
    const access = allowed === null ? null : accessOf(allowed);
    this.#readers.set(reader, { access, watch: tail.watch() });
    this.#beat ??= setInterval(() => this.#look(), this.#options.limits.beatMs);
    if (completed !== undefined) {
      const done = () => this.#completed(reader);
      this.#connected.add(reader);
      completed.then(done, done);
    }
    this.#awaken(reader);
    return reader.body;
  }

  /** Ends every stream: whoever may go on comes back by itself, and loses nothing. */
  endAll(): void {
    for (const reader of [...this.#readers.keys()]) reader.end();
  }

  /** Gives every reader what is there, and ends it; after `deadlineMs` it is ended as it stands. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    if (this.#readers.size > 0) {
      const emptied = new Promise<void>((resolve) => this.#emptied = resolve);
      this.#wake();
      const late = setTimeout(() => this.endAll(), deadlineMs);
      await emptied;
      clearTimeout(late);
    }
    clearTimeout(this.#turn);
  }

  #refuseFull(
    { places, who, whose }: { places: number; who: (it: Onlooker) => boolean; whose: string },
  ): void {
    if (countOf(this.#readers, who) >= places) this.#refuse(`${places}${whose} are there already`);
    // Each may keep what lies in its connection's buffers.
    if (countOf(this.#clinging, who) >= places) {
      this.#refuse(`${places}${whose} that were dropped haven't closed their connections`);
    }
  }

  #refuse(reason: string): never {
    this.#refused++;
    throw surplus(reason);
  }

  #wake(): void {
    for (const reader of this.#readers.keys()) this.#awaken(reader);
  }

  #awaken(reader: StreamReader): void {
    if (!this.#readers.has(reader) || reader.finishing || reader.unread >= this.#share) return;
    this.#ready.add(reader);
    this.#plan();
  }

  #plan(): void {
    if (this.#turn !== undefined) return;
    const rest = Math.max(0, this.#restsUntil - this.#options.now());
    this.#turn = setTimeout(() => this.#takeTurn(), rest);
  }

  #takeTurn(): void {
    this.#turn = undefined;
    const { now } = this.#options;
    const start = now(), deadline = start + TURN_MS;
    // One that wants more comes again, behind the others.
    for (const reader of this.#ready) {
      this.#ready.delete(reader);
      if (this.#readers.has(reader)) this.#fill(reader, deadline);
      if (now() >= deadline) break;
    }
    const end = now();
    this.#restsUntil = end + REST * (end - start);
    if (this.#ready.size > 0) this.#plan();
  }

  #fill(reader: StreamReader, deadline: number): void {
    const room = this.#share - reader.unread;
    if (room <= 0) return;
    let filled: Filled;
    try {
      filled = reader.fill(this.#text, { room, deadline, counts: this.#events });
    } catch (error) {
      // What was begun is nobody else's.
      this.#text.take();
      this.#options.log.debug("a stream ended: its results couldn't be read", { error });
      return reader.end();
    }
    if (filled === "more") this.#ready.add(reader);
    if (filled === "behind") this.#drop(reader, "behind");
    if (filled === "idle" && this.#closing && reader.waits) reader.end();
  }

  /** Now and then: those who wait hear something, those who take nothing are dropped. */
  #look(): void {
    const { now, limits: { unreadMs, heartbeatMs } } = this.#options;
    const time = now();
    for (const reader of [...this.#readers.keys()]) {
      if (reader.waits) reader.beat({ comment: time - reader.sentAt >= heartbeatMs });
      else if (time - reader.readAt >= unreadMs) this.#drop(reader, "unread");
    }
  }

  #drop(reader: StreamReader, reason: DropReason): void {
    if (!reader.finishing) {
      this.#dropped[reason]++;
      this.#options.log.debug("a reader of the stream was dropped", { reason });
    }
    if (reason === "behind") return reader.finish();
    const onlooker = this.#readers.get(reader);
    if (onlooker !== undefined && this.#connected.has(reader)) {
      this.#clinging.set(reader, onlooker);
    }
    reader.end();
  }

  /** Its connection has the whole answer, or is gone. */
  #completed(reader: StreamReader): void {
    this.#connected.delete(reader);
    this.#clinging.delete(reader);
    reader.end();
  }

  #forget(reader: StreamReader): void {
    this.#readers.get(reader)?.watch[Symbol.dispose]();
    this.#readers.delete(reader);
    this.#ready.delete(reader);
    if (this.#readers.size > 0) return;
    clearInterval(this.#beat);
    this.#beat = undefined;
    this.#emptied();
  }
}

interface Onlooker {
  /** What it may see, as one text; null: everything. */
  readonly access: string | null;
  readonly watch: Disposable;
}

function countOf(of: ReadonlyMap<StreamReader, Onlooker>, who: (it: Onlooker) => boolean): number {
  let count = 0;
  for (const onlooker of of.values()) if (who(onlooker)) count++;
  return count;
}

function accessOf(tenants: ReadonlySet<string>): string {
  return JSON.stringify([...tenants].sort());
}

const OLDEST: TailPosition = { row: 1, record: 0, results: 0 };

function surplus(reason: string): Refusal {
  return new Refusal(503, `reading the stream: ${reason}`, { "retry-after": "5" });
}
