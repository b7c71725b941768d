/**
 * The output topic by kafkajs' own producer, at least once: its identity ends with the process, so what
 * was in flight when that ended goes out again and can't be recognised. Within a process each record is
 * appended once. One row of a lane is on its way at a time, which keeps the order of its devices.
 */
import type { JournalRow, LaneState, Log, Sink, SourceState } from "../../pipeline/ports.ts";
import { seldom } from "../../telemetry/seldom.ts";
import { backoffMs } from "../backoff.ts";
import type { KafkaOutputOptions } from "../output.ts";
import { MAX_REFUSALS_OF_ONE, NO_IDENTITY } from "../output_lane.ts";
import { Outage, reasonOf } from "../outage.ts";
import { Pauses } from "../pauses.ts";
import { failureOf, OutputProducer } from "./output_producer.ts";
import type { TopicMetadata } from "./requests.ts";

const REFRESH_MS = 30_000;

export function createKafkajsOutput(options: KafkaOutputOptions): Sink {
  return new KafkajsOutput(options);
}

interface Lane {
  readonly number: number;
  /** Records below this may have been sent by an earlier producer. */
  sentBefore: number;
  /** How many of them are in doubt at most: so many came after the last one that was acknowledged. */
  doubts: number;
  sending: boolean;
  attempts: number;
  /** Base sequence of the row that goes out without a timestamp. */
  untimed: number;
  /** The last row that was sent, until it is acknowledged. */
  unacknowledged: { readonly from: number; readonly to: number } | undefined;
  /** Offset of the last acknowledged record; -1: not known. */
  lastOffset: number;
  /** The record that was refused last, and how often. */
  refused?: { readonly from: number; readonly attempts: number };
}

class KafkajsOutput implements Sink {
  readonly #options: KafkaOutputOptions;
  readonly #producer: OutputProducer;
  readonly #outage: Outage;
  /** For what may be said of each row. */
  readonly #seldom: Log;
  readonly #pauses = new Pauses();
  #view: TopicMetadata | undefined;
  /** By lane, from before the first row is sent. */
  readonly #lanes = new Map<number, Lane>();
  readonly #inFlight = new Set<Promise<void>>();
  /** Ends of the journal's lanes at the start: everything below may have been sent by an earlier process. */
  #ends = new Map<number, number>();
  #looking: Promise<void> | undefined;
  #woken = false;
  #closed = false;

  constructor(options: KafkaOutputOptions) {
    this.#options = options;
    this.#producer = new OutputProducer(options, options.topic);
    this.#outage = new Outage("output topic", options);
    this.#seldom = seldom(options.log, options);
  }

  start(): void {
    const { feed } = this.#options;
    for (const { lane, end, acknowledged, producerId } of feed.lanes()) {
      // Without an identity nothing was ever sent.
      this.#ends.set(lane, producerId === -1n ? acknowledged : end);
    }
    feed.onRows(() => this.#wake());
    void this.#watch();
  }

  state(): SourceState {
    if (this.#outage.lasts) return "error";
    return this.#view ? "connected" : "connecting";
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    this.#pauses.end();
    const deadline = new Pauses();
    const late = deadline.wait(deadlineMs);
    await Promise.race([Promise.all(this.#inFlight), late]);
    await Promise.race([this.#producer.close(), late]);
    deadline.end();
  }

  async #watch(): Promise<void> {
    const { random, refreshMs = REFRESH_MS } = this.#options;
    for (let attempt = 0; !this.#closed;) {
      try {
        await this.#look();
        attempt = 0;
        await this.#pauses.wait(refreshMs);
      } catch (error) {
        if (!this.#closed) this.#failed("topic", reasonOf(error));
        await this.#pauses.wait(backoffMs(attempt++, random));
      }
    }
  }

  /** Partitions come, topics are recreated. Rejects where the topic can't be seen. */
  #look(): Promise<void> {
    return this.#looking ??= this.#lookNow().finally(() => this.#looking = undefined);
  }

  async #lookNow(): Promise<void> {
    const { feed, log, topic } = this.#options;
    const view = await this.#producer.describe();
    const before = this.#view;
    const partitions = view.leaders.length;
    const recreated = before !== undefined && before.topicId !== view.topicId;
    if (recreated) {
      log.warn("output topic: it was recreated, results go on into the new one", { topic });
      // Its sequences are the old topic's.
      await this.#renew();
    }
    if (this.#closed) return;
    if (before?.leaders.length !== partitions) feed.open({ topicId: view.topicId, partitions });
    const fresh = feed.lanes().filter(({ lane }) => recreated || !this.#lanes.has(lane));
    await this.#begin(fresh, view);
    for (const lane of this.#lanes.keys()) {
      if (lane < partitions) continue;
      this.#lanes.delete(lane);
      this.#outage.well(part(lane));
    }
    this.#view = view;
    this.#outage.well("topic");
    this.#wake();
  }

  /** Finds out how much of what waits may be in the topic already. */
  async #begin(states: readonly LaneState[], { topicId }: TopicMetadata): Promise<void> {
    if (states.length === 0) return;
    const { feed } = this.#options;
    const ends = await this.#producer.ends(states.map(({ lane }) => lane));
    if (this.#closed) return;
    for (const { lane: number, topicId: known, producerId, ...state } of states) {
      const sameTopic = known === topicId;
      const lastOffset = sameTopic ? state.lastOffset : -1;
      // Of what came after our last acknowledged record some may be ours, sent and never heard of.
      const doubts = Math.max(0, (ends.get(number) ?? 0) - lastOffset - 1);
      const lane = this.#lanes.get(number);
      if (lane) {
        Object.assign(lane, { doubts, lastOffset });
      } else {
        this.#lanes.set(number, {
          number,
          sentBefore: this.#ends.get(number) ?? state.acknowledged,
          doubts,
          lastOffset,
          sending: false,
          attempts: 0,
          untimed: -1,
          unacknowledged: undefined,
        });
      }
      if (sameTopic && producerId === NO_IDENTITY) continue;
      // Another client must not take up an identity that has gaps by then.
      feed.identify(number, { topicId, producerId: NO_IDENTITY, producerEpoch: -1 });
    }
  }

  /** The producer's next rows bear a new id: those that are under way can't be recognised any more. */
  async #renew(): Promise<void> {
    for (const lane of this.#lanes.values()) {
      if (!lane.unacknowledged) continue;
      const { from, to } = lane.unacknowledged;
      lane.sentBefore = Math.max(lane.sentBefore, to);
      lane.doubts = Math.max(lane.doubts, to - from);
    }
    this.#options.observe?.("new producer id", 1);
    await this.#producer.renew();
  }

  #wake(): void {
    if (this.#woken || this.#closed) return;
    this.#woken = true;
    queueMicrotask(() => {
      this.#woken = false;
      if (this.#closed || !this.#view) return;
      for (const lane of this.#lanes.values()) this.#drain(lane);
    });
  }

  #drain(lane: Lane): void {
    if (lane.sending) return;
    lane.sending = true;
    const draining: Promise<void> = this.#sendAll(lane).finally(() =>
      this.#inFlight.delete(draining)
    );
    this.#inFlight.add(draining);
  }

  async #sendAll(lane: Lane): Promise<void> {
    const { feed, random } = this.#options;
    while (!this.#closed && this.#lanes.get(lane.number) === lane) {
      let row: JournalRow | undefined;
      try {
        row = feed.take(lane.number);
        if (row) await this.#send(lane, row);
        lane.attempts = 0;
        this.#outage.well(part(lane.number));
        if (!row) break;
      } catch (error) {
        if (this.#closed) break;
        await this.#recover(lane, { row, error });
        if (lane.attempts > 0) await this.#pauses.wait(backoffMs(lane.attempts - 1, random));
      }
    }
    // In one step with the feed's answer that there is nothing: what comes from here on begins anew.
    lane.sending = false;
  }

  async #send(lane: Lane, row: JournalRow): Promise<void> {
    const { feed, observe } = this.#options;
    const from = row.baseSequence;
    const to = from + row.count;
    if (from < lane.sentBefore || lane.unacknowledged) observe?.("sent again", row.count);
    if (from < lane.sentBefore) this.#count(lane, row);
    lane.unacknowledged = { from, to };
    const offset = await this.#producer.send(row, { untimed: lane.untimed === from });
    lane.unacknowledged = undefined;
    const last = offset < 0 ? -1 : offset + row.count - 1;
    feed.acknowledge(lane.number, to, last);
    observe?.("acknowledged", row.count);
    // Another lane's rows may have waited for these: the feed holds them back without a word.
    this.#wake();
    // Offsets only grow, unless the topic is another one.
    if (last >= 0 && last <= lane.lastOffset) this.#look().catch(() => {}); // it is looked at anyway
    lane.lastOffset = Math.max(lane.lastOffset, last);
  }

  /** Counts what may become a duplicate, and tells of it. */
  #count(lane: Lane, row: JournalRow): void {
    const unsure = Math.min(row.count, lane.doubts);
    if (unsure === 0) return;
    lane.doubts -= unsure;
    this.#options.observe?.("unsure", unsure);
    this.#seldom.warn("output topic: records go out again that the broker may have", {
      lane: lane.number,
      records: unsure,
      todo: "none: consumers can drop duplicates by the id",
      reason: "kafkajs can't keep its producer's identity",
    });
  }

  async #recover(
    lane: Lane,
    { row, error }: { row: JournalRow | undefined; error: unknown },
  ): Promise<void> {
    const { feed } = this.#options;
    const failure = row ? failureOf(error) : "not appended";
    const reason = reasonOf(error);
    try {
      if (row && (failure === "too large" || failure === "refused")) {
        lane.unacknowledged = undefined;
        return await this.#shrink(lane, { row, large: failure === "too large", answer: reason });
      }
      if (row && failure === "timestamp" && lane.untimed !== row.baseSequence) {
        return this.#leaveOutTime(lane, { row, reason });
      }
      if (row && failure === "sequence") {
        // Nobody else sends under its id: it was the broker that forgot, or lost, what it had.
        await this.#renew();
      }
      if (failure === "not appended") lane.unacknowledged = undefined;
      lane.attempts++;
      this.#failed(part(lane.number), reason);
      await this.#look();
    } catch (failed) {
      lane.attempts++;
      this.#failed(part(lane.number), reasonOf(failed));
    } finally {
      if (this.#lanes.get(lane.number) === lane) feed.rewind(lane.number);
    }
  }

  #leaveOutTime(lane: Lane, { row, reason }: { row: JournalRow; reason: string }): void {
    lane.untimed = row.baseSequence;
    lane.unacknowledged = undefined;
    this.#options.observe?.("timestamp refused", 1);
    this.#seldom.warn(
      "output topic: the broker refuses the timestamp, the row goes out without one",
      {
        lane: lane.number,
        reason,
        todo: "set this machine's clock right, or the broker's",
      },
    );
  }

  /** Has the row split; where it can't be, its one record is given up. */
  async #shrink(
    lane: Lane,
    { row, large, answer }: { row: JournalRow; large: boolean; answer: string },
  ): Promise<void> {
    const { feed, observe } = this.#options;
    const bytes = row.body.byteLength;
    const maxBytes = large ? await this.#producer.maxBytes() : Infinity;
    const over = large && bytes > maxBytes;
    const fields = { lane: row.lane, row: row.id, bytes, max_message_bytes: maxBytes, answer };
    if (row.count > 1) {
      feed.split(row, over ? maxBytes : Math.floor(bytes / 2));
      observe?.("split", 1);
      this.#seldom.info("output topic: rows that the broker refuses are split", fields);
      return;
    }
    const attempts = lane.refused?.from === row.baseSequence ? lane.refused.attempts + 1 : 1;
    lane.refused = { from: row.baseSequence, attempts };
    const unexplained = large && !over && maxBytes < Infinity;
    if (unexplained && attempts < MAX_REFUSALS_OF_ONE) {
      // The limit may just have been changed: sent again after a pause.
      lane.attempts++;
      return;
    }
    const reason = large && !unexplained
      ? "larger than the topic's max.message.bytes"
      : "refused by the output topic's broker";
    feed.refuse(row, { reason, answer, attempts });
    observe?.("refused", 1);
    this.#seldom.error(
      "output topic: a record that the broker refuses for good is in the dead letters",
      {
        ...fields,
        reason,
        todo: "see the topic's settings, max.message.bytes first, and the broker's log",
      },
    );
  }

  #failed(part: string, reason: string): void {
    this.#options.observe?.("failures", 1);
    this.#outage.failed(part, reason);
  }
}

function part(lane: number): string {
  return `partition ${lane}`;
}
