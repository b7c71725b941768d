/** Puts lanes right from whose journal rows are missing, and says which results that were. */
import type { Database } from "../../deps.ts";
import { RecordReader } from "../core/record.ts";
import type { Gap } from "./salvage_table.ts";
import type { LostResults } from "./salvage.ts";

const GOING_OUT = "target IN ('output', 'reframed')";
/** Rows on both sides of a gap that are asked which offsets they have: those of one batch and more. */
const NEIGHBOURS = 64;
/** More rows than a journal has. */
const IDS_SKIPPED = 100_000_000;

/**
 * A lane that has surely lost nothing behind its cursor stays as it is. In another one the rows that are
 * there follow one another anew, under a producer id that is new: the broker would refuse the gap, and
 * drop what comes under sequences that a lost row had.
 */
export function settleLanes(
  db: Database.Database,
  gaps: readonly Gap[],
): { lanes: number[]; results: LostResults[] } {
  if (gaps.length === 0) return { lanes: [], results: [] };
  if (gaps.some(({ before }) => before === Infinity)) skipLostIds(db);
  const lastLost = gaps.reduce((last, { before }) => Math.max(last, before - 1), 0);
  const lanes = db.prepare("SELECT lane, acknowledged FROM lanes").all() as Lane[];
  const changed = lanes.filter((lane) => closeGaps(db, lane, { lastLost })).map(({ lane }) => lane);
  if (changed.length > 0) dropBarriers(db);
  return { lanes: changed, results: lostResults(db, gaps) };
}

/** Of sequences that aren't any more: some lane would wait for ever. */
function dropBarriers(db: Database.Database): void {
  db.exec("DELETE FROM lane_barriers");
}

interface Lane {
  readonly lane: number;
  readonly acknowledged: number;
}

/** Rows' ids are never used twice: devices and cursors remember them. */
function skipLostIds(db: Database.Database): void {
  db.prepare(`
    UPDATE meta SET last_journal_id = ${IDS_SKIPPED} + max(
      last_journal_id,
      checkpoint,
      coalesce((SELECT max(id) FROM journal), 0),
      coalesce((SELECT max(journal_id) FROM devices), 0),
      coalesce((SELECT max(journal_id) FROM global_statistics), 0),
      coalesce((SELECT max(journal_id) FROM storage_cursor), 0)
    )`).run();
}

function closeGaps(
  db: Database.Database,
  { lane, acknowledged }: Lane,
  { lastLost }: { lastLost: number },
): boolean {
  const rows = db.prepare(`
    SELECT id, is_copy AS isCopy, base_sequence AS base, count FROM journal
    WHERE ${GOING_OUT} AND lane = ? AND base_sequence + count > ?
    ORDER BY base_sequence, lanes, id`).all(lane, acknowledged) as Row[];
  let next = Math.min(acknowledged, rows[0]?.base ?? acknowledged);
  const follow = rows.every(({ base, count }) => {
    const follows = base <= next;
    next = base + count;
    return follows;
  });
  // A row behind those that are left may have been sent: only one that came after all that is lost says
  // where the lane ends, and a copy's id says nothing.
  const last = rows.at(-1);
  if (follow && last !== undefined && last.isCopy === 0 && last.id > lastLost) return false;
  const move = db.prepare("UPDATE journal SET base_sequence = ? WHERE id = ?");
  let sequence = acknowledged;
  db.exec("BEGIN");
  for (const { id, base, count } of rows) {
    // The row that the cursor stands in keeps its records before it.
    if (base < acknowledged) sequence = base;
    move.run(sequence, id);
    sequence += count;
  }
  db.prepare(`
    UPDATE lanes SET topic_id = '', producer_id = -1, producer_epoch = -1, end_sequence = ?
    WHERE lane = ?`).run(Math.max(sequence, acknowledged), lane);
  db.exec("COMMIT");
  return true;
}

interface Row {
  readonly id: number;
  readonly isCopy: number;
  readonly base: number;
  readonly count: number;
}

/** From the offset after the last one before a gap to the one before the first after it. */
function lostResults(db: Database.Database, gaps: readonly Gap[]): LostResults[] {
  const found: LostResults[] = [];
  const positions = new Map(
    (db.prepare("SELECT topic, partition, next FROM positions").all() as Position[])
      .map(({ topic, partition, next }) => [`${topic}-${partition}-`, next]),
  );
  for (const { after, before } of gaps) {
    const earlier = offsets(db, { through: after }, Math.max);
    const later = offsets(db, { from: before }, Math.min);
    const partitions = new Set([...earlier.keys(), ...later.keys(), ...positions.keys()]);
    for (const readings of partitions) {
      const from = (earlier.get(readings) ?? -1) + 1;
      const to = (later.get(readings) ?? positions.get(readings) ?? from) - 1;
      if (to >= from) found.push({ readings, from, to });
    }
  }
  return found;
}

interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly next: number;
}

function offsets(
  db: Database.Database,
  side: { through: number } | { from: number },
  choose: (a: number, b: number) => number,
): Map<string, number> {
  const isBefore = "through" in side;
  const rows = db.prepare(`
    SELECT count, body FROM journal
    WHERE is_copy = 0 AND id ${isBefore ? "<=" : ">="} ? ORDER BY id ${isBefore ? "DESC" : ""}
    LIMIT ${NEIGHBOURS}`).all(isBefore ? side.through : side.from);
  const found = new Map<string, number>();
  for (const row of rows as { count: number; body: Uint8Array }[]) {
    const records = new RecordReader(row);
    while (records.next()) {
      const id = decoder.decode(row.body.subarray(records.idStart, records.idEnd));
      const match = /^(.*-\d+-)(\d+)$/.exec(id);
      if (match === null) continue;
      const offset = Number(match[2]);
      found.set(match[1], choose(found.get(match[1]) ?? offset, offset));
    }
  }
  return found;
}

const decoder = new TextDecoder();
