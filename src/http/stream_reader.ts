import type { NameSet } from "../core/name_set.ts";
import { RecordReader } from "../core/record.ts";
import type { Tail, TailPosition, TailRow } from "../pipeline/ports.ts";
import { type EventText, eventText, idText } from "./event_text.ts";
import { positionText } from "./stream_position.ts";

/** What a reader wants to see of the results. */
export interface StreamFilter {
  /** null: of every tenant. */
  readonly tenants: NameSet | null;
  /** null: of every device. */
  readonly devices: NameSet | null;
  readonly anomalies: boolean;
}

export interface StreamReaderOptions {
  readonly tail: Tail;
  readonly filter: StreamFilter;
  /** Where it begins. */
  readonly from: TailPosition;
  /** As it stood in the request; undefined: there was none, nothing can be missing. */
  readonly resumes: { readonly after: string; readonly known: boolean } | undefined;
  /** Whether ids and gaps may say how many results there are, all tenants' together. */
  readonly counted: boolean;
  readonly now: () => number;
  /** It has taken what was there, and can be given more. */
  readonly onHunger: (reader: StreamReader) => void;
  /** Its connection is gone, or its stream is over. */
  readonly onGone: (reader: StreamReader) => void;
}

export type Filled =
  /** There is nothing more for it now. */
  | "idle"
  /** It has as much as it may. */
  | "full"
  /** Its time was up. */
  | "more"
  /** What comes next for it isn't kept any more. */
  | "behind";

export interface EventCounts {
  result: number;
  anomaly: number;
  gap: number;
}

const CHUNK_BYTES = 64 << 10;
/** How long a client waits before it comes back. */
const RETRY_MS = 1000;

/**
 * One who looks on: where it stands among the results, and the bytes that it hasn't taken yet. It is
 * never waited for.
 */
export class StreamReader {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #options: StreamReaderOptions;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #position: TailPosition;
  /** Where the position's record stands in its row; 0: not known. */
  #at = 0;
  /** Its first step is done: from now on a gap is its own fault. */
  #begun = false;
  #queue: Uint8Array<ArrayBuffer>[] = [];
  #waits = false;
  #finishing = false;
  #over = false;
  /** Row and record of the last id that it was told. */
  #told: TailPosition;
  /** Bytes made for it that it hasn't taken. */
  unread = 0;
  /** When it last took something, ms. */
  readAt: number;
  /** When something was last put into its queue. */
  sentAt: number;

  constructor(options: StreamReaderOptions) {
    this.#options = options;
    this.#position = this.#told = options.from;
    this.#begun = options.resumes === undefined;
    this.readAt = this.sentAt = options.now();
    this.body = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#pulled(),
      cancel: () => this.#ended(),
    }, { highWaterMark: 0 });
    this.#put(`retry: ${RETRY_MS}\n${options.resumes === undefined ? idText(this.#id()) : "\n"}`);
  }

  /** Whether it has taken all that was made for it, and waits for more. */
  get waits(): boolean {
    return this.#waits;
  }

  /** Makes events for it, `room` bytes at most (or one that is larger), until `deadline`. */
  fill(
    text: EventText,
    options: { room: number; deadline: number; counts: EventCounts },
  ): Filled {
    const { tail, now } = this.#options;
    const { counts } = options;
    let { room } = options;
    for (;;) {
      if (text.length >= Math.min(CHUNK_BYTES, room)) {
        room -= text.length;
        this.#enqueue(text.take());
        if (room <= 0) return "full";
      }
      const step = tail.next(this.#position);
      const skipped = step?.kind === "skip" ? step : undefined;
      const lost = skipped !== undefined && skipped.missed !== 0;
      if (lost && this.#begun) return this.#flushed(text, "behind");
      if (skipped !== undefined) this.#moveTo(skipped.next);
      if (!this.#begun) this.#begin({ lost, missed: skipped?.missed }, { text, counts });
      if (step === undefined) return this.#flushed(text, "idle");
      if (step.kind === "row") {
        this.#walk(step.row, { text, room: Math.min(CHUNK_BYTES, room), counts });
      }
      if (now() >= options.deadline) return this.#flushed(text, "more");
    }
  }

  /** What keeps the connection alive: where it stands if that has changed, otherwise a comment. */
  beat({ comment }: { comment: boolean }): void {
    const { row, record } = this.#position;
    if (row !== this.#told.row || record !== this.#told.record) {
      this.#told = this.#position;
      this.#put(idText(this.#id()));
    } else if (comment) this.#put(":\n\n");
  }

  /** Whether it gets nothing more than what was made for it. */
  get finishing(): boolean {
    return this.#finishing;
  }

  /** Ends the stream once it has taken what was made for it: it comes back further on than it came. */
  finish(): void {
    this.beat({ comment: false });
    this.#finishing = true;
    if (this.#waits) this.end();
  }

  /** Ends the stream; what it hasn't taken is thrown away. */
  end(): void {
    if (this.#over) return;
    this.#queue = [];
    this.unread = 0;
    this.#controller.close();
    this.#ended();
  }

  #ended(): void {
    if (this.#over) return;
    this.#over = true;
    this.#queue = [];
    this.unread = 0;
    this.#waits = false;
    this.#options.onGone(this);
  }

  #pulled(): void {
    this.readAt = this.#options.now();
    const chunk = this.#queue.shift();
    if (chunk === undefined) {
      if (this.#finishing) return this.end();
      this.#waits = true;
    } else {
      this.unread -= chunk.length;
      this.#controller.enqueue(chunk);
    }
    this.#options.onHunger(this);
  }

  #put(text: string): void {
    this.#enqueue(new TextEncoder().encode(text));
  }

  #enqueue(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#over || bytes.length === 0) return;
    this.sentAt = this.#options.now();
    if (this.#waits) {
      this.#waits = false;
      this.readAt = this.sentAt;
      return this.#controller.enqueue(bytes);
    }
    this.#queue.push(bytes);
    this.unread += bytes.length;
  }

  #flushed(text: EventText, outcome: Filled): Filled {
    this.#enqueue(text.take());
    return outcome;
  }

  #id(): string {
    const { tail, counted } = this.#options;
    return positionText(this.#position, { folder: tail.folder, counted });
  }

  #moveTo(position: TailPosition): void {
    this.#position = position;
    this.#at = 0;
  }

  /** Its first step: where that isn't the next one after its id, it is told so. */
  #begin(
    { lost, missed }: { lost: boolean; missed: number | undefined },
    { text, counts }: { text: EventText; counts: EventCounts },
  ): void {
    this.#begun = true;
    const { resumes, counted } = this.#options;
    const { known, after } = resumes!;
    if (known && !lost) return;
    this.#told = this.#position;
    counts.gap++;
    const data = JSON.stringify({
      reason: known ? "not kept" : "unknown id",
      after,
      missed: known && counted ? missed ?? null : null,
    });
    text.text(eventText({ id: this.#id(), event: "gap", data }));
  }

  /** The row's records from the position on, until so many bytes are written. */
  #walk(
    row: TailRow,
    { text, room, counts }: { text: EventText; room: number; counts: EventCounts },
  ): void {
    const { filter } = this.#options;
    const same = row.id === this.#position.row;
    const from = same ? this.#position.record : 0;
    const known = this.#position.results;
    const before = row.results ?? (known === undefined ? undefined : known - from);
    const passed = (record: number): TailPosition => {
      const results = before === undefined ? undefined : before + record;
      return record < row.count
        ? { row: row.id, record, results }
        : { row: row.id + 1, record: 0, results };
    };
    const marks = row.anomalies();
    if (from >= row.count || (filter.anomalies && marks.length === 0)) {
      return this.#moveTo(passed(row.count));
    }
    const records = new RecordReader(
      row,
      same && this.#at > 0 ? { record: from, at: this.#at } : undefined,
    );
    while (records.index < from) records.next();
    let mark = 0;
    while (text.length < room && records.next()) {
      while (mark < marks.length && marks[mark] < records.valueStart) mark++;
      const anomaly = mark < marks.length && marks[mark] < records.valueEnd;
      if ((filter.anomalies && !anomaly) || !isWanted(records, filter)) continue;
      this.#position = this.#told = passed(records.index);
      counts[anomaly ? "anomaly" : "result"]++;
      const value = { body: row.body, start: records.valueStart, end: records.valueEnd };
      text.result(this.#id(), value, { anomaly });
    }
    this.#position = passed(records.index);
    this.#at = this.#position.row === row.id ? records.end : 0;
  }
}

function isWanted(records: RecordReader, { tenants, devices }: StreamFilter): boolean {
  const { body, keyStart, keyEnd, tenantStart, tenantEnd } = records;
  return (devices === null || devices.has(body, { start: keyStart, end: keyEnd })) &&
    (tenants === null || tenants.has(body, { start: tenantStart, end: tenantEnd }));
}
