/** Results and readings in a temporary SQLite file: there may be more of them than memory takes. */
import { Database } from "../../deps.ts";
import { type ComparedResult, measuredText, processedAt } from "./compared_result.ts";

export type Side = "old" | "new";

/** Results are joined by these. */
export interface Row {
  /** The hash of tenant and device. */
  readonly place: number;
  /** Whole seconds since 1970; 0 where they aren't joined by it. */
  readonly second: number;
  /** The hash of temperature and humidity. */
  readonly measured: number;
  /** By arrival, from 1. */
  readonly number: number;
  readonly value: string;
  /** The round in which it came, and how many pairs were like it in earlier ones. */
  readonly round: number;
  readonly alike: number;
}

/** Seconds since 1970, of readings' timestamps: from the first, before the second. */
export interface Range {
  readonly from?: number;
  readonly to?: number;
}

const ROWS_A_COMMIT = 20_000;
const ROOM_KB = 32 * 1024;
const KEPT = "number, place, second, measured, processed, value, round, alike";

export type TemporaryDatabase = InstanceType<typeof Database>;

/** SQLite itself makes the file (in TMPDIR) and removes it at once, so nothing is left by a kill. */
export function openTemporary(): TemporaryDatabase & Disposable {
  const db = new Database("");
  // Rows are set aside in one table while another one is gone through.
  db.unsafeMode(true);
  db.exec(
    `PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-${ROOM_KB}; ` +
      "PRAGMA temp_store=FILE",
  );
  return Object.assign(db, { [Symbol.dispose]: () => void db.close() });
}

interface Statement {
  run(...values: unknown[]): unknown;
}

/** One database for all of it: the tables of `ReadingTable` may stand in it, too. */
export class ResultTable {
  readonly #db: TemporaryDatabase;
  readonly #insert: Record<Side, Statement>;
  readonly #keep: Record<Side, Statement>;
  readonly #insertAside: Record<Side, Statement>;
  #pending = 0;

  constructor(db: TemporaryDatabase) {
    this.#db = db;
    const columns =
      "number INTEGER PRIMARY KEY, place INTEGER, second INTEGER, measured INTEGER, " +
      "processed INTEGER, value TEXT, round INTEGER, alike INTEGER";
    const forBoth = (prepare: (side: Side) => Statement) => ({
      old: prepare("old"),
      new: prepare("new"),
    });
    for (const side of ["old", "new"]) {
      db.exec(
        `CREATE TABLE ${side}_results (${columns}); CREATE TABLE ${side}_kept (${columns}); ` +
          `CREATE TABLE ${side}_aside (${columns})`,
      );
    }
    this.#insert = forBoth((side) =>
      db.prepare(
        `INSERT INTO ${side}_results (place, second, measured, processed, value, round, alike) ` +
          "VALUES (?,?,?,?,?,?,0)",
      )
    );
    const copy = (side: Side, into: string) =>
      db.prepare(
        `INSERT INTO ${side}_${into} SELECT number, place, second, measured, processed, value, round, ? ` +
          `FROM ${side}_results WHERE number = ?`,
      );
    this.#keep = forBoth((side) => copy(side, "kept"));
    this.#insertAside = forBoth((side) => copy(side, "aside"));
    db.exec("BEGIN");
  }

  add(
    side: Side,
    result: ComparedResult,
    { value, round }: { value: string; round: number },
  ): void {
    const processed = processedAt(result.fields) / 1000;
    this.#insert[side].run(
      placeOf(result),
      result.second,
      hash(measuredText(result.fields)),
      Number.isNaN(processed) ? null : Math.floor(processed),
      value,
      round,
    );
    if (++this.#pending % ROWS_A_COMMIT === 0) this.#db.exec("COMMIT; BEGIN");
  }

  /**
   * In the order of the join: place, second, measured, arrival. Not `bySecond`: one side has no
   * timestamps; the range is then of the times of processing.
   */
  rows(
    side: Side,
    { bySecond, from, to }: Range & { bySecond: boolean },
  ): IterableIterator<Row> {
    const time = bySecond ? "second" : "processed";
    const bounds = from === undefined && to === undefined
      ? ""
      : `WHERE ${time} >= ${from ?? -1e15} AND ${time} < ${to ?? 1e15}`;
    return this.#select(`${side}_results ${bounds}`, bySecond ? "ifnull(second, 0)" : "0");
  }

  /** For a second join, without the second. Also while `rows` is being gone through. */
  setAside(side: Side, { number, alike }: Row): void {
    this.#insertAside[side].run(alike, number);
  }

  asideRows(side: Side): IterableIterator<Row> {
    return this.#select(`${side}_aside`, "0");
  }

  /** For a later round. Also while `rows` is being gone through. */
  keep(side: Side, { number }: Row, alike: number): void {
    this.#keep[side].run(alike, number);
  }

  /** Forgets all but the kept ones; how many these are. */
  endRound(): Record<Side, number> {
    const end = (side: Side) => {
      this.#db.exec(
        `DELETE FROM ${side}_results; DELETE FROM ${side}_aside; ` +
          `INSERT INTO ${side}_results (${KEPT}) SELECT ${KEPT} FROM ${side}_kept; ` +
          `DELETE FROM ${side}_kept`,
      );
      return this.#db.prepare(`SELECT count(*) FROM ${side}_results`).pluck().get() as number;
    };
    return { old: end("old"), new: end("new") };
  }

  #select(from: string, second: string): IterableIterator<Row> {
    return this.#db.prepare(
      `SELECT place, ${second} AS second, measured, number, value, round, alike FROM ${from} ` +
        "ORDER BY 1, 2, 3, 4",
    ).iterate() as IterableIterator<Row>;
  }
}

export function placeOf({ tenant, device }: { tenant: string; device: string }): number {
  return hash(`${tenant}\0${device}`);
}

/** 53 bits of two 32-bit FNV-1a over UTF-16 units, the second one with another start and multiplier. */
export function hash(text: string): number {
  let [a, b] = [0x811c9dc5, 0x9e3779b1];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca77);
    b ^= b >>> 15;
  }
  a ^= a >>> 16;
  return (a >>> 0) * 0x200000 + ((b ^ b >>> 13) >>> 11);
}
