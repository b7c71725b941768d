import type { kafka } from "../../deps.ts";
import type { Log, OutputFeed, Sink, SourceState } from "../pipeline/ports.ts";
import { seldom } from "../telemetry/seldom.ts";
import { backoffMs } from "./backoff.ts";
import { type ClusterAccess, securityOptions } from "./connection_options.ts";
import { Connections, parseAddress } from "./connections.ts";
import { Outage, reasonOf } from "./outage.ts";
import { isLasting, OutputLane, type Sent } from "./output_lane.ts";
import type { TopicView } from "./output_topic.ts";
import { Pauses } from "./pauses.ts";
import { type BatchAnswer, produce } from "./produce.ts";
import { type OutputEvent, settle } from "./settle.ts";
import { TopicWatch } from "./topic_watch.ts";
import { Turns } from "./turns.ts";

export interface KafkaOutputOptions extends ClusterAccess {
  readonly topic: string;
  readonly feed: OutputFeed;
  readonly log: Log;
  /** ms; only differences count. */
  readonly now: () => number;
  /** In [0, 1), for the pauses between retries. */
  readonly random: () => number;
  /** How often the topic is looked at for new partitions and the like; 30,000 unless told. */
  readonly refreshMs?: number;
  /** Counts, for metrics. */
  readonly observe?: (event: OutputEvent, count: number) => void;
}

/** With fewer the connection stands still while the broker answers (measured: two 190 k/s, five 230 k/s). */
const REQUESTS_IN_FLIGHT = 5;
const REQUEST_BYTES = 2_000_000;
const REQUEST_TIMEOUT_MS = 30_000;
const REFRESH_MS = 30_000;
/** So many records refused for good and none taken: it is the topic, not the records. */
const MAX_REFUSALS = 100;

/**
 * Drains the journal into the output topic: in order within a lane, each record once (see
 * `docs/architecture.md`), through every failure. Throws at once where an address isn't `host:port`.
 */
export function createKafkaOutput(options: KafkaOutputOptions): Sink {
  return new KafkaOutput(options);
}

class KafkaOutput implements Sink {
  readonly #options: KafkaOutputOptions;
  readonly #connections: Connections;
  readonly #watch: TopicWatch;
  readonly #outage: Outage;
  /** For what may be said of each row. */
  readonly #seldom: Log;
  readonly #pauses = new Pauses();
  readonly #turns: Turns;
  /** Records refused for good since the last acknowledgement. */
  #refusals = 0;
  #lanes: OutputLane[] = [];
  readonly #settling = new Set<OutputLane>();
  readonly #inFlight = new Map<kafka.Connection, number>();
  /** The lane that the next request begins with: one that found no room goes first. */
  #turn = 0;
  #woken = false;
  #closed = false;
  #drained: () => void = () => {};

  constructor(options: KafkaOutputOptions) {
    this.#options = options;
    this.#connections = new Connections(options.clientId, {
      ...securityOptions(options.security),
      requestTimeout: REQUEST_TIMEOUT_MS,
      maxInflights: 4 * REQUESTS_IN_FLIGHT,
    });
    this.#outage = new Outage("output topic", options);
    this.#seldom = seldom(options.log, options);
    this.#turns = new Turns({ pauses: this.#pauses, random: options.random });
    this.#watch = new TopicWatch({
      topic: options.topic,
      bootstrap: options.brokers.map(parseAddress),
      connections: this.#connections,
      pauses: this.#pauses,
      refreshMs: options.refreshMs ?? REFRESH_MS,
      log: options.log,
      random: options.random,
      onView: (view, before) => this.#show(view, before),
      onFailure: (reason) => this.#failed("topic", reason),
    });
  }

  start(): void {
    const { feed } = this.#options;
    // Now, before rows are added: what the broker has beyond these ends was never sent from here.
    this.#lanes = feed.lanes().map((state) => new OutputLane(state, feed));
    feed.onRows(() => this.#wake());
    void this.#watch.run();
  }

  state(): SourceState {
    if (this.#outage.lasts) return "error";
    return this.#watch.view ? "connected" : "connecting";
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    this.#pauses.end();
    this.#turns.look();
    const deadline = new Pauses();
    const late = deadline.wait(deadlineMs);
    const drained = new Promise<void>((resolve) => this.#drained = resolve);
    if (this.#inFlight.size > 0) await Promise.race([drained, late]);
    await Promise.race([this.#connections.close(), late]);
    deadline.end();
  }

  #show(view: TopicView, before: TopicView | undefined): void {
    const { feed } = this.#options;
    const recreated = before !== undefined && before.topicId !== view.topicId;
    if (recreated) {
      this.#options.log.warn("output topic: it was recreated, results go on into the new one", {
        topic: this.#options.topic,
      });
    }
    if (recreated || before?.partitions !== view.partitions) feed.open(view);
    this.#outage.well("topic");
    for (const lane of this.#lanes) {
      if (lane.number < view.partitions) continue;
      this.#outage.well(`partition ${lane.number}`);
      this.#turns.leave(lane);
    }
    this.#lanes = feed.lanes().filter(({ lane }) => lane < view.partitions).map((state) =>
      this.#lanes.find((lane) => lane.number === state.lane) ?? new OutputLane(state, feed)
    );
    for (const lane of this.#lanes) {
      if (recreated) lane.fail({ kind: "retry", reason: "the topic was recreated" });
      this.#care(lane);
    }
    // Leaders may have moved.
    this.#turns.look();
  }

  /** Begins to put a lane right that is in trouble, once nothing of it is in flight. */
  #care(lane: OutputLane): void {
    if (!lane.trouble || lane.inFlight > 0 || this.#settling.has(lane)) return;
    this.#settling.add(lane);
    void this.#settle(lane).finally(() => {
      this.#settling.delete(lane);
      this.#wake();
    });
  }

  async #settle(lane: OutputLane): Promise<void> {
    const part = `partition ${lane.number}`;
    while (!this.#closed && this.#lanes.includes(lane)) {
      try {
        await this.#mayTry(lane);
        await this.#attempt(lane);
        return;
      } catch (error) {
        if (this.#closed) return;
        lane.attempts++;
        this.#fail(lane, reasonOf(error));
      }
    }
    this.#turns.leave(lane);
    this.#outage.well(part);
  }

  /** Waits until the topic was seen as it is now, and until it is the lane's turn. */
  async #mayTry(lane: OutputLane): Promise<void> {
    const { random } = this.#options;
    // Where others are served by the same broker it is the lane's own trouble.
    if (lane.attempts > 0 && !this.#turns.isFailing(lane.place)) {
      await this.#pauses.wait(backoffMs(lane.attempts - 1, random));
    }
    // As of the storage service: a topic that refuses everything doesn't refuse it at full speed.
    if (this.#refusals >= MAX_REFUSALS) {
      await this.#pauses.wait(backoffMs(this.#refusals - MAX_REFUSALS, random));
    }
    // The trouble may come from a view that is out of date.
    await this.#watch.seenSince(lane.failedAt);
    await this.#turns.take(lane, () => this.#placeOf(lane));
    lane.place = this.#placeOf(lane);
  }

  /** Which broker leads the lane's partition. */
  #placeOf(lane: OutputLane): string {
    const leader = this.#watch.view?.leaders[lane.number];
    return leader ? `${leader.host}:${leader.port}` : "no leader";
  }

  async #attempt(lane: OutputLane): Promise<void> {
    const { feed, now, topic } = this.#options;
    const view = this.#watch.view!;
    const leader = view.leaders[lane.number];
    if (!leader) throw new Error(`sending to ${topic}: partition ${lane.number} has no leader`);
    const connection = await this.#connections.get(leader);
    const check = () => {
      if (
        this.#closed || this.#watch.view!.topicId !== view.topicId || !this.#lanes.includes(lane)
      ) {
        throw new Error("settling a lane: the topic has changed meanwhile");
      }
    };
    check();
    await settle(lane, {
      feed,
      log: this.#seldom,
      now,
      topic,
      topicId: view.topicId,
      maxBytes: this.#watch.maxBytes,
      connection,
      observe: (event, count) => this.#observe(event, count),
      check,
    });
    // With rows in hand only an acknowledgement shows that it works.
    if (this.#peek(lane) !== undefined || lane.trouble) return;
    lane.attempts = 0;
    this.#well(lane);
  }

  #observe(event: OutputEvent, count: number): void {
    if (event === "refused") this.#refusals += count;
    this.#options.observe?.(event, count);
  }

  #wake(): void {
    if (this.#woken || this.#closed) return;
    this.#woken = true;
    queueMicrotask(() => {
      this.#woken = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#closed) return;
    for (const connection of new Set(this.#lanes.map((lane) => lane.connection))) {
      if (!connection) continue;
      if (!connection.isConnected()) {
        this.#reconnect(connection);
        continue;
      }
      while ((this.#inFlight.get(connection) ?? 0) < REQUESTS_IN_FLIGHT) {
        const batch = this.#collect(connection);
        if (batch.length === 0) break;
        this.#send(connection, batch);
      }
    }
    for (const lane of this.#lanes) this.#care(lane);
  }

  /** Brokers close connections that are idle for long: no reason to send into one, or to complain. */
  #reconnect(closed: kafka.Connection): void {
    for (const lane of this.#lanes) {
      if (lane.connection === closed) lane.fail({ kind: "retry", reason: "connection closed" });
    }
  }

  /** At most one row of each lane, about `REQUEST_BYTES` in all. */
  #collect(connection: kafka.Connection): { lane: OutputLane; sent: Sent }[] {
    const batch: { lane: OutputLane; sent: Sent }[] = [];
    const lanes = this.#lanes;
    const first = this.#turn % lanes.length;
    let bytes = 0;
    let skipped = false;
    for (let i = 0; i < lanes.length; i++) {
      const at = (first + i) % lanes.length;
      const lane = lanes[at];
      if (lane.connection !== connection) continue;
      const row = this.#peek(lane);
      if (!row) continue;
      if (bytes > 0 && bytes + row.body.byteLength > REQUEST_BYTES) {
        if (!skipped) this.#turn = at;
        skipped = true;
        continue;
      }
      bytes += row.body.byteLength;
      batch.push({ lane, sent: lane.take(row) });
    }
    return batch;
  }

  #peek(lane: OutputLane) {
    try {
      return lane.peek({ maxBytes: this.#watch.maxBytes, now: this.#options.now() });
    } catch (error) {
      lane.attempts++;
      lane.fail({ kind: "retry", reason: reasonOf(error) });
      this.#failed(`partition ${lane.number}`, reasonOf(error));
      return undefined;
    }
  }

  #send(connection: kafka.Connection, batch: { lane: OutputLane; sent: Sent }[]): void {
    for (const { sent } of batch) {
      if (sent.again) this.#options.observe?.("sent again", sent.row.count);
    }
    this.#inFlight.set(connection, (this.#inFlight.get(connection) ?? 0) + 1);
    produce(connection, this.#options.topic, {
      rows: batch.map(({ sent }) => sent.row),
      done: (error, answers) => {
        for (const { lane, sent } of batch) {
          const answer = answers?.find(({ partition }) => partition === lane.number);
          if (answer) this.#answered(lane, { sent, answer });
          else this.#lost(lane, { sent, reason: error ? reasonOf(error) : "not in the answer" });
        }
        const left = this.#inFlight.get(connection)! - 1;
        if (left > 0) this.#inFlight.set(connection, left);
        else this.#inFlight.delete(connection);
        if (this.#inFlight.size === 0) this.#drained();
        this.#wake();
      },
    });
  }

  #answered(lane: OutputLane, { sent, answer }: { sent: Sent; answer: BatchAnswer }): void {
    const verdict = lane.answered(sent, { answer, now: this.#options.now() });
    if (verdict === "acknowledged") {
      this.#options.observe?.("acknowledged", sent.row.count);
      this.#refusals = 0;
      this.#well(lane);
    } else if (verdict === "trouble") {
      this.#troubled(lane);
    } else {
      lane.failedAt = this.#watch.mark();
    }
  }

  #lost(lane: OutputLane, { sent, reason }: { sent: Sent; reason: string }): void {
    lane.lost(sent, reason);
    this.#troubled(lane);
  }

  #troubled(lane: OutputLane): void {
    const trouble = lane.trouble!;
    if (this.#closed) return;
    lane.failedAt = this.#watch.mark();
    if (isLasting(trouble)) this.#fail(lane, trouble.reason);
  }

  #fail(lane: OutputLane, reason: string): void {
    lane.failedAt = this.#watch.mark();
    this.#failed(`partition ${lane.number}`, reason);
    this.#turns.failed(lane.place, lane);
  }

  #failed(part: string, reason: string): void {
    this.#options.observe?.("failures", 1);
    this.#outage.failed(part, reason);
  }

  #well(lane: OutputLane): void {
    this.#outage.well(`partition ${lane.number}`);
    this.#turns.passed(lane.place);
  }
}
