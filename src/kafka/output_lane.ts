import type { kafka } from "../../deps.ts";
import type { JournalRow, LaneState, OutputFeed } from "../pipeline/ports.ts";
import type { ProducerIdentity } from "./identity.ts";
import { type BatchAnswer, errorName } from "./produce.ts";
import { NO_TIMESTAMP, seal } from "./seal.ts";

/** The broker recognises a repeated batch among a producer's newest five only. */
const MAX_UNACKNOWLEDGED = 5;

/** A producer that was silent for longer than this may be forgotten by the broker (checked every 10 min there). */
export const CONFIRMATION_LASTS_MS = 60_000;

/** A lane's producer id after a client that has none of its own to keep: its rows may have been sent. */
export const NO_IDENTITY = -2n;

/** Why a lane has stopped sending; it is put right once its batches in flight are answered. */
export type Trouble =
  /** It has just been found, or something failed that may work the next time. */
  | { readonly kind: "retry"; readonly reason: string }
  /** The broker refuses the sequence of the first unacknowledged batch. */
  | { readonly kind: "sequence"; readonly reason: string }
  /** The producer id can't go on: records are missing in its sequence, on purpose or not. */
  | {
    readonly kind: "gap";
    readonly reason: string;
    /** A new batch was answered with this offset, which isn't above the last one. */
    readonly offset?: number;
  }
  /** The producer id is from before the start, what was sent under it is settled, and a newer row comes. */
  | { readonly kind: "inherited" }
  /** The broker's clock disagrees by more than it allows. */
  | { readonly kind: "timestamp"; readonly reason: string }
  /** The topic doesn't take a batch of this row's size; without an answer it wasn't tried. */
  | { readonly kind: "too large"; readonly row: JournalRow; readonly answer?: string }
  /** The broker refuses this row, or one of its records, for good. */
  | { readonly kind: "refused"; readonly row: JournalRow; readonly answer: string };

export interface Sent {
  readonly row: JournalRow;
  /** Was sent before, or may have been by an earlier process. */
  readonly again: boolean;
}

/** What an answer came to. */
export type Verdict = "acknowledged" | "ignored" | "trouble";

const DUPLICATE = 46;
const CORRUPT_MESSAGE = 2;
const MESSAGE_TOO_LARGE = 10;
const RECORD_LIST_TOO_LARGE = 18;
const INVALID_TIMESTAMP = 32;
/** OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, UNKNOWN_PRODUCER_ID. */
const SEQUENCE_REFUSED = new Set([45, 47, 59]);
/**
 * Answers that are given before anything is appended: CORRUPT_MESSAGE, MESSAGE_TOO_LARGE,
 * RECORD_LIST_TOO_LARGE, NOT_ENOUGH_REPLICAS, two about authorization, INVALID_TIMESTAMP,
 * INVALID_RECORD. All others leave it open: NOT_LEADER_OR_FOLLOWER, for one, also comes for a batch
 * that stands in the log, when the broker stops while it waits for its replicas.
 */
const SURELY_NOT_APPENDED = new Set([2, 10, 18, 19, 29, 31, 32, 87]);
/** POLICY_VIOLATION, INVALID_RECORD: the same bytes will never be taken. */
const REFUSED_FOR_GOOD = new Set([44, 87]);
/**
 * A refusal that may pass: bytes are damaged on their way, a limit is just being changed. After so many
 * of the same row it is the row.
 */
export const MAX_REFUSALS_OF_ONE = 5;

/**
 * One partition of the output topic, from the sink's side: which of its rows are in flight, under
 * which identity, and what has gone wrong. It sends only while it has no trouble.
 */
export class OutputLane {
  readonly number: number;
  readonly #feed: OutputFeed;
  #trouble: Trouble | undefined = { kind: "retry", reason: "not asked yet" };
  #connection: kafka.Connection | undefined;
  #identity: ProducerIdentity = { producerId: -1n, producerEpoch: -1 };
  #inFlight: Sent[] = [];
  #held: JournalRow | undefined;
  /** Base sequence that the next row must have; undefined: a new producer may start anywhere. */
  #next: number | undefined;
  #sent: number;
  #lastOffset = -1;
  /** When the broker last showed that it knows the producer, -Infinity: not yet. */
  #confirmedAt = -Infinity;
  /** Base sequence of the first batch that surely isn't in the log; a later one that is leaves a gap. */
  #refusedAt: number | undefined;
  /** Base sequence of the first batch that failed: what later ones are answered doesn't move the cursor. */
  #doubtAt: number | undefined;
  #heard: boolean;
  /**
   * Where the rows end that were there when this process began with a producer id of an earlier one.
   * Only they go out under it: a copy of the data folder has the same id, but also the same rows, so
   * whoever sends them first, they are there once. Under one id with rows of their own the two would
   * be taken for one another, and results would vanish.
   */
  #inheritedEnd: number | undefined;
  /** A batch under this producer id may stand in the log. */
  #used: boolean;
  /** When rows went out of which one got no answer since the lane was opened: it may still arrive. */
  #unansweredSince: number | undefined;
  #peekedAt = 0;
  /** Base sequences of rows that go out without a timestamp. */
  readonly #untimed = new Set<number>();
  /** Rows that the broker refused since it took one: their base sequences and ends. */
  #refusals: { base: number; end: number; corrupt: boolean }[] = [];
  /** Failed attempts since the last acknowledgement. */
  attempts = 0;
  /** When it failed last, as the watch over the topic counts. */
  failedAt = 0;
  /** The broker that it was tried with last. */
  place = "";

  constructor(state: LaneState, feed: OutputFeed) {
    this.number = state.lane;
    this.#feed = feed;
    // Without a producer id nothing was ever sent.
    // Another client may have sent under an id that nobody knows any more.
    const known = state.producerId >= 0n;
    this.#heard = known || state.producerId === NO_IDENTITY;
    this.#sent = this.#heard ? state.end : state.acknowledged;
    this.#used = known;
    this.#inheritedEnd = known ? state.end : undefined;
  }

  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  get inFlight(): number {
    return this.#inFlight.length;
  }

  /** Where it sends to while it has no trouble. */
  get connection(): kafka.Connection | undefined {
    return this.#connection;
  }

  /** Records below this may have been sent; after a start: everything that was in the journal then. */
  get sent(): number {
    return this.#sent;
  }

  /** The broker may have had records under this id: it was seen to, or the id is from before the start. */
  get heard(): boolean {
    return this.#heard;
  }

  get refusedAt(): number | undefined {
    return this.#refusedAt;
  }

  get doubtAt(): number | undefined {
    return this.#doubtAt;
  }

  get lastOffset(): number {
    return this.#lastOffset;
  }

  /** False: the broker surely has nothing under this producer id, it may still begin at any sequence. */
  get used(): boolean {
    return this.#used;
  }

  /** ms; undefined: every batch since the lane was opened got its answer. */
  get unansweredSince(): number | undefined {
    return this.#unansweredSince;
  }

  /** How often the record of this sequence was sent and refused. */
  refusalsOf(sequence: number): number {
    return this.#refusals.filter(({ base, end }) => base <= sequence && sequence < end).length;
  }

  /** Begins to send from the cursor. `next`: the sequence that the producer must go on with. */
  open(
    connection: kafka.Connection,
    as: {
      identity: ProducerIdentity;
      /** Nobody had this identity before. */
      fresh: boolean;
      lastOffset: number;
      /** The lane's cursor. */
      from: number;
      next: number | undefined;
      confirmedAt: number;
    },
  ): void {
    this.#connection = connection;
    if (as.fresh) {
      this.#inheritedEnd = undefined;
      this.#used = false;
    }
    this.#unansweredSince = undefined;
    this.#identity = as.identity;
    this.#lastOffset = as.lastOffset;
    this.#next = as.next;
    this.#confirmedAt = as.confirmedAt;
    this.#heard = as.confirmedAt > -Infinity;
    this.#held = undefined;
    for (const sequence of this.#untimed) {
      if (sequence < as.from) this.#untimed.delete(sequence);
    }
    this.#refusals = this.#refusals.filter(({ end }) => end > as.from);
    this.#refusedAt = undefined;
    this.#doubtAt = undefined;
    this.#trouble = undefined;
  }

  /** The first trouble stands: the others follow from it. */
  fail(trouble: Trouble): void {
    this.#trouble ??= trouble;
  }

  /**
   * The row to send next, if it may be sent now. A row over `maxBytes`, or one whose sequence leaves a
   * gap, is trouble instead. Throws what the feed throws.
   */
  peek({ maxBytes, now }: { maxBytes: number; now: number }): JournalRow | undefined {
    if (this.#trouble) return undefined;
    this.#peekedAt = now;
    // Where the broker doesn't know the producer it takes any sequence: with a second batch in flight,
    // a refusal of the first one would put them out of order.
    const known = Math.abs(now - this.#confirmedAt) < CONFIRMATION_LASTS_MS;
    // The first one after a failure shows whether it works: no more goes out before.
    const many = known && this.attempts === 0;
    if (this.#inFlight.length >= (many ? MAX_UNACKNOWLEDGED : 1)) return undefined;
    const row = this.#held ??= this.#feed.take(this.number);
    if (!row) return undefined;
    const gap = this.#next !== undefined && row.baseSequence !== this.#next;
    const inherited = row.baseSequence >= (this.#inheritedEnd ?? Infinity);
    const tooLarge = row.body.byteLength > maxBytes;
    // All are put right only with nothing in flight.
    if ((gap || inherited || tooLarge) && this.#inFlight.length > 0) return undefined;
    if (gap) {
      this.fail({
        kind: "gap",
        reason: `the next row begins at sequence ${row.baseSequence}, expected ${this.#next}`,
      });
      return undefined;
    }
    if (inherited) {
      this.fail({ kind: "inherited" });
      return undefined;
    }
    if (tooLarge) {
      this.fail({ kind: "too large", row });
      return undefined;
    }
    return row;
  }

  /** Seals the row that `peek` gave; it is in flight from now on. */
  take(row: JournalRow): Sent {
    seal(row, {
      producerId: this.#identity.producerId,
      epoch: this.#identity.producerEpoch,
      sequence: row.baseSequence,
      timestamp: this.#untimed.has(row.baseSequence) ? NO_TIMESTAMP : row.time,
    });
    const sent = { row, again: row.baseSequence < this.#sent };
    this.#held = undefined;
    this.#next = row.baseSequence + row.count;
    this.#sent = Math.max(this.#sent, this.#next);
    this.#inFlight.push(sent);
    return sent;
  }

  /** Nothing is known of this batch: the connection failed, or the answer took too long. */
  lost(sent: Sent, reason: string): void {
    this.#settled(sent);
    this.#used = true;
    this.#unansweredSince ??= this.#peekedAt;
    this.#failed({ kind: "retry", reason }, sent.row);
  }

  answered(sent: Sent, { answer, now }: { answer: BatchAnswer; now: number }): Verdict {
    this.#settled(sent);
    const { row } = sent;
    const appended = answer.error === 0 || answer.error === DUPLICATE;
    if (!SURELY_NOT_APPENDED.has(answer.error)) this.#used = true;
    if (!appended) return this.#refusedBy(answer, row);
    if (this.#refusedAt !== undefined) {
      this.#trouble = { kind: "gap", reason: "a batch was taken after an earlier one was refused" };
      return "trouble";
    }
    // What went before is in doubt: the broker will be asked, the cursor moves then.
    if (this.#doubtAt !== undefined) return "ignored";
    const known = answer.error === 0 && answer.baseOffset >= 0;
    if (known && !sent.again && answer.baseOffset <= this.#lastOffset) {
      const reason =
        `a new batch was answered with offset ${answer.baseOffset}, which isn't above ${this.#lastOffset}: the broker took it for an older one`;
      this.#failed({ kind: "gap", reason, offset: answer.baseOffset }, row);
      return "trouble";
    }
    const last = known ? answer.baseOffset + row.count - 1 : -1;
    this.#lastOffset = Math.max(this.#lastOffset, last);
    this.#confirmedAt = now;
    this.#heard = true;
    this.#untimed.delete(row.baseSequence);
    if (this.#refusals.length > 0) {
      this.#refusals = this.#refusals.filter(({ end }) => end > row.baseSequence + row.count);
    }
    this.attempts = 0;
    this.#feed.acknowledge(this.number, row.baseSequence + row.count, last);
    return "acknowledged";
  }

  #refusedBy({ error, message }: BatchAnswer, row: JournalRow): Verdict {
    const reason = message ? `${errorName(error)}: ${message}` : errorName(error);
    if (SURELY_NOT_APPENDED.has(error)) this.#refusedAt ??= row.baseSequence;
    if (error === MESSAGE_TOO_LARGE || error === RECORD_LIST_TOO_LARGE) {
      this.#refused(row);
      this.#failed({ kind: "too large", row, answer: reason }, row);
    } else if (REFUSED_FOR_GOOD.has(error) || this.#isDamaged(error, row)) {
      this.#refused(row);
      this.#failed({ kind: "refused", row, answer: reason }, row);
    } else if (error === INVALID_TIMESTAMP && !this.#untimed.has(row.baseSequence)) {
      if (this.#doubtAt === undefined) this.#untimed.add(row.baseSequence);
      this.#failed({ kind: "timestamp", reason }, row);
    } else {
      this.#failed({ kind: SEQUENCE_REFUSED.has(error) ? "sequence" : "retry", reason }, row);
    }
    return "trouble";
  }

  /** Behind a batch that failed an answer tells nothing about the row itself. */
  #refused({ baseSequence, count }: JournalRow, corrupt = false): void {
    if (this.#doubtAt !== undefined) return;
    this.#refusals.push({ base: baseSequence, end: baseSequence + count, corrupt });
  }

  #isDamaged(error: number, row: JournalRow): boolean {
    if (error !== CORRUPT_MESSAGE) return false;
    const { baseSequence: sequence } = row;
    const times =
      this.#refusals.filter(({ base, end, corrupt }) =>
        corrupt && base <= sequence && sequence < end
      ).length;
    if (times + 1 >= MAX_REFUSALS_OF_ONE) return true;
    this.#refused(row, true);
    return false;
  }

  /** A batch failed; those behind it fail with it, which tells nothing new. */
  #failed(trouble: Trouble, row: JournalRow): void {
    if (this.#doubtAt !== undefined) return;
    this.#doubtAt = row.baseSequence;
    this.#trouble = trouble;
    if (isLasting(trouble)) this.attempts++;
  }

  #settled(sent: Sent): void {
    this.#inFlight = this.#inFlight.filter((other) => other !== sent);
  }
}

/** The others are put right at once. */
export function isLasting(trouble: Trouble): trouble is Trouble & { reason: string } {
  const { kind } = trouble;
  return kind === "retry" || kind === "sequence" || kind === "gap";
}
