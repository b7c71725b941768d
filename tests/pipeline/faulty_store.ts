import {
  type AnomalyReader,
  type Counters,
  type DeadLetter,
  type DeviceReader,
  type JournalReader,
  type LetterReader,
  type Positions,
  type Store,
  type StoreDamaged,
  type StoreReports,
  StoreUnavailable,
  type Transaction,
} from "../../src/pipeline/ports.ts";

/** The real store, whose disk fails on demand. */
export class FaultyStore implements Store {
  readonly positions: Positions;
  readonly journal: JournalReader;
  readonly devices: DeviceReader;
  readonly letters: LetterReader;
  readonly anomalies: AnomalyReader;
  /** So many transactions fail before their work has run, as where BEGIN finds the file locked. */
  failingBegins = 0;
  /** So many fail after it, as where COMMIT finds the disk full: everything is rolled back. */
  failingCommits = 0;
  /** So many devices can't be read, as where the disk fails. */
  failingLoads = 0;
  /** Loads that go well before the failing ones. */
  loadsBefore = 0;
  /** Transactions that were committed. */
  commits = 0;
  /** Called after each failure. */
  onFailure: () => void = () => {};
  readonly #store: Store & StoreReports;

  constructor(store: Store & StoreReports) {
    this.#store = store;
    this.positions = store.positions;
    this.journal = store.journal;
    this.letters = store.letters;
    this.anomalies = store.anomalies;
    const load = (tenant: string, device: string) => {
      if (this.failingLoads > 0 && this.loadsBefore-- <= 0) {
        this.failingLoads--;
        throw this.#failure("reading a device");
      }
      return store.devices.load(tenant, device);
    };
    this.devices = {
      load,
      count: () => store.devices.count(),
      tenantsOf: (device) => store.devices.tenantsOf(device),
      page: (options) => store.devices.page(options),
      lastSeen: (tenant, device) => store.devices.lastSeen(tenant, device),
      summaries: (after, limit) => store.devices.summaries(after, limit),
      loadGlobal: () => store.devices.loadGlobal(),
    };
  }

  transact<T>(work: (tx: Transaction) => T): T {
    if (this.failingBegins > 0) {
      this.failingBegins--;
      throw this.#failure("BEGIN");
    }
    const result = this.#store.transact((tx) => {
      const result = work(tx);
      if (this.failingCommits > 0) {
        this.failingCommits--;
        throw this.#failure("COMMIT");
      }
      return result;
    });
    this.commits++;
    return result;
  }

  deadLetters(options: { after?: number; limit: number }): DeadLetter[] {
    return this.#store.deadLetters(options);
  }

  counters(): Counters {
    return this.#store.counters();
  }

  damaged(cause: unknown): StoreDamaged {
    return this.#store.damaged(cause);
  }

  close(): void {
    this.#store.close();
  }

  #failure(at: string): StoreUnavailable {
    queueMicrotask(() => this.onFailure());
    return new StoreUnavailable(`${at} fails, as the test wants`);
  }
}
