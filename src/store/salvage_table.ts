/** Copies one table out of a damaged file, around what can't be read. */
import { Database } from "../../deps.ts";

/** Rows that may be missing: those between two ids that were read, which are 0 and Infinity at the ends. */
export interface Gap {
  readonly after: number;
  readonly before: number;
}

/** Beyond every row. */
const LAST_ID = 2 ** 53;

/** Never throws for what can't be read. A table without row ids is all there or has a gap from 0 to Infinity. */
export function copyTable(from: Database.Database, to: Database.Database, table: string): Gap[] {
  const columns = (to.pragma(`table_info(${table})`) as { name: string }[])
    .map(({ name }) => `"${name}"`).join(", ");
  const values = columns.replaceAll(/"[^"]*"/g, "?");
  const insert = to.prepare(`INSERT OR REPLACE INTO ${table} (${columns}) VALUES (${values})`);
  to.exec("BEGIN");
  try {
    return hasRowIds(to, table)
      ? copyByRowId(from, { table, columns, insert })
      : copyAtOnce(from, { table, columns, insert });
  } finally {
    to.exec("COMMIT");
  }
}

interface Copying {
  readonly table: string;
  readonly columns: string;
  readonly insert: Database.Statement;
}

function copyAtOnce(from: Database.Database, { table, columns, insert }: Copying): Gap[] {
  try {
    const rows = from.prepare(`SELECT ${columns} FROM ${table}`).raw().safeIntegers().all();
    for (const row of rows as unknown[][]) insert.run(...row);
    return [];
  } catch (error) {
    throwOthers(error);
    return [{ after: 0, before: Infinity }];
  }
}

function copyByRowId(from: Database.Database, copying: Copying): Gap[] {
  const { table, columns, insert } = copying;
  const gaps: Gap[] = [];
  let read: Database.Statement;
  try {
    read = from.prepare(
      `SELECT rowid, ${columns} FROM ${table} NOT INDEXED WHERE rowid > ? ORDER BY rowid`,
    ).raw().safeIntegers();
  } catch (error) {
    throwOthers(error);
    return [{ after: 0, before: Infinity }];
  }
  // The last row that was copied; reading begins again behind `start`.
  let last = 0, start = -1, broken = false;
  while (start < LAST_ID) {
    try {
      for (const [rowid, ...row] of read.iterate(start) as IterableIterator<bigint[]>) {
        const id = Number(rowid);
        // In a damaged tree anything may come next.
        if (id <= start) throw new Unreadable();
        start = id;
        if (!isTaken(insert, row)) {
          broken = true;
          continue;
        }
        if (broken) gaps.push({ after: last, before: id });
        last = id;
        broken = false;
      }
      break;
    } catch (error) {
      throwOthers(error);
      broken = true;
      start = nextReadable(read, start);
    }
  }
  if (broken) gaps.push({ after: last, before: Infinity });
  return gaps;
}

class Unreadable extends Error {}

function isTaken(insert: Database.Statement, row: readonly unknown[]): boolean {
  try {
    insert.run(...row);
    return true;
  } catch (error) {
    throwOthers(error);
    return false;
  }
}

/** The least id behind which a row can be read, or nothing comes: steps are doubled, then halved. */
function nextReadable(read: Database.Statement, bad: number): number {
  let good = bad, step = 1;
  do {
    good = Math.min(bad + step, LAST_ID);
    step *= 2;
  } while (good < LAST_ID && !isReadable(read, good));
  let worst = bad;
  while (good - worst > 1) {
    const middle = Math.floor((worst + good) / 2);
    if (isReadable(read, middle)) good = middle;
    else worst = middle;
  }
  return good;
}

function isReadable(read: Database.Statement, behind: number): boolean {
  try {
    const row = read.get(behind) as bigint[] | undefined;
    return row === undefined || Number(row[0]) > behind;
  } catch (error) {
    throwOthers(error);
    return false;
  }
}

const UNREADABLE =
  /^SQLITE_(CORRUPT|NOTADB|CONSTRAINT|ERROR|MISMATCH|IOERR_READ|IOERR_SHORT_READ|IOERR_CORRUPTFS|IOERR_DATA)(_|$)/;

/** Values that the schema doesn't allow come from damage, too. A full disk is another matter. */
function throwOthers(error: unknown): void {
  if (error instanceof Unreadable) return;
  if (!(error instanceof Database.SqliteError)) throw error;
  if (!UNREADABLE.test(error.code)) throw error;
}

export function hasTable(db: Database.Database, table: string): boolean {
  const found = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
  return found.get(table) !== undefined;
}

function hasRowIds(db: Database.Database, table: string): boolean {
  const [{ wr }] = db.pragma(`table_list(${table})`) as { wr: number }[];
  return wr === 0;
}
