import type { JournalRow, LaneState, OutputFeed } from "../../pipeline/ports.ts";

/** Ends a row's span; `failure`: why it was for nothing. */
export type EndSpan = (failure?: string) => void;

interface Sending {
  /** Sequence behind the row's last record. */
  readonly end: number;
  readonly endSpan: EndSpan;
}

/**
 * The journal as the output topic's sink sees it, with a span from the moment that a row is handed out
 * until the topic has it, refuses it, or it is handed out again.
 */
export class TracedOutputFeed implements OutputFeed {
  readonly #feed: OutputFeed;
  readonly #begin: (row: JournalRow) => EndSpan;
  /** By lane, in the order in which they were handed out. */
  readonly #sending = new Map<number, Sending[]>();

  constructor(feed: OutputFeed, begin: (row: JournalRow) => EndSpan) {
    this.#feed = feed;
    this.#begin = begin;
  }

  onRows(wake: () => void): void {
    this.#feed.onRows(wake);
  }

  lanes(): readonly LaneState[] {
    return this.#feed.lanes();
  }

  open(topic: { topicId: string; partitions: number }): void {
    for (const lane of this.#sending.keys()) {
      if (lane >= topic.partitions) this.#fail(lane, "the topic has fewer partitions now");
    }
    this.#feed.open(topic);
  }

  take(lane: number): JournalRow | undefined {
    const row = this.#feed.take(lane);
    if (row === undefined) return undefined;
    const sending = this.#sending.get(lane) ?? [];
    sending.push({ end: row.baseSequence + row.count, endSpan: this.#begin(row) });
    this.#sending.set(lane, sending);
    return row;
  }

  rewind(lane: number): void {
    this.#fail(lane, "it is sent again");
    this.#feed.rewind(lane);
  }

  acknowledge(lane: number, sequence: number, offset: number): void {
    const sending = this.#sending.get(lane) ?? [];
    while (sending.length > 0 && sending[0].end <= sequence) sending.shift()!.endSpan();
    this.#feed.acknowledge(lane, sequence, offset);
  }

  identify(
    lane: number,
    identity: { topicId: string; producerId: bigint; producerEpoch: number },
  ): void {
    this.#feed.identify(lane, identity);
  }

  split(row: JournalRow, maxBytes: number): void {
    this.#fail(row.lane, `the topic takes at most ${maxBytes} bytes at once: it is split`);
    this.#feed.split(row, maxBytes);
  }

  refuse(
    row: JournalRow,
    why: { reason: string; answer: string | null; attempts: number },
  ): void {
    this.#fail(row.lane, why.reason);
    this.#feed.refuse(row, why);
  }

  #fail(lane: number, reason: string): void {
    for (const { endSpan } of this.#sending.get(lane) ?? []) endSpan(reason);
    this.#sending.delete(lane);
  }
}
