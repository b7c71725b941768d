import { ByteRoom } from "../core/byte_room.ts";
import { Engine } from "../core/engine.ts";
import { type FleetOptions } from "../core/fleet.ts";
import { type Device } from "../core/device.ts";
import { type Counters, type Log, type Store, StoreUnavailable } from "./ports.ts";
import { type RowPool } from "./row_pool.ts";

const REPLAY_BYTES = 8_000_000;

export interface StateOptions {
  readonly store: Store;
  readonly pool: RowPool;
  readonly fleet: Omit<FleetOptions, "archive">;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * What the program knows: the engine over the store. It can always be thrown away and rebuilt from the
 * store: the devices' rows, and the journal rows above them.
 */
export class State {
  readonly #options: StateOptions;
  /** For one device's state while it is written. */
  readonly #room = new ByteRoom();
  engine: Engine;
  /** Invariant 5, as the store has it. */
  counters: Counters;
  /** The engine includes every journal row up to here; copies that the sinks made hold nothing to include. */
  includedId: number;

  /** Recovers from the store; throws what SQLite throws, and `StoreDamaged`. */
  constructor(options: StateOptions) {
    this.#options = options;
    this.engine = this.#newEngine();
    this.counters = options.store.counters();
    this.includedId = 0;
    this.#replay();
  }

  /** Forgets what memory has and recovers from the store, as a restart would. */
  rebuild(): void {
    this.engine = this.#newEngine();
    this.counters = this.#options.store.counters();
    this.#replay();
  }

  /**
   * Puts the least recently used devices away while they take more memory than they may. Where the
   * store can't be written they stay in memory until it can.
   */
  evict(): void {
    const { fleet } = this.engine;
    while (fleet.overflowing) {
      const victims = fleet.leastRecentlyUsed();
      const dirty = victims.filter((device) => device.dirtySince !== 0);
      try {
        if (dirty.length > 0) this.#save(dirty);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        return;
      }
      fleet.forget(victims);
    }
  }

  #save(devices: readonly Device[]): void {
    const id = this.includedId;
    this.#options.store.transact((tx) => {
      for (const device of devices) {
        tx.saveDevice(device.toState(id, this.#room));
        this.#room.clear();
      }
    });
    for (const device of devices) this.engine.saved(device, id);
  }

  #newEngine(): Engine {
    const { store, fleet, pool } = this.#options;
    const archive = {
      load: (tenant: string, device: string) => store.devices.load(tenant, device),
      countOf: (tenant: string) => store.devices.count(tenant),
    };
    return new Engine({ ...fleet, archive, takeBuffer: () => pool.take() });
  }

  #replay(): void {
    const { store, log, now } = this.#options;
    const started = now();
    this.#read(() => this.engine.restore(store.devices.loadGlobal()));
    const from = store.journal.checkpoint();
    this.includedId = from;
    let rows = 0, readings = 0;
    for (;;) {
      const chunk = store.journal.resultRows(this.includedId, REPLAY_BYTES);
      if (chunk.length === 0) break;
      for (const row of chunk) {
        this.#read(() => this.engine.replay(row));
        this.includedId = row.id;
        this.evict();
        rows++;
        readings += row.count;
      }
    }
    this.includedId = Math.max(this.includedId, store.journal.lastId());
    const devices = store.devices.count();
    log[devices === 0 ? "debug" : "info"]("state recovered", {
      checkpoint: from,
      rows,
      readings,
      devices,
      milliseconds: Math.round(now() - started),
    });
  }

  /** What the store has can't always be read: its bytes may have changed on the disk. */
  #read(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      throw this.#options.store.damaged(error);
    }
  }
}
