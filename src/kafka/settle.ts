import type { kafka } from "../../deps.ts";
import type { JournalRow, LaneState, Log, OutputFeed } from "../pipeline/ports.ts";
import { lastSequence, newIdentity, type ProducerIdentity, standing } from "./identity.ts";
import { topicIdAt } from "./output_topic.ts";
import {
  CONFIRMATION_LASTS_MS,
  MAX_REFUSALS_OF_ONE,
  NO_IDENTITY,
  type OutputLane,
  type Trouble,
} from "./output_lane.ts";

/** What the sink counts, by lanes, records or rows as named. */
export type OutputEvent =
  /** Records that the broker has acknowledged. */
  | "acknowledged"
  /** Records that may have been sent before; the broker drops those that it has. */
  | "sent again"
  /** Records sent again that the broker may have, and can't recognise. */
  | "unsure"
  /** Producer ids given to lanes, the first ones included. */
  | "new producer id"
  /** Lanes whose broker has records that this data folder never sent: the folder is an older copy. */
  | "folder older than broker"
  /** Records that the broker once acknowledged and has no more. */
  | "lost by broker"
  /** Rows sent without a timestamp, because the broker refused it. */
  | "timestamp refused"
  /** Rows replaced by smaller ones. */
  | "split"
  /** Records that the topic never takes; they are kept aside. */
  | "refused"
  /** New batches answered with an offset that isn't new. */
  | "offset not new"
  /** Requests, and rows in them, that failed and are tried again. */
  | "failures";

export interface Settling {
  readonly feed: OutputFeed;
  readonly log: Log;
  readonly now: () => number;
  readonly topic: string;
  readonly topicId: string;
  /** Largest batch that the topic takes; Infinity: the broker doesn't say. */
  readonly maxBytes: number;
  /** To the leader of the lane's partition. */
  readonly connection: kafka.Connection;
  readonly observe: (event: OutputEvent, count: number) => void;
  /** Throws where the answer that was waited for is of no use any more. */
  readonly check: () => void;
}

/** What the broker's answer means for the lane. */
interface Finding {
  /** Why the lane takes a new producer id; undefined: it keeps its own. */
  readonly change?: string;
  /** The broker knows the producer id. */
  readonly confirmed: boolean;
  /** Records in doubt go out again, and the broker can't recognise them. */
  readonly unsure?: boolean;
  readonly ahead?: boolean;
  /** Acknowledged records that the broker has no more. */
  readonly missing?: number;
}

interface Case {
  /** As it was when the broker was asked. */
  readonly state: Readonly<LaneState>;
  readonly trouble: Trouble;
  readonly by: Settling;
}

/**
 * Puts a lane right with nothing in flight: asks the broker what it has, moves the cursor there, takes
 * a new producer id where the old one can't go on, and opens the lane. Rejects where the broker can't
 * be asked or the store fails: call again, nothing that was decided is lost.
 */
export async function settle(lane: OutputLane, by: Settling): Promise<void> {
  const trouble = lane.trouble!;
  const state = stateOf(lane, by.feed);
  const finding = await find(lane, { state, trouble, by });
  let { change } = finding;
  let letter: Letter | undefined;
  if ((trouble.kind === "too large" || trouble.kind === "refused") && !change) {
    letter = shrink(lane, { trouble, by });
    // An id that wasn't used yet may begin behind the gap: refused records in a row share one.
    if (letter && lane.used) change = "a record is refused";
  }
  const identity = change === undefined ? state : await identify(lane, { change, by });
  report(lane, { finding, trouble, by });
  // Only now: were the old id still in the store, the gap would look like a loss after a crash.
  if (letter) giveUp(letter, { lane: lane.number, by });
  by.feed.rewind(lane.number);
  const after = stateOf(lane, by.feed);
  const fresh = change !== undefined;
  lane.open(by.connection, {
    identity,
    fresh,
    // Under a new id no batch can be taken for an older one, and a broker may have lost its log's end.
    lastOffset: fresh ? -1 : Math.max(lane.lastOffset, after.lastOffset),
    from: after.acknowledged,
    next: lane.used && !fresh ? after.acknowledged : undefined,
    confirmedAt: !fresh && finding.confirmed ? by.now() : -Infinity,
  });
}

async function find(lane: OutputLane, at: Case): Promise<Finding> {
  const { state, trouble, by } = at;
  if (state.producerId < 0n) {
    // Another client may have sent under an id of its own, which nobody knows any more.
    const unsure = state.producerId === NO_IDENTITY;
    return { change: "it had none", confirmed: false, unsure };
  }
  const recreated = state.topicId !== by.topicId;
  if (trouble.kind === "inherited" && !recreated) {
    return { change: "it is from before the start", confirmed: false };
  }
  if (trouble.kind === "gap" && !recreated) {
    return { change: trouble.reason, confirmed: false, unsure: true };
  }
  const last = await lastSequence(by.connection, {
    topic: by.topic,
    partition: lane.number,
    producerId: state.producerId,
  });
  // Asked by name, and the broker that leads may know of a recreated topic before the others do.
  const topicId = await topicIdAt(by.connection, by.topic);
  by.check();
  if (topicId !== by.topicId) {
    throw new Error(
      `asking for the last sequence of ${by.topic}: the topic is just being recreated`,
    );
  }
  const finding = last === undefined ? unknown(lane, at) : known(lane, { ...at, last });
  // The broker is asked all the same: rows may have gone to the new topic before that was noticed.
  const change = finding.change ?? (recreated ? "the topic was recreated" : undefined);
  // Under a new id the broker won't recognise what is still on its way.
  const onTheirWay = change !== undefined && lane.unansweredSince !== undefined;
  return { ...finding, change, unsure: finding.unsure || onTheirWay };
}

/**
 * The broker doesn't know the producer. The id stays nevertheless: a new one would gain nothing, while
 * under this one a request that is still on its way is recognised when the same rows come again.
 */
function unknown(lane: OutputLane, { trouble, by }: Case): Finding {
  const change = trouble.kind === "sequence" ? trouble.reason : undefined;
  const since = lane.unansweredSince ?? Infinity;
  // What got no answer may have arrived, and been forgotten by now.
  const forgotten = Math.abs(by.now() - since) > CONFIRMATION_LASTS_MS && since < Infinity;
  return { change, confirmed: false, unsure: lane.heard || forgotten };
}

function known(lane: OutputLane, { last, state, trouble, by }: Case & { last: number }): Finding {
  const { acknowledged } = state;
  const place = standing(last, { acknowledged, sent: lane.sent });
  if (place.kind === "ahead") {
    const change = "the broker has records that this data folder never sent";
    return { change, confirmed: true, unsure: true, ahead: true };
  }
  if (place.kind === "behind") {
    const change = "the broker has lost records that it had acknowledged";
    return { change, confirmed: true, missing: place.missing };
  }
  // In a new topic nothing of the old one's is left, whatever the first failure was.
  const gapAt = state.topicId === by.topicId ? lane.refusedAt : lane.doubtAt;
  if (gapAt !== undefined && place.sequence > gapAt) {
    const change = "a batch was taken after an earlier one was refused";
    return { change, confirmed: true, unsure: true };
  }
  if (place.sequence > acknowledged) {
    by.feed.acknowledge(lane.number, place.sequence, -1);
    by.observe("acknowledged", place.sequence - acknowledged);
  } else if (trouble.kind === "sequence") {
    return { change: trouble.reason, confirmed: true };
  }
  return { confirmed: true };
}

/** A record that is given up. */
interface Letter {
  readonly row: JournalRow;
  readonly reason: string;
  readonly answer: string | null;
  readonly attempts: number;
}

/** Has the row split; where it can't be, its one record is never taken: what becomes of it. */
function shrink(
  lane: OutputLane,
  { trouble, by }: {
    trouble: Extract<Trouble, { kind: "too large" | "refused" }>;
    by: Settling;
  },
): Letter | undefined {
  const { row } = trouble;
  // The broker has it after all, or it comes up again behind others.
  if (stateOf(lane, by.feed).acknowledged !== row.baseSequence) return undefined;
  const size = row.body.byteLength;
  const large = trouble.kind === "too large";
  const over = large && size > by.maxBytes;
  const fields = {
    lane: lane.number,
    row: row.id,
    bytes: size,
    max_message_bytes: by.maxBytes,
    answer: trouble.answer,
  };
  if (row.count > 1) {
    by.feed.split(row, over ? by.maxBytes : Math.floor(size / 2));
    by.observe("split", 1);
    by.log.info(
      large
        ? "output topic: rows over the topic's max.message.bytes are split"
        : "output topic: rows that the broker refuses are split, to find the record that it won't have",
      fields,
    );
    return undefined;
  }
  const attempts = lane.refusalsOf(row.baseSequence);
  const unexplained = large && !over && by.maxBytes < Infinity;
  if (unexplained && attempts < MAX_REFUSALS_OF_ONE) {
    by.log.debug("output topic: a record is refused as too large, though it isn't", fields);
    // The limit may just have been changed: sent again after a pause.
    lane.attempts++;
    return undefined;
  }
  return {
    row,
    reason: large && !unexplained
      ? "larger than the topic's max.message.bytes"
      : "refused by the output topic's broker",
    answer: trouble.answer ?? null,
    attempts,
  };
}

function giveUp(letter: Letter, { lane, by }: { lane: number; by: Settling }): void {
  const { row, reason, answer } = letter;
  by.feed.refuse(row, letter);
  by.observe("refused", 1);
  by.log.error("output topic: a record that the broker refuses for good is in the dead letters", {
    lane,
    row: row.id,
    bytes: row.body.byteLength,
    max_message_bytes: by.maxBytes,
    reason,
    answer,
    todo:
      "see the topic's settings, max.message.bytes first, and the broker's log; then replay it: plumbline dead-letters",
  });
}

async function identify(
  lane: OutputLane,
  { change, by }: { change: string; by: Settling },
): Promise<ProducerIdentity> {
  const identity = await newIdentity(by.connection);
  by.check();
  by.feed.identify(lane.number, { topicId: by.topicId, ...identity });
  by.observe("new producer id", 1);
  by.log.debug("output topic: a lane has a new producer id", {
    lane: lane.number,
    producer_id: String(identity.producerId),
    reason: change,
  });
  return identity;
}

/** Counts and logs what people should know; once, when it has been dealt with. */
function report(
  lane: OutputLane,
  { finding, trouble, by }: { finding: Finding; trouble: Trouble; by: Settling },
): void {
  const { acknowledged } = stateOf(lane, by.feed);
  const fields = { lane: lane.number, acknowledged, sent: lane.sent };
  if (finding.ahead) {
    by.observe("folder older than broker", 1);
    by.log.warn("output topic: the data folder is older than the broker, a restored copy?", {
      ...fields,
      todo: "none if it was restored; otherwise see that no other engine uses a copy of the folder",
    });
  }
  if (finding.missing) {
    by.observe("lost by broker", finding.missing);
    by.log.error("output topic: the broker has lost records that it had acknowledged", {
      ...fields,
      records: finding.missing,
      todo: "see the broker's log: it came back with an older state, or from a replica behind",
    });
  }
  const inDoubt = lane.sent - acknowledged;
  if (finding.unsure && inDoubt > 0) {
    by.observe("unsure", inDoubt);
    by.log.warn("output topic: records go out again that the broker may have", {
      ...fields,
      todo: "none: consumers can drop duplicates by the id",
      reason: finding.change ?? "the broker doesn't know the producer id any more",
    });
  }
  if (trouble.kind === "gap" && trouble.offset !== undefined) {
    by.observe("offset not new", 1);
    by.log.error("output topic: a new batch was answered with an offset that isn't new", {
      ...fields,
      reason: trouble.reason,
      todo: "see the broker's log: it may have lost the end of its own",
    });
  }
  if (trouble.kind === "timestamp") {
    by.observe("timestamp refused", 1);
    by.log.warn("output topic: the broker refuses the timestamp, the row goes out without one", {
      ...fields,
      reason: trouble.reason,
      todo: "set this machine's clock right, or the broker's",
    });
  }
}

/** A copy: the feed may hand out what it works on. */
function stateOf(lane: OutputLane, feed: OutputFeed): Readonly<LaneState> {
  const state = feed.lanes().find((other) => other.lane === lane.number);
  if (!state) throw new Error(`settling lane ${lane.number}: the journal has no such lane`);
  return { ...state };
}
