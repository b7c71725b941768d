import { isWhole } from "../core/record.ts";
import { type JournalRow, type Store } from "./ports.ts";

/** A row that was read from the disk: SQLite doesn't notice bytes that changed inside it. Throws `StoreDamaged`. */
export function checkRow(row: JournalRow, store: Store): void {
  if (isWhole(row)) return;
  throw store.damaged(new Error(`journal row ${row.id}: its ${row.count} records can't be read`));
}
