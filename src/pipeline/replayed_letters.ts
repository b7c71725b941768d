/** The dead letters that a batch takes back. */
import { frameResults, type LooseResult } from "../core/frame.ts";
import { partitionOf } from "../core/murmur2.ts";
import { NotOurs } from "./not_ours.ts";
import { type DeadLetter, type JournalRow, type Transaction } from "./ports.ts";
import { UNKNOWN_LANE } from "./reframing.ts";
import { type PooledRow } from "./row_pool.ts";

type ResultSink = "output" | "storage";

interface Resent extends PooledRow {
  readonly sink: ResultSink;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Letters go in the batch's transaction. The results among them stand in rows of their own behind the
 * batch's, for their sink alone: copies, which hold no results and aren't counted.
 */
export class ReplayedLetters {
  readonly #sequences: number[] = [];
  /** By sink and lane. */
  readonly #results = new Map<string, { sink: ResultSink; lane: number; of: LooseResult[] }>();
  rows: readonly Resent[] = [];

  /** The letter goes. */
  take(sequence: number): void {
    this.#sequences.push(sequence);
  }

  /** The same, and its result is sent again; false: its bytes are no result, it stays. */
  resend(letter: DeadLetter, lanes: number): boolean {
    const result = looseResult(letter);
    if (result === undefined) return false;
    const sink = letter.sink as ResultSink;
    const lane = sink === "output" ? partitionOf(encoder.encode(result.device), lanes) : 0;
    const key = `${sink} ${lane}`;
    const known = this.#results.get(key) ?? { sink, lane, of: [] };
    known.of.push(result);
    this.#results.set(key, known);
    this.take(letter.sequence);
    return true;
  }

  /**
   * Makes the rows. Their time is the batch's, not the results': by an old one they would be the oldest
   * of the backlog at once, and past its greatest age.
   */
  finish(
    of: { firstId: number; time: number; lanes: number; end: (lane: number) => number },
  ): void {
    const { firstId, time, lanes } = of;
    this.rows = [...this.#results.values()].map(({ sink, lane, of: results }, i) => {
      const id = firstId + i;
      const toTopic = sink === "output";
      const row: JournalRow = {
        id,
        lane: toTopic ? lane : UNKNOWN_LANE,
        lanes: toTopic ? lanes : 0,
        count: results.length,
        time,
        baseSequence: toTopic ? of.end(lane) : id,
        body: frameResults(results),
      };
      return { row, sink, holders: 1, buffer: null };
    });
  }

  get bytes(): number {
    return this.rows.reduce((sum, { row }) => sum + row.body.length, 0);
  }

  /** Throws `NotOurs` where a letter has gone since it was read: it fell off, or was discarded. */
  write(tx: Transaction): void {
    for (const sequence of this.#sequences) {
      if (!tx.takeLetter(sequence)) throw new NotOurs(`dead letter ${sequence} is gone`);
    }
    for (const { row, sink } of this.rows) {
      tx.append(row, sink === "output" ? "reframed" : "resent");
    }
  }

  /** The batch's own rows, and behind them those for this sink. */
  following(rows: readonly PooledRow[], sink: ResultSink): readonly PooledRow[] {
    if (this.rows.length === 0) return rows;
    return [...rows, ...this.rows.filter((row) => row.sink === sink)];
  }
}

/** undefined: the bytes are no result. */
function looseResult({ id, bytes }: DeadLetter): LooseResult | undefined {
  if (bytes === null) return undefined;
  try {
    const { device_id: device, tenant_id: tenant } = JSON.parse(decoder.decode(bytes));
    if (typeof device !== "string" || typeof tenant !== "string") return undefined;
    return { device, tenant, id, value: bytes };
  } catch {
    return undefined;
  }
}
