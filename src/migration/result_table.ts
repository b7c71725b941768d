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
}

/** Seconds since 1970, of readings' timestamps: from the first, before the second. */
export interface Range {
  readonly from?: number;
  readonly to?: number;
}

const ROWS_A_COMMIT = 20_000;
const ROOM_KB = 32 * 1024;

type Database = InstanceType<typeof Database>;

/** A file that exists only as long as it is open; nothing in it outlives the process. */
export function openTemporary(path: string): Database & Disposable {
  const db = new Database(path);
  // Rows are set aside in one table while another one is gone through.
  db.unsafeMode(true);
  db.exec(
    `PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; ` +
      `PRAGMA cache_size=-${ROOM_KB}; PRAGMA temp_store=FILE`,
  );
  return Object.assign(db, {
    [Symbol.dispose]() {
      db.close();
      Deno.removeSync(path);
    },
  });
}

const JOINED = "place, second, measured, number, value";

interface Insertion {
  run(...values: unknown[]): unknown;
}

/** One database for all of it: the tables of `ReadingTable` may stand in it, too. */
export class ResultTable {
  readonly #db: Database;
  readonly #insert: Record<Side, Insertion>;
  readonly #insertAside: Record<Side, Insertion>;
  #pending = 0;

  constructor(db: Database) {
    this.#db = db;
    const insert = (side: Side) => {
      db.exec(
        `CREATE TABLE ${side}_results (number INTEGER PRIMARY KEY, place INTEGER, second INTEGER, ` +
          "measured INTEGER, processed INTEGER, value TEXT)",
      );
      return db.prepare(
        `INSERT INTO ${side}_results (place, second, measured, processed, value) VALUES (?,?,?,?,?)`,
      );
    };
    this.#insert = { old: insert("old"), new: insert("new") };
    const insertAside = (side: Side) => {
      db.exec(`CREATE TABLE ${side}_aside (${JOINED})`);
      return db.prepare(`INSERT INTO ${side}_aside VALUES (?,?,?,?,?)`);
    };
    this.#insertAside = { old: insertAside("old"), new: insertAside("new") };
    db.exec("BEGIN");
  }

  add(side: Side, result: ComparedResult, value: string): void {
    const processed = processedAt(result.fields) / 1000;
    this.#insert[side].run(
      placeOf(result),
      result.second,
      hash(measuredText(result.fields)),
      Number.isNaN(processed) ? null : Math.floor(processed),
      value,
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
    return this.#db.prepare(
      `SELECT place, ${bySecond ? "ifnull(second, 0)" : "0"} AS second, measured, number, value ` +
        `FROM ${side}_results ${bounds} ORDER BY 1, 2, 3, 4`,
    ).iterate() as IterableIterator<Row>;
  }

  /** For a second join, without the second. Also while `rows` is being gone through. */
  setAside(side: Side, { place, measured, number, value }: Row): void {
    this.#insertAside[side].run(place, 0, measured, number, value);
  }

  asideRows(side: Side): IterableIterator<Row> {
    return this.#db.prepare(`SELECT ${JOINED} FROM ${side}_aside ORDER BY 1, 2, 3, 4`)
      .iterate() as IterableIterator<Row>;
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
