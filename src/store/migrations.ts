/** Brings a database file to the schema of this program. */
import first from "../../migrations/0000_first.sql" with { type: "text" };
import deadLetters from "../../migrations/0001_dead_letters.sql" with { type: "text" };
import laneBarriers from "../../migrations/0002_lane_barriers.sql" with { type: "text" };
import letterReplay from "../../migrations/0003_dead_letter_replay.sql" with { type: "text" };
import backlog from "../../migrations/0004_backlog.sql" with { type: "text" };
import skippedRecords from "../../migrations/0005_skipped_records.sql" with { type: "text" };
import anomalies from "../../migrations/0006_anomalies.sql" with { type: "text" };
import deviceSummaries from "../../migrations/0007_device_summaries.sql" with { type: "text" };
import tenantStretches from "../../migrations/0008_tenant_stretches.sql" with { type: "text" };
import type { Database } from "../../deps.ts";
import type { Log } from "../pipeline/ports.ts";

/** SQL texts in order; `PRAGMA user_version` counts those that a file has been through. */
export const migrations: readonly string[] = [
  first,
  deadLetters,
  laneBarriers,
  letterReplay,
  backlog,
  skippedRecords,
  anomalies,
  deviceSummaries,
  tenantStretches,
];

/** The file was written by a newer program. It was not touched. */
export class SchemaTooNew extends Error {
  override readonly name = "SchemaTooNew";
}

/** The file's schema version; 0: it has none yet. Throws `SchemaTooNew`, and where the tables aren't ours. */
export function schemaVersion(db: Database.Database, newest: number): number {
  const version = db.pragma("user_version", { simple: true }) as number;
  if (version > newest) {
    throw new SchemaTooNew(
      `opening ${db.name}: this program knows schemas up to version ${newest}, ` +
        `the file has version ${version}; use the program that wrote it or a newer one`,
    );
  }
  const tables = db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get() as number;
  if (version === 0 && tables > 0) {
    throw new Error(
      `opening ${db.name}: a file without a schema version must be empty, it has ${tables} tables ` +
        "and indexes of another program; move it away or set DATA_DIR to another folder",
    );
  }
  return version;
}

/**
 * Runs the steps that the file hasn't been through, in one transaction. A file that holds data is
 * copied first, to `<file>.v<version>.<time>.bak`. Throws what SQLite throws; the file is then as it was.
 */
export function migrate(
  db: Database.Database,
  options: { steps: readonly string[]; now: () => number; log: Log },
): void {
  const { steps, log } = options;
  const version = schemaVersion(db, steps.length);
  if (version === steps.length) return;
  const time = new Date(options.now()).toISOString().replaceAll(":", "-");
  const copy = version === 0 ? undefined : `${db.name}.v${version}.${time}.bak`;
  try {
    if (copy !== undefined) backUp(db, copy);
    db.transaction(() => {
      for (const step of steps.slice(version)) db.exec(step);
      db.pragma(`user_version = ${steps.length}`);
    }).immediate();
  } catch (error) {
    // The file is as it was; a program that is started again and again must not pile up copies.
    if (copy !== undefined) removeIfThere(copy);
    throw error;
  }
  if (copy !== undefined) log.info("schema changed", { from: version, to: steps.length, copy });
}

/** `VACUUM INTO` leaves the copy to the page cache; a backup must outlast a power cut. */
function backUp(db: Database.Database, copy: string): void {
  db.prepare("VACUUM INTO ?").run(copy);
  const file = Deno.openSync(copy, { read: true, write: true });
  try {
    file.syncDataSync();
  } finally {
    file.close();
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
