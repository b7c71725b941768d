/** The anomalies as they are read: page by page, the newest first. */
import { Database } from "../../deps.ts";
import { type AnomalyBlock, AnomalyBlockReader } from "../core/anomaly_block.ts";
import type { Anomaly, AnomalyFilter, AnomalyReader } from "../pipeline/ports.ts";
import { damage } from "./damage.ts";
import { plainBytes } from "./series_rows.ts";

/** What one call looks at, and into: about 20 ms. */
const MAX_ANOMALIES = 10_000;
const MAX_OPENED = 1000;
const MAX_BLOCKS = 5000;
/** Heads that are read at once. */
const HEADS = 200;

interface Head extends Omit<AnomalyBlock, "detectors" | "body"> {
  readonly first: number;
}

export class AnomalyTableReader implements AnomalyReader {
  readonly #heads: Database.Statement;
  readonly #body: Database.Statement;
  readonly #numbers: Database.Statement;

  constructor(db: Database.Database) {
    this.#heads = db.prepare(`
      SELECT first_number AS first, count, time, earliest, latest, max_score AS maxScore
      FROM anomalies WHERE first_number < ? ORDER BY first_number DESC LIMIT ${HEADS}`);
    this.#body = db.prepare("SELECT detectors, body FROM anomalies WHERE first_number = ?");
    this.#numbers = db.prepare("SELECT first_kept AS first, next FROM anomaly_numbers");
  }

  page(options: Parameters<AnomalyReader["page"]>[0]): ReturnType<AnomalyReader["page"]> {
    try {
      return this.#page(options);
    } catch (error) {
      if (error instanceof Database.SqliteError) throw error;
      // No program of ours has written this: its bytes were changed since.
      throw damage((error as Error).message, error);
    }
  }

  #page(options: Parameters<AnomalyReader["page"]>[0]): ReturnType<AnomalyReader["page"]> {
    const { limit, filter } = options;
    const { first, next } = this.#numbers.get() as { first: number; next: number };
    const found: Anomaly[] = [];
    let before = Math.min(options.before ?? next, next);
    let anomalies = 0, blocks = 0, opened = 0;
    while (before > first) {
      const heads = this.#heads.all(before) as Head[];
      for (const head of heads) {
        const enough = blocks++ === MAX_BLOCKS || opened === MAX_OPENED ||
          anomalies >= MAX_ANOMALIES || found.length === limit;
        if (enough) return { anomalies: found, end: before };
        const end = Math.min(before, head.first + head.count);
        before = Math.max(head.first, first);
        if (!mayHave(head, filter)) continue;
        opened++;
        const reader = this.#reader(head);
        for (let number = end - 1; number >= before; number--) {
          if (found.length === limit) return { anomalies: found, end: number + 1 };
          const i = number - head.first;
          if (matches(reader, i, filter)) found.push(reader.get(i));
        }
        anomalies += end - before;
      }
      if (heads.length < HEADS) break;
    }
    return { anomalies: found, end: undefined };
  }

  counts(): { kept: number; dropped: number } {
    const { first, next } = this.#numbers.get() as { first: number; next: number };
    return { kept: next - first, dropped: first - 1 };
  }

  #reader(head: Head): AnomalyBlockReader {
    const rest = this.#body.get(head.first) as { detectors: string; body: Uint8Array };
    return new AnomalyBlockReader({ ...head, ...rest, body: plainBytes(rest.body) });
  }
}

function mayHave(head: Head, { since, until, minScore }: AnomalyFilter): boolean {
  return (since === undefined || head.latest >= since) &&
    (until === undefined || head.earliest < until) &&
    (minScore === undefined || head.maxScore >= minScore);
}

function matches(reader: AnomalyBlockReader, i: number, filter: AnomalyFilter): boolean {
  const { tenants, device, since, until, minScore } = filter;
  if (minScore !== undefined && reader.score(i) < minScore) return false;
  if (since !== undefined && reader.time(i) < since) return false;
  if (until !== undefined && reader.time(i) >= until) return false;
  if (tenants === undefined && device === undefined) return true;
  const key = reader.key(i);
  return (tenants === undefined || tenants.has(key.tenant)) &&
    (device === undefined || device === key.device);
}
