import { Database } from "../../deps.ts";

/** SQLite's own, as it is linked into the program; a database in memory is asked. */
export function sqliteVersion(): string {
  const db = new Database(":memory:");
  try {
    return db.prepare("SELECT sqlite_version()").pluck().get() as string;
  } finally {
    db.close();
  }
}
