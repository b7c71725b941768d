/** The dead letters as they are read: page by page, one by one, and what counts them. */
import type { Database } from "../../deps.ts";
import type { DeadLetter, LetterCounts, LetterHead, LetterReader } from "../pipeline/ports.ts";
import { plainBytes } from "./series_rows.ts";

/** Letters that one call looks at: about 10 ms. */
const MAX_LOOKED_AT = 5000;

const HEAD = `
  sequence, id, sink, tenant_id AS tenant, topic, partition, "offset", time, reason, status, answer,
  attempts, stored_at AS storedAt`;

export class LetterTableReader implements LetterReader {
  readonly #heads: Database.Statement;
  readonly #lookedAt: Database.Statement;
  readonly #isMore: Database.Statement;
  readonly #head: Database.Statement;
  readonly #whole: Database.Statement;
  readonly #last: Database.Statement;
  readonly #marked: Database.Statement;
  readonly #kept: Database.Statement;
  readonly #counters: Database.Statement;
  readonly #copy: Database.Statement;
  readonly #uncopied: Database.Statement;

  constructor(db: Database.Database) {
    // length() of a blob reads its header only.
    this.#heads = db.prepare(`
      SELECT ${HEAD}, length(bytes) AS size FROM dead_letters
      WHERE sequence > :after AND sequence <= :end
        AND (:id IS NULL OR id = :id)
        AND (:sink IS NULL OR sink = :sink)
        AND (:reason IS NULL OR substr(reason, 1, length(:reason)) = :reason)
        AND (:tenant IS NULL OR tenant_id = :tenant)
        AND (:tenants IS NULL OR tenant_id IN (SELECT value FROM json_each(:tenants)))
        AND (:since IS NULL OR stored_at >= :since)
        AND (:until IS NULL OR stored_at < :until)
      ORDER BY sequence LIMIT :limit`);
    this.#lookedAt = db.prepare(`
      SELECT max(sequence) FROM (
        SELECT sequence FROM dead_letters WHERE sequence > ? AND sequence <= ?
        ORDER BY sequence LIMIT ${MAX_LOOKED_AT}
      )`).pluck();
    this.#isMore = db.prepare(
      "SELECT 1 FROM dead_letters WHERE sequence > ? AND sequence <= ? LIMIT 1",
    );
    this.#head = db.prepare(
      `SELECT ${HEAD}, length(bytes) AS size FROM dead_letters WHERE sequence = ?`,
    );
    this.#whole = db.prepare(`SELECT ${HEAD}, bytes FROM dead_letters WHERE sequence = ?`);
    this.#last = db.prepare("SELECT coalesce(max(sequence), 0) FROM dead_letters").pluck();
    this.#marked = db.prepare(`
      SELECT ${HEAD}, length(bytes) AS size FROM dead_letters_to_replay
      JOIN dead_letters USING (sequence) ORDER BY sequence LIMIT ?`);
    this.#kept = db.prepare("SELECT sink, count, bytes FROM dead_letter_totals ORDER BY sink");
    this.#counters = db.prepare(`
      SELECT sink_dead_letters AS refused, dead_letters_dropped AS dropped,
        dead_letters_replayed AS replayed, dead_letters_discarded AS discarded
      FROM counters`);
    this.#copy = db.prepare(`
      SELECT sent, too_large AS tooLarge, missed,
        max((SELECT coalesce(max(sequence), 0) FROM dead_letters) - sequence, 0) AS behind
      FROM dead_letter_copy`);
    this.#uncopied = db.prepare(`
      SELECT sequence, coalesce(length(bytes), 0) AS bytes FROM dead_letters
      WHERE sequence > (SELECT sequence FROM dead_letter_copy) ORDER BY sequence LIMIT ?`);
  }

  heads(options: Parameters<LetterReader["heads"]>[0]): ReturnType<LetterReader["heads"]> {
    const { after, through = Number.MAX_SAFE_INTEGER, limit, filter } = options;
    const end = this.#lookedAt.get(after, through) as number | null;
    if (end === null) return { letters: [], end: undefined };
    const { id, sink, reason, tenant, since, until } = filter;
    const tenants = filter.tenants ? JSON.stringify([...filter.tenants]) : null;
    const wanted = { id, sink, reason, tenant, tenants, since, until };
    const given = Object.entries(wanted).map(([name, value]) => [name, value ?? null]);
    const letters = this.#heads.all({ ...Object.fromEntries(given), after, end, limit });
    const found = letters as LetterHead[];
    const reached = found.length < limit ? end : found[found.length - 1].sequence;
    const isMore = this.#isMore.get(reached, through) !== undefined;
    return { letters: found, end: isMore ? reached : undefined };
  }

  head(sequence: number): LetterHead | undefined {
    return this.#head.get(sequence) as LetterHead | undefined;
  }

  get(sequence: number): DeadLetter | undefined {
    const letter = this.#whole.get(sequence) as DeadLetter | undefined;
    if (letter === undefined || letter.bytes === null) return letter;
    return { ...letter, bytes: plainBytes(letter.bytes) };
  }

  last(): number {
    return this.#last.get() as number;
  }

  marked(limit: number): LetterHead[] {
    return this.#marked.all(limit) as LetterHead[];
  }

  counts(): LetterCounts {
    return {
      kept: this.#kept.all() as LetterCounts["kept"],
      ...this.#counters.get() as Pick<
        LetterCounts,
        "refused" | "dropped" | "replayed" | "discarded"
      >,
      copy: this.#copy.get() as LetterCounts["copy"],
    };
  }

  uncopied({ limit, maxBytes }: { limit: number; maxBytes: number }): DeadLetter[] {
    const chosen: number[] = [];
    let total = 0;
    for (const { sequence, bytes } of this.#uncopied.iterate(limit) as IterableIterator<Size>) {
      total += bytes;
      if (chosen.length > 0 && total > maxBytes) break;
      chosen.push(sequence);
    }
    return chosen.map((sequence) => this.get(sequence)!);
  }
}

interface Size {
  readonly sequence: number;
  readonly bytes: number;
}
