/** A damaged file is set aside, and a new one takes its place with what could be read of it. */
import { Database } from "../../deps.ts";
import type { Log } from "../pipeline/ports.ts";
import { DamageMark, removeIfThere } from "./damage.ts";
import { PAGE_SIZE } from "./upkeep.ts";
import { migrations, SchemaTooNew, schemaVersion } from "./migrations.ts";
import {
  isWhole,
  NotSalvageable,
  type Salvage,
  salvageAll,
  salvageIndependent,
} from "./salvage.ts";

/** Where Kafka is read from after a damage that cost results or everything. */
export type DamagedStart = "committed" | "earliest";

/** Damaged files that stay; a failing disk must not fill itself with them. */
const KEPT_FILES = 3;
const PARTS = ["", "-wal", "-shm"];

export interface RecoveryOptions {
  readonly dir: string;
  readonly log: Log;
  readonly now: () => number;
  readonly random: () => string;
  readonly start: DamagedStart;
  /** As the lock file has it; empty: not known. */
  readonly folderId: string;
  /** Opens a new file as the store wants its files. */
  readonly create: (path: string) => Database.Database;
}

/**
 * Ends an exchange of files that was cut short: the new file was complete, and the damaged one was gone
 * or about to go.
 */
export function finishExchange(dir: string): void {
  const file = `${dir}/plumbline.db`;
  removeWithParts(`${file}.new`);
  if (!exists(`${file}.salvaged`)) return;
  // Its write-ahead log belongs to the damaged file: never to the new one.
  if (exists(file)) return removeWithParts(`${file}.salvaged`);
  for (const part of PARTS.slice(1)) removeIfThere(file + part);
  new DamageMark(dir).clear();
  Deno.renameSync(`${file}.salvaged`, file);
}

/**
 * Makes a new file beside the damaged one, then exchanges them. Whenever it is cut short the next start
 * begins again or finishes. Throws what SQLite throws where the new file can't be written.
 */
export function recoverDamaged(reason: string, options: RecoveryOptions): void {
  const { dir, log, now } = options;
  const file = `${dir}/plumbline.db`;
  const fresh = `${file}.new`;
  const time = new Date(now()).toISOString().replaceAll(":", "-");
  const aside = `${file}.damaged.${time}`;
  if (exists(file)) {
    log.error("the database is damaged: it is set aside", {
      cause: reason,
      file: aside,
      todo:
        "have the disk and the machine's power looked at; the file can be deleted once nobody needs it",
    });
  } else {
    log.error("the database is gone: a new one begins", {
      cause: reason,
      todo: "see who deleted it, or whether DATA_DIR names another folder than before",
    });
  }
  const old = openDamaged(file);
  try {
    removeWithParts(fresh);
    const salvage = old === undefined ? undefined : salvaged(old, fresh, options);
    if (salvage === undefined) startAnew(old, fresh, options);
    Deno.renameSync(fresh, `${file}.salvaged`);
    tell(salvage, options);
  } finally {
    old?.close();
  }
  for (const part of PARTS) {
    if (exists(file + part)) Deno.renameSync(file + part, aside + part);
  }
  finishExchange(dir);
  dropOldest(dir, log);
}

/** undefined: it can't be opened at all. */
function openDamaged(file: string): Database.Database | undefined {
  let db: Database.Database | undefined;
  try {
    lengthen(file);
    db = new Database(file, { readonly: true, timeout: 1000 });
    if (schemaVersion(db, migrations.length) === 0) throw new Error("no schema");
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof SchemaTooNew) throw error;
    return undefined;
  }
}

/**
 * Gives a file that was cut short the length that its header tells: shorter, SQLite reads nothing of it.
 * What is added are holes, found one by one as damaged pages (SQLite, "Database File Format", 1.3).
 */
function lengthen(file: string): void {
  const header = new Uint8Array(100);
  using opened = Deno.openSync(file, { read: true, write: true });
  if (opened.readSync(header) !== header.length) return;
  const view = new DataView(header.buffer);
  const [pageSize, pages] = [view.getUint16(16), view.getUint32(28)];
  // The header's count is good where it was written together with the change counter.
  const isValid = view.getUint32(24) === view.getUint32(92) && pageSize === PAGE_SIZE;
  const length = pageSize * pages;
  if (isValid && opened.statSync().size < length) opened.truncateSync(length);
}

/** Everything that is whole, as far as one can go on from it; undefined: one can't, or isn't to. */
function salvaged(
  old: Database.Database,
  fresh: string,
  { create, start }: RecoveryOptions,
): Salvage | undefined {
  const db = create(fresh);
  try {
    const version = schemaVersion(old, migrations.length);
    makeTables(db, version);
    const salvage = salvageAll(old, db, () => makeTables(db, migrations.length, version));
    if (isWhole(salvage) || start === "committed") return salvage;
  } catch (error) {
    if (!(error instanceof NotSalvageable)) throw error;
  } finally {
    db.close();
  }
  removeWithParts(fresh);
  return undefined;
}

/**
 * With its old id the folder knows the group's offsets as its own, and not having any position begins
 * at the earliest; with a new one they are another member's, and it goes on from them.
 */
function startAnew(
  old: Database.Database | undefined,
  fresh: string,
  { create, random, start, folderId, log }: RecoveryOptions,
): void {
  const db = create(fresh);
  try {
    makeTables(db, old === undefined ? migrations.length : schemaVersion(old, migrations.length));
    const known = folderId !== "";
    if (start === "earliest" && !known) {
      log.error("the folder's id is lost, too: reading goes on at the committed offsets", {
        todo: "to read everything again, stop the engine and reset the group's offsets",
      });
    }
    db.prepare("INSERT INTO meta (id, folder_id, checkpoint, last_journal_id) VALUES (1, ?, 0, 0)")
      .run(start === "earliest" && known ? folderId : random());
    if (old !== undefined) salvageIndependent(old, db, { again: start === "earliest" });
  } finally {
    db.close();
  }
}

/** As a schema's version has them; those of an earlier one are there. */
function makeTables(db: Database.Database, version: number, earlier = 0): void {
  for (const step of migrations.slice(earlier, version)) db.exec(step);
  db.pragma(`user_version = ${version}`);
}

function tell(salvage: Salvage | undefined, { log, start }: RecoveryOptions): void {
  if (salvage === undefined) {
    const again =
      "everything that Kafka still has is read again: results that were sent before come " +
      "twice, with the ids that they had";
    const on =
      "reading goes on at the offsets that the group has committed; results of earlier readings " +
      "that weren't sent yet are lost, and so are all statistics";
    log.error("nothing could be taken over from the damaged database", {
      start,
      consequence: start === "earliest" ? again : on,
      todo: "none: DAMAGED_START has chosen, and counts again at the next damage only",
    });
    return;
  }
  const { journal, results, devices, deadLetters, lanes, tables } = salvage;
  if (isWhole(salvage)) {
    log.warn("everything that counts could be taken over from the damaged database", {
      deadLettersLost: deadLetters,
      tablesCutShort: tables,
    });
    return;
  }
  log.error("a part of the damaged database couldn't be taken over", {
    journalRowsLost: journal.map(({ after, before }) => ({
      from: after + 1,
      to: before === Infinity ? null : before - 1,
    })),
    resultsLost: results,
    devicesLostAtLeast: devices,
    deadLettersLost: deadLetters,
    lanesUnderNewProducerIds: lanes,
    tablesCutShort: tables,
    todo:
      "results of readings in these offset ranges may be lost, as far as they hadn't been sent; " +
      "those that were on their way to the output topic may come twice",
  });
}

function dropOldest(dir: string, log: Log): void {
  const files = [...Deno.readDirSync(dir)].map(({ name }) => name)
    .filter((name) => /^plumbline\.db\.damaged\..*Z$/.test(name)).sort();
  for (const name of files.slice(0, -KEPT_FILES)) {
    removeWithParts(`${dir}/${name}`);
    log.warn("an older damaged database was deleted", { file: `${dir}/${name}`, kept: KEPT_FILES });
  }
}

function removeWithParts(path: string): void {
  for (const part of PARTS) removeIfThere(path + part);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
