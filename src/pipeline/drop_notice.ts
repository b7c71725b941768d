import { RecordReader } from "../core/record.ts";
import { type Dropped } from "./drops.ts";
import { type JournalRow, type Log, type SinkName } from "./ports.ts";

const EVERY_MS = 60_000;

const decoder = new TextDecoder();

/** Tells which results were dropped: at once, then once a minute what has come since. */
export class DropNotice {
  readonly #sink: SinkName;
  readonly #options: { log: Log; now: () => number };
  #toldAt = -Infinity;
  #untold: { results: number; first: string; last: string; from: number; to: number } | undefined;

  constructor(sink: SinkName, options: { log: Log; now: () => number }) {
    this.#sink = sink;
    this.#options = options;
  }

  add({ results, first, last }: Dropped): void {
    const { results: before, first: id, from } = this.#untold ??
      { results: 0, first: firstId(first), from: first.time };
    const to = last.time;
    this.#untold = { results: before + results, first: id, last: lastId(last), from, to };
    this.tell();
  }

  tell({ atOnce = false } = {}): void {
    const { log, now } = this.#options;
    if (this.#untold === undefined) return;
    if (!atOnce && Math.abs(now() - this.#toldAt) < EVERY_MS) return;
    const { results, first, last, from, to } = this.#untold;
    log.error("results were dropped: the sink's backlog is at its limit", {
      sink: this.#sink,
      count: results,
      first_id: first,
      last_id: last,
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      todo: "see why the sink doesn't take results, or raise its BACKLOG_MAX_BYTES or _MAX_AGE",
    });
    this.#toldAt = now();
    this.#untold = undefined;
  }
}

function firstId(row: JournalRow): string {
  const records = new RecordReader(row);
  records.next();
  return idOf(records);
}

function lastId(row: JournalRow): string {
  const records = new RecordReader(row);
  while (records.next());
  return idOf(records);
}

function idOf({ body, idStart, idEnd }: RecordReader): string {
  return decoder.decode(body.subarray(idStart, idEnd));
}
