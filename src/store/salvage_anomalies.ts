/** The anomalies of a damaged file: what is whole stays, and numbers go on behind all that there are. */
import type { Database } from "../../deps.ts";
import { type AnomalyBlock, AnomalyBlockReader } from "../core/anomaly_block.ts";
import { hasTable } from "./salvage_table.ts";

type Row = AnomalyBlock & { readonly first: number };

/** After the tables were copied, as far as the file's schema has them. */
export function settleAnomalies(db: Database.Database): void {
  if (!hasTable(db, "anomalies")) return;
  dropBroken(db);
  // Numbers that were lost count as kept until those below them have fallen off.
  db.exec(`
    INSERT INTO anomaly_numbers
    SELECT 1, coalesce(min(first_number), 1), coalesce(max(first_number + count), 1)
    FROM anomalies WHERE true
    ON CONFLICT (id) DO UPDATE SET next = max(next, excluded.next)`);
}

function dropBroken(db: Database.Database): void {
  const next = db.prepare(`
    SELECT first_number AS first, count, time, earliest, latest, max_score AS maxScore,
      detectors, body
    FROM anomalies WHERE first_number > ? ORDER BY first_number LIMIT 1`);
  const drop = db.prepare("DELETE FROM anomalies WHERE first_number = ?");
  let row = next.get(-Infinity) as Row | undefined;
  for (; row !== undefined; row = next.get(row.first) as Row | undefined) {
    if (!isWhole(row)) drop.run(row.first);
  }
}

function isWhole(row: Row): boolean {
  try {
    const reader = new AnomalyBlockReader(row);
    for (let i = 0; i < row.count; i++) reader.get(i);
    return true;
  } catch {
    return false;
  }
}
