/** Compares what stands in `plumbline.db` with what must stand there: counters, dead letters, positions. */
import Database from "better-sqlite3";
import type { Expectation } from "./expectation.ts";
import type { Findings } from "./findings.ts";

/** Columns of the table `counters` (invariant 5). */
export interface StoredCounters {
  readonly read: number;
  readonly results: number;
  readonly sampled_out: number;
  readonly rejected: number;
  readonly dropped: number;
  readonly passed_on: number;
}

interface StoredDeadLetter {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly reason: string;
  readonly bytes: Uint8Array | null;
}

/** Reads the file while the engine may be running. Throws what SQLite throws. */
export function readStore<T>(file: string, read: (database: Database.Database) => T): T {
  const database = new Database(file, { readonly: true, fileMustExist: true });
  try {
    return read(database);
  } finally {
    database.close();
  }
}

export function readCounters(file: string): StoredCounters {
  return readStore(file, (database) =>
    database.prepare(
      "SELECT read, results, sampled_out, rejected, dropped, passed_on FROM counters",
    ).get() as StoredCounters);
}

/** `ends`: the end offset of every partition of the input topic; `topic`: its name. */
export function checkStore(
  file: string,
  against: {
    topic: string;
    ends: ReadonlyMap<number, number>;
    expectation: Expectation;
    findings: Findings;
  },
): void {
  checkCounters(readCounters(file), against);
  checkDeadLetters(file, against);
  checkPositions(file, against);
}

export function checkCounters(
  counters: StoredCounters,
  against: { expectation: Expectation; findings: Findings },
): void {
  const { expectation, findings } = against;
  const { read, results, sampled_out, rejected, dropped, passed_on } = counters;
  const sum = results + sampled_out + rejected + dropped + passed_on;
  findings.compare("invariant 5", { at: "sum of the counters", got: sum, expected: read });
  findings.compare("wrong counters", {
    at: "table counters",
    got: { read, results, sampled_out, rejected, dropped, passed_on },
    expected: {
      read: expectation.read,
      results: expectation.resultCount,
      sampled_out: expectation.sampledOut,
      rejected: expectation.rejections.length,
      dropped: 0,
      passed_on: 0,
    },
  });
}

/** Of the readings that were rejected. */
export function checkDeadLetters(
  file: string,
  against: { topic: string; expectation: Expectation; findings: Findings },
): void {
  const { expectation, findings } = against;
  const stored = readStore(file, (database) =>
    database.prepare(
      `SELECT id, topic, partition, "offset", reason, bytes FROM dead_letters
       WHERE sink = '' ORDER BY sequence`,
    ).all() as StoredDeadLetter[]);
  const letters = new Map(stored.map((letter) => [letter.id, letter]));
  for (const { id, record, refusal } of expectation.rejections) {
    const letter = letters.get(id);
    if (letter === undefined) {
      findings.add("lost dead letter", `${id}: ${refusal.field} ${refusal.why}`);
      continue;
    }
    letters.delete(id);
    const { topic, partition, offset } = letter;
    findings.compare("wrong dead letter", {
      at: id,
      got: { topic, partition, offset },
      expected: { topic: against.topic, partition: record.partition, offset: record.offset },
    });
    if (!letter.reason.startsWith(refusal.field) || letter.reason === "") {
      const expected = `${refusal.field} ${refusal.why}`;
      findings.add("wrong reason", `${id}: got "${letter.reason}", expected ${expected}`);
    }
    if (!sameBytes(letter.bytes, record.value)) findings.add("wrong dead letter bytes", id);
  }
  for (const id of letters.keys()) findings.add("dead letter of a good reading", id);
}

function checkPositions(
  file: string,
  against: { topic: string; ends: ReadonlyMap<number, number>; findings: Findings },
): void {
  const rows = readStore(
    file,
    (database) =>
      database.prepare('SELECT partition, "next" FROM positions WHERE topic = ?')
        .all(against.topic) as { partition: number; next: number }[],
  );
  const positions = new Map(rows.map((row) => [row.partition, row.next]));
  for (const [partition, end] of against.ends) {
    // A partition without records may have no position yet.
    const got = positions.get(partition) ?? 0;
    against.findings.compare("wrong position", { at: `${partition}`, got, expected: end });
  }
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
