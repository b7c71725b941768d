/** The store: one SQLite file in the data folder, and everything that touches it. */
import { Database } from "../../deps.ts";
import type {
  Counters,
  DeadLetter,
  DeadLetterBounds,
  DeadLetterTotals,
  JumpReason,
  Log,
  SinkName,
  Store,
  StoreReports,
  StoreUpkeep,
  Transaction,
} from "../pipeline/ports.ts";
import { CounterRow } from "./counters.ts";
import { DeadLetterTable } from "./dead_letters.ts";
import { DeviceTable } from "./devices.ts";
import { DataFolderInUse, type FolderLock, lockFolder, unusable } from "./folder.ts";
import { JournalTable } from "./journal.ts";
import { LetterTableReader } from "./letter_reader.ts";
import { migrate, migrations, SchemaTooNew, schemaVersion } from "./migrations.ts";
import { PositionTable } from "./positions.ts";
import { StoreTransaction, type Tables } from "./transaction.ts";
import { Transactor } from "./transactor.ts";

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
}

/**
 * Opens `plumbline.db` in the data folder, makes it where it is missing, brings its schema up to
 * date. Throws `DataFolderInUse`, `SchemaTooNew` (the file is untouched), or an error that names the
 * folder and what to do. Whatever it throws, the folder is free again.
 */
export function openStore(options: StoreOptions): Store & StoreReports & StoreUpkeep {
  const lock = lockFolder(options.dir);
  let db: Database.Database | undefined;
  try {
    const file = `${options.dir}/plumbline.db`;
    refuseNewer(file);
    db = new Database(file, { timeout: BUSY_TIMEOUT_MS });
    configure(db);
    migrate(db, { steps: migrations, now: options.now, log: options.log });
    const { random = () => crypto.randomUUID() } = options;
    db.prepare(
      "INSERT INTO meta (id, folder_id, checkpoint, last_journal_id) VALUES (1, ?, 0, 0) " +
        "ON CONFLICT DO NOTHING",
    ).run(random());
    return new SqliteStore(db, { ...options, lock });
  } catch (error) {
    db?.close();
    lock.release();
    throw error instanceof Database.SqliteError
      ? unusable(options.dir, new Error(`${error.message} (${error.code})`, { cause: error }))
      : error;
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
  db.pragma("page_size = 16384");
  db.pragma("auto_vacuum = INCREMENTAL");
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("wal_autocheckpoint = 4000");
  db.pragma("journal_size_limit = 134217728");
  db.pragma("cache_size = -65536");
}

class SqliteStore implements Store, StoreReports, StoreUpkeep {
  readonly positions: PositionTable;
  readonly journal: JournalTable;
  readonly devices: DeviceTable;
  readonly letters: LetterTableReader;
  readonly #db: Database.Database;
  readonly #lock: FolderLock;
  readonly #transactor: Transactor;
  readonly #tables: Tables;

  readonly #log: Log;
  /** Dead letters that had fallen off when it was told last. */
  #droppedTold: number;
  /** Of these, those that had not been copied. */
  #missedTold: number;

  constructor(db: Database.Database, options: StoreOptions & { lock: FolderLock }) {
    const { lock, now, log, deadLetters: bounds = NO_BOUNDS } = options;
    this.#log = log;
    this.#db = db;
    this.#lock = lock;
    this.#transactor = new Transactor(db);
    this.positions = new PositionTable(db, { transactor: this.#transactor, now });
    this.journal = new JournalTable(db);
    this.devices = new DeviceTable(db);
    this.letters = new LetterTableReader(db);
    this.#tables = {
      positions: this.positions,
      journal: this.journal,
      devices: this.devices,
      deadLetters: new DeadLetterTable(db, { now, bounds }),
      counters: new CounterRow(db),
    };
    this.#droppedTold = this.deadLetterTotals().dropped;
    this.#missedTold = this.letters.counts().copy.missed;
  }

  transact<T>(work: (tx: Transaction) => T): T {
    const before = this.journal.extent();
    const tx = new StoreTransaction(this.#db, this.#tables);
    try {
      const result = this.#transactor.run(() => {
        const result = work(tx);
        tx.finish();
        return result;
      });
      this.journal.committed();
      return result;
    } catch (error) {
      this.journal.restore(before);
      throw error;
    } finally {
      tx.end();
    }
  }

  counters(): Counters {
    return this.#tables.counters.read();
  }

  deadLetters(options: { after?: number; limit: number }): DeadLetter[] {
    return this.#tables.deadLetters.page(options);
  }

  deadLetterTotals(): DeadLetterTotals {
    return this.#tables.deadLetters.totals();
  }

  maintain(): void {
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

  resultsDropped(): Readonly<Record<SinkName, number>> {
    return this.journal.dropped();
  }

  jumps(): ReadonlyMap<JumpReason, number> {
    return this.positions.jumps();
  }

  skippedRecords(): number {
    return this.positions.skippedRecords();
  }

  close(): void {
    if (!this.#db.open) return;
    this.#db.close();
    this.#lock.release();
  }
}
