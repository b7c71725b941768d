/** The store: one SQLite file in the data folder, and everything that touches it. */
import { Database } from "../../deps.ts";
import {
  type AnomalyBounds,
  type AnomalyReader,
  type Counters,
  type DeadLetter,
  type DeadLetterBounds,
  type DeadLetterTotals,
  type DeviceReader,
  type JournalReader,
  type JumpReason,
  type LetterReader,
  type Log,
  type Positions,
  type SinkName,
  type Store,
  type StoreDamaged,
  type StoreReports,
  type StoreUpkeep,
  type Transaction,
} from "../pipeline/ports.ts";
import { AnomalyTable } from "./anomalies.ts";
import { AnomalyTableReader } from "./anomaly_reader.ts";
import { CounterRow } from "./counters.ts";
import { DeadLetterTable } from "./dead_letters.ts";
import { DeviceTable } from "./devices.ts";
import { checkSmallTables, damage, damaged, DamageGuard, DamageMark } from "./damage.ts";
import { type DiskSpace, diskSpace, DiskWatch } from "./disk.ts";
import { DataFolderInUse, diskFull, type FolderLock, lockFolder, unusable } from "./folder.ts";
import { JournalTable } from "./journal.ts";
import { LetterTableReader } from "./letter_reader.ts";
import { migrate, migrations, SchemaTooNew, schemaVersion } from "./migrations.ts";
import { PositionTable } from "./positions.ts";
import { type DamagedStart, finishExchange, recoverDamaged } from "./recovery.ts";
import { StoreTransaction, type Tables } from "./transaction.ts";
import { isDiskFull, Transactor, unavailable } from "./transactor.ts";
import { FileUpkeep, PAGE_SIZE } from "./upkeep.ts";

export { DataFolderInUse, SchemaTooNew };

export interface StoreOptions {
  /** The data folder; made where it is missing. */
  readonly dir: string;
  readonly log: Log;
  /** ms since 1970. */
  readonly now: () => number;
  /** A text that no other data folder has, for a new one. */
  readonly random?: () => string;
  /** Beyond them the oldest dead letters fall off; without bounds unless told. */
  readonly deadLetters?: DeadLetterBounds;
  /** The same for anomalies. */
  readonly anomalies?: AnomalyBounds;
  /** Where Kafka is read from after a damage that cost results or everything; "committed" unless told. */
  readonly damagedStart?: DamagedStart;
  /** The file turned out to be damaged while it was in use: nothing can be done with this store any more. */
  readonly onDamage?: (error: StoreDamaged) => void;
}

export type OpenedStore = Store & StoreReports & StoreUpkeep;

/**
 * Opens `plumbline.db` in the data folder, makes it where it is missing, brings its schema up to
 * date. A damaged file is set aside, and one with what could be read of it takes its place. Throws
 * `DataFolderInUse`, `SchemaTooNew` (the file is untouched), `StoreUnavailable` where the disk is full,
 * failing or the file locked (it may be tried again), or an error that names the folder and what to do.
 * Whatever it throws, the folder is free again.
 */
export function openStore(options: StoreOptions): OpenedStore {
  const lock = lockFolder(options.dir);
  try {
    const store = openOrRecover(options, lock);
    lock.note(store.positions.folderId);
    return store;
  } catch (error) {
    lock.release();
    if (!(error instanceof Database.SqliteError)) throw error;
    const reason = new Error(`${error.message} (${error.code})`, { cause: error });
    if (isDiskFull(error)) throw diskFull(options.dir, reason);
    if (error.code !== "SQLITE_READONLY") throw unavailable(error) ?? unusable(options.dir, reason);
    throw unusable(options.dir, reason);
  }
}

function openOrRecover(options: StoreOptions, lock: FolderLock): OpenedStore {
  const { dir, log, now, random = () => crypto.randomUUID(), damagedStart = "committed" } = options;
  finishExchange(dir);
  const recover = (reason: string) =>
    recoverDamaged(reason, {
      dir,
      log,
      now,
      random,
      start: damagedStart,
      folderId: lock.noted,
      create,
    });
  const known = new DamageMark(dir).read() ?? vanished(dir, lock);
  if (known !== undefined) recover(known);
  try {
    return openFile(options, lock);
  } catch (error) {
    const found = damaged(error);
    // What was just made can't be damaged, but by a disk that needs another kind of help.
    if (found === undefined || known !== undefined) throw error;
    recover(found.message);
  }
  return openFile(options, lock);
}

/** A folder that was in use has a database: without one SQLite would just make another, and say nothing. */
function vanished(dir: string, lock: FolderLock): string | undefined {
  if (lock.noted === "") return undefined;
  try {
    if (Deno.statSync(`${dir}/plumbline.db`).size > 0) return undefined;
    return "plumbline.db is empty, though this folder was in use";
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw unusable(dir, error);
    return "plumbline.db is gone, though this folder was in use";
  }
}

function openFile(options: StoreOptions, lock: FolderLock): OpenedStore {
  const { dir, now, log, random = () => crypto.randomUUID() } = options;
  const file = `${dir}/plumbline.db`;
  refuseNewer(file);
  const db = create(file);
  try {
    checkSmallTables(db);
    migrate(db, { steps: migrations, now, log });
    db.prepare(
      "INSERT INTO meta (id, folder_id, checkpoint, last_journal_id) VALUES (1, ?, 0, 0) " +
        "ON CONFLICT DO NOTHING",
    ).run(random());
    return new SqliteStore(db, { ...options, lock });
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Throws `StoreDamaged` where the file is gone: what is written now would go with it. */
function walSize(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw damage("its files were removed while it was in use", error);
  }
}

function create(path: string): Database.Database {
  const db = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    configure(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

const NO_BOUNDS: DeadLetterBounds = {
  maxCount: Infinity,
  maxBytes: Infinity,
  maxAgeMs: Infinity,
};

/** Only people's `sqlite3` can hold the file; the engine's one thread must not wait long for them. */
const BUSY_TIMEOUT_MS = 1000;

/** A read-only connection looks first: opening the file for writing may already change it. */
function refuseNewer(file: string): void {
  try {
    if (Deno.statSync(file).size === 0) return;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw unusable(file, error);
  }
  const db = new Database(file, { readonly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    schemaVersion(db, migrations.length);
  } finally {
    db.close();
  }
}

/** Page size and vacuum mode count only while the file is empty; measured for rows of up to 1 MB. */
function configure(db: Database.Database): void {
  db.pragma(`page_size = ${PAGE_SIZE}`);
  db.pragma("auto_vacuum = INCREMENTAL");
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("cache_size = -65536");
}

const NO_ANOMALY_BOUNDS: AnomalyBounds = { maxCount: Infinity, maxAgeMs: Infinity };

class SqliteStore implements Store, StoreReports, StoreUpkeep {
  readonly positions: Positions;
  readonly journal: JournalReader;
  readonly devices: DeviceReader;
  readonly letters: LetterReader;
  readonly anomalies: AnomalyReader;
  readonly #db: Database.Database;
  readonly #lock: FolderLock;
  readonly #transactor: Transactor;
  readonly #tables: Tables;
  readonly #guard: DamageGuard;
  readonly #upkeep: FileUpkeep;
  readonly #log: Log;
  /** Dead letters that had fallen off when it was told last. */
  #droppedTold: number;
  /** Of these, those that had not been copied. */
  #missedTold: number;

  constructor(db: Database.Database, options: StoreOptions & { lock: FolderLock }) {
    const { dir, lock, now, log, deadLetters: bounds = NO_BOUNDS, onDamage = () => {} } = options;
    this.#log = log;
    this.#db = db;
    this.#lock = lock;
    this.#transactor = new Transactor(db);
    this.#guard = new DamageGuard(new DamageMark(dir), onDamage);
    const space = (): DiskSpace | undefined => diskSpace(dir);
    const walBytes = () => walSize(`${db.name}-wal`);
    this.#upkeep = new FileUpkeep(db, { space, walBytes, now, log });
    this.#tables = {
      positions: new PositionTable(db, { transactor: this.#transactor, now }),
      journal: new JournalTable(db),
      devices: new DeviceTable(db),
      deadLetters: new DeadLetterTable(db, { now, bounds }),
      anomalies: new AnomalyTable(db, { now, bounds: options.anomalies ?? NO_ANOMALY_BOUNDS }),
      counters: new CounterRow(db),
      disk: new DiskWatch({ space, freeInFile: () => this.#upkeep.freeBytes }),
    };
    this.positions = this.#guard.around(this.#tables.positions);
    this.journal = this.#guard.around(this.#tables.journal);
    this.devices = this.#guard.around(this.#tables.devices);
    this.letters = this.#guard.around(new LetterTableReader(db));
    this.anomalies = this.#guard.around(new AnomalyTableReader(db));
    this.#droppedTold = this.deadLetterTotals().dropped;
    this.#missedTold = this.letters.counts().copy.missed;
  }

  transact<T>(work: (tx: Transaction) => T): T {
    const { journal } = this.#tables;
    const before = journal.extent();
    const tx = new StoreTransaction(this.#db, this.#tables);
    try {
      const result = this.#guard.run(() =>
        this.#transactor.run(() => {
          const result = work(tx);
          tx.finish();
          return result;
        })
      );
      journal.committed();
      return result;
    } catch (error) {
      journal.restore(before);
      if (isDiskFull(error)) this.#upkeep.relieve();
      throw error;
    } finally {
      tx.end();
    }
  }

  counters(): Counters {
    return this.#guard.run(() => this.#tables.counters.read());
  }

  damaged(cause: unknown): StoreDamaged {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return this.#guard.found(damaged(cause) ?? damage(reason, cause));
  }

  deadLetters(options: { after?: number; limit: number }): DeadLetter[] {
    return this.#guard.run(() => this.#tables.deadLetters.page(options));
  }

  deadLetterTotals(): DeadLetterTotals {
    return this.#guard.run(() => this.#tables.deadLetters.totals());
  }

  maintain(): void {
    this.#guard.run(() => {
      this.#dropLetters();
      this.#dropAnomalies();
      try {
        this.#upkeep.run();
      } catch (error) {
        throw unavailable(error) ?? error;
      }
    });
  }

  lowDisk(): string | undefined {
    return this.#tables.disk.low();
  }

  jumps(): ReadonlyMap<JumpReason, number> {
    return this.#guard.run(() => this.#tables.positions.jumps());
  }

  skippedRecords(): number {
    return this.#guard.run(() => this.#tables.positions.skippedRecords());
  }

  resultsDropped(): Readonly<Record<SinkName, number>> {
    return this.#guard.run(() => this.#tables.journal.dropped());
  }

  fileState(): { freeBytes: number; walHeldSeconds: number } {
    const { freeBytes, heldSeconds } = this.#upkeep;
    return { freeBytes, walHeldSeconds: heldSeconds };
  }

  close(): void {
    if (!this.#db.open) return;
    this.#db.close();
    this.#lock.release();
  }

  #dropAnomalies(): void {
    const { anomalies } = this.#tables;
    if (anomalies.overdue) this.#transactor.run(() => anomalies.trim(0));
  }

  #dropLetters(): void {
    const { deadLetters } = this.#tables;
    if (deadLetters.overdue) this.#transactor.run(() => deadLetters.trim(0));
    const { count, bytes, dropped } = deadLetters.totals();
    if (dropped === this.#droppedTold) return;
    const { missed } = this.letters.counts().copy;
    this.#log.warn("the oldest dead letters fell off", {
      dropped: dropped - this.#droppedTold,
      ...(missed > this.#missedTold ? { notCopied: missed - this.#missedTold } : {}),
      ever: dropped,
      count,
      bytes,
      todo: "see what is refused, and raise DEAD_LETTERS_MAX_COUNT, _BYTES or _AGE",
    });
    this.#droppedTold = dropped;
    this.#missedTold = missed;
  }
}
