/** What can still be read of a damaged database, copied into a new file of the same schema. */
import { Database } from "../../deps.ts";
import { isWhole as hasRecords, RecordReader } from "../core/record.ts";
import { parseResult } from "../core/reading_result.ts";
import { Reading } from "../core/reading.ts";
import { Series, Totals } from "../core/series.ts";
import { DeviceTable } from "./devices.ts";
import { settleAnomalies } from "./salvage_anomalies.ts";
import { copyTable, type Gap } from "./salvage_table.ts";
import { settleLanes } from "./salvage_lanes.ts";

/** Without each of these, whole, nothing is sure: they are one page or two. */
const ESSENTIAL = [
  "meta",
  "counters",
  "positions",
  "topics",
  "lanes",
  "storage_cursor",
  "global_statistics",
  "global_metrics",
];
/** Kept by triggers while the dead letters are copied, or counted anew. */
const DERIVED = ["dead_letter_totals", "journal_stretches"];
/** Say nothing about what was read so far: true beside a fresh start, too. */
const INDEPENDENT = [
  "topics",
  "members",
  "dead_letters",
  "dead_letters_to_replay",
  "dead_letter_copy",
];
const ANOMALIES = ["anomalies", "anomaly_numbers"];
const PAGE = 1000;
/** Any length that a window may have. */
const ANY_CAPACITY = 100_000;

export interface Salvage {
  /** Journal rows that couldn't be read, from an id to another. */
  readonly journal: readonly Gap[];
  /** Results by input partition, as far as can be said: they may be lost. */
  readonly results: readonly LostResults[];
  /** Devices whose statistics are gone. */
  readonly devices: number;
  readonly deadLetters: number;
  /** Lanes that go on under a new producer id: what was on its way may come twice. */
  readonly lanes: readonly number[];
  /** Other tables that aren't complete. */
  readonly tables: readonly string[];
}

/** `<topic>-<partition>-` of the readings' ids, and their offsets from the first to the last. */
export interface LostResults {
  readonly readings: string;
  readonly from: number;
  readonly to: number;
}

/** Something that everything rests on can't be read. */
export class NotSalvageable extends Error {}

/**
 * Copies everything that is whole, then lets `upgrade` bring the new file from the old one's schema to
 * this program's. Throws `NotSalvageable` where that isn't enough to go on from; the new file is of no use
 * then.
 */
export function salvageAll(
  from: Database.Database,
  to: Database.Database,
  upgrade: () => void,
): Salvage {
  const gaps = new Map(tablesOf(to).map((table) => [table, copyTable(from, to, table)]));
  copySequences(from, to);
  const failed = ESSENTIAL.filter((table) => gaps.get(table)!.length > 0);
  if (failed.length > 0) throw new NotSalvageable(`unreadable: ${failed.join(", ")}`);
  upgrade();
  checkGlobal(to);
  const journal = [...gaps.get("journal")!, ...dropBrokenRows(to)]
    .sort((a, b) => a.after - b.after);
  const { lanes, results } = settleLanes(to, journal);
  countStretches(to);
  settleAnomalies(to);
  const largeTables = ["journal", "dead_letters", "devices", "device_metrics"];
  return {
    journal,
    results,
    lanes,
    devices: missing(gaps.get("devices")!) + dropBrokenDevices(to),
    deadLetters: missing(gaps.get("dead_letters")!),
    tables: [...gaps].filter(([table, them]) => them.length > 0 && !largeTables.includes(table))
      .map(([table]) => table),
  };
}

/**
 * Copies what may stand beside a fresh start; the anomalies only where `again` is false: read again, the
 * same readings would be marked twice.
 */
export function salvageIndependent(
  from: Database.Database,
  to: Database.Database,
  { again }: { again: boolean },
): void {
  const wanted = again ? INDEPENDENT : [...INDEPENDENT, ...ANOMALIES];
  for (const table of tablesOf(to)) {
    if (wanted.includes(table)) copyTable(from, to, table);
  }
  copySequences(from, to);
  settleAnomalies(to);
}

export function isWhole(salvage: Salvage): boolean {
  return salvage.journal.length === 0 && salvage.devices === 0;
}

function tablesOf(db: Database.Database): string[] {
  const tables = db.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  ).pluck().all() as string[];
  return tables.filter((table) => !DERIVED.includes(table));
}

/** As row ids tell: at least one row for each gap. */
function missing(gaps: readonly Gap[]): number {
  return gaps.reduce(
    (sum, { after, before }) => sum + (before === Infinity ? 1 : before - after - 1),
    0,
  );
}

/** As the migration does that has made the table. */
function countStretches(db: Database.Database): void {
  db.exec(`
    DELETE FROM journal_stretches;
    INSERT INTO journal_stretches
    SELECT min(id), max(id), count(*), sum(length(body)) FROM journal GROUP BY id / 16`);
}

/** Sequences are never used twice, not even where the last rows were deleted. */
function copySequences(from: Database.Database, to: Database.Database): void {
  const raise = to.prepare("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?");
  const add = to.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)");
  try {
    for (
      const { name, seq } of from.prepare("SELECT name, seq FROM sqlite_sequence")
        .all() as Sequence[]
    ) {
      if (raise.run(seq, name).changes === 0) add.run(name, seq);
    }
  } catch {
    // The rows that were copied have raised them.
  }
}

interface Sequence {
  readonly name: string;
  readonly seq: number;
}

function checkGlobal(db: Database.Database): void {
  const state = new DeviceTable(db).loadGlobal();
  if (state === undefined) return;
  const all = [state.temperature, state.humidity, ...state.metrics.map(({ series }) => series)];
  try {
    for (const series of all) Totals.fromState(series);
  } catch (error) {
    throw new NotSalvageable("the global statistics", { cause: error });
  }
}

/** Rows of the journal whose bodies are no records any more. */
function dropBrokenRows(db: Database.Database): Gap[] {
  const next = db.prepare("SELECT id, count, body FROM journal WHERE id > ? ORDER BY id LIMIT 1");
  const drop = db.prepare("DELETE FROM journal WHERE id = ?");
  const gaps: Gap[] = [];
  let row = next.get(-Infinity) as { id: number; count: number; body: Uint8Array } | undefined;
  for (; row !== undefined; row = next.get(row.id) as typeof row) {
    if (isRow(row)) continue;
    drop.run(row.id);
    gaps.push({ after: row.id - 1, before: row.id + 1 });
  }
  return gaps;
}

const register = new Reading();

function isRow(row: { count: number; body: Uint8Array }): boolean {
  if (!hasRecords(row)) return false;
  const records = new RecordReader(row);
  try {
    while (records.next()) {
      parseResult(register, row.body, records.valueStart, records.valueEnd);
    }
    return true;
  } catch {
    return false;
  }
}

function dropBrokenDevices(db: Database.Database): number {
  const devices = new DeviceTable(db);
  const drop = db.prepare("DELETE FROM devices WHERE tenant_id = ? AND device_id = ?");
  let dropped = 0;
  let after: { tenant: string; device: string } | undefined;
  for (;;) {
    const page = devices.page({ after, limit: PAGE });
    for (const { tenant, device } of page) {
      const state = devices.load(tenant, device)!;
      const all = [state.temperature, state.humidity, ...state.metrics.map((it) => it.series)];
      try {
        for (const series of all) Series.fromState(series, ANY_CAPACITY);
      } catch {
        drop.run(tenant, device);
        dropped++;
      }
    }
    if (page.length < PAGE) return dropped;
    after = page.at(-1);
  }
}
