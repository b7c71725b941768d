import { type Device } from "../core/device.ts";
import { type Engine } from "../core/engine.ts";
import { DeviceIndex } from "./device_index.ts";
import { type DeviceVisitor, FoundDevices } from "./found_devices.ts";
import {
  type DeviceLists,
  type DevicePage,
  type DeviceQuery,
  type ListedDevice,
  type Store,
} from "./ports.ts";
import { type State } from "./state.ts";

/** What the index may take: some 400,000 devices. */
const MAX_INDEX_BYTES = 64 << 20;
/** Devices that are looked at in one step: 1 or 2 ms. */
const STEP = 10_000;
/** Rows that are read in one step, at most: about 3 ms. */
const ROWS = 200;
/** Texts that are looked up in one step. */
const TEXTS = 100;

/** From memory, and by the index of all other devices; where that would be too large, from the store's rows. */
export class StateDeviceLists implements DeviceLists {
  readonly #state: State;
  readonly #store: Store;
  readonly #maxIndexBytes: number;
  readonly #step: number;
  #engine: Engine | undefined;
  #index: DeviceIndex | undefined;

  constructor(state: State, of: { store: Store; maxIndexBytes?: number; step?: number }) {
    this.#state = state;
    this.#store = of.store;
    this.#maxIndexBytes = of.maxIndexBytes ?? MAX_INDEX_BYTES;
    this.#step = of.step ?? STEP;
  }

  *list(query: DeviceQuery): Generator<undefined, DevicePage> {
    const found = yield* this.visit(() => new FoundDevices(query));
    const { devices, next } = found.page();
    const listed: ListedDevice[] = [];
    for (const { tenant, device, results, lastProcessed, lastScore } of devices) {
      if (listed.length % TEXTS === TEXTS - 1) yield;
      const lastSeen = this.#inMemory(tenant, device)?.lastSeen ??
        this.#store.devices.lastSeen(tenant, device) ?? "";
      listed.push({
        tenant,
        device,
        lastSeen,
        results,
        lastProcessed: knownOrNull(lastProcessed),
        lastScore: knownOrNull(lastScore),
      });
    }
    return { devices: listed, next };
  }

  /** Every device offered to a visitor; where it has to begin again, to one that `begin` makes anew. */
  *visit<Visitor extends DeviceVisitor>(begin: () => Visitor): Generator<undefined, Visitor> {
    for (;;) {
      const visitor = begin();
      if (yield* this.#offerAll(visitor)) return visitor;
    }
  }

  /** false: the state was rebuilt meanwhile, or the index has grown too large. */
  *#offerAll(visitor: DeviceVisitor): Generator<undefined, boolean> {
    const index = this.#indexNow();
    while (!index.complete && !index.overflown) {
      index.grow();
      yield;
      if (this.#indexNow() !== index) return false;
    }
    const byIndex = !index.overflown;
    for (const _ of byIndex ? this.#throughIndex(index, visitor) : this.#throughStore(visitor)) {
      yield;
      if (this.#indexNow() !== index || index.overflown === byIndex) return false;
    }
    return true;
  }

  /** Each engine has one: after a rebuild nobody has told it who had left the memory. */
  #indexNow(): DeviceIndex {
    const { engine } = this.#state;
    if (this.#index === undefined || this.#engine !== engine) {
      this.#engine = engine;
      const options = { store: this.#store.devices, maxBytes: this.#maxIndexBytes };
      this.#index = new DeviceIndex(engine, options);
    }
    return this.#index;
  }

  /**
   * Those in memory as they are, the others by the index. A device that leaves the memory meanwhile was
   * looked at already, one that enters it is where it was.
   */
  *#throughIndex(index: DeviceIndex, visitor: DeviceVisitor): Generator<undefined, void> {
    const inMemory = this.#state.engine.fleet.devices.slice();
    const places = index.size;
    const seen = new Uint8Array(places);
    for (const [i, device] of inMemory.entries()) {
      if (i % this.#step === this.#step - 1) yield;
      if (device.isBlank) continue;
      visitor.offer(device.tenant.name, device.id, device);
      const place = index.placeInMemory(device);
      if (place >= 0 && place < places) seen[place] = 1;
    }
    for (let place = 0; place < places; place++) {
      if (place % this.#step === this.#step - 1) yield;
      if (seen[place] === 1) continue;
      visitor.offer(index.tenants[place], index.devices[place], index.valuesAt(place));
    }
  }

  *#throughStore(visitor: DeviceVisitor): Generator<undefined, void> {
    for (let after = 0;;) {
      const rows = this.#store.devices.summaries(after, ROWS);
      for (const row of rows) {
        after = row.number;
        visitor.offer(row.tenant, row.device, this.#inMemory(row.tenant, row.device) ?? row);
      }
      if (rows.length === 0) return;
      yield;
    }
  }

  #inMemory(tenant: string, device: string): Device | undefined {
    const found = this.#state.engine.fleet.inMemory(tenant, device);
    return found === undefined || found.isBlank ? undefined : found;
  }
}

function knownOrNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
