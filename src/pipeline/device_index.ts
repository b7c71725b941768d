/**
 * What lists go by of the devices that aren't in memory: a few numbers each, read from the store once,
 * when somebody asks for the first time, and kept up as devices leave the memory. No index in the store
 * does this: it would be written with every checkpoint, for each device another page.
 */
import { type Device } from "../core/device.ts";
import { type Engine } from "../core/engine.ts";
import { type DeviceValues } from "./found_devices.ts";
import { type DeviceReader } from "./ports.ts";

/** Rows that are read in one step, at most: about 3 ms. */
const ROWS = 200;
/** A device here: its entry in a map, its name, its numbers; measured without the name. */
const ENTRY_BYTES = 128;
const TENANT_BYTES = 400;

interface OfTenant {
  readonly name: string;
  readonly places: Map<string, number>;
}

export class DeviceIndex {
  readonly #maxBytes: number;
  readonly #store: DeviceReader;
  readonly #places = new Map<string, OfTenant>();
  #lastNumber = 0;
  #bytes = 0;
  /** By place; all of the same length. */
  readonly tenants: string[] = [];
  readonly devices: string[] = [];
  #lastSeen = new Float64Array(1024);
  #results = new Float64Array(1024);
  #lastProcessed = new Float64Array(1024);
  #lastScore = new Float64Array(1024);
  /** Every device that isn't in memory is in it. */
  complete = false;
  /** There are more devices than it may hold: it is of no use. */
  overflown = false;

  constructor(engine: Engine, { store, maxBytes }: { store: DeviceReader; maxBytes: number }) {
    this.#maxBytes = maxBytes;
    this.#store = store;
    engine.fleet.onForget = (device) => this.#put(device);
  }

  get size(): number {
    return this.devices.length;
  }

  valuesAt(place: number): DeviceValues {
    return {
      lastSeenMs: this.#lastSeen[place],
      results: this.#results[place],
      lastProcessed: this.#lastProcessed[place],
      lastScore: this.#lastScore[place],
    };
  }

  /** Reads some more rows. */
  grow(): void {
    if (this.complete || this.overflown) return;
    const rows = this.#store.summaries(this.#lastNumber, ROWS);
    for (const row of rows) {
      this.#lastNumber = row.number;
      // One that has left the memory meanwhile is in it as it was then.
      if (this.placeOf(row.tenant, row.device) >= 0) continue;
      this.#set(this.#add(row.tenant, row.device), row);
    }
    if (rows.length === 0) this.complete = true;
    if (this.#bytes > this.#maxBytes) this.#overflow();
  }

  /** -1: it has none. */
  placeOf(tenant: string, device: string): number {
    return this.#places.get(tenant)?.places.get(device) ?? -1;
  }

  /** The place of a device in memory; -1: it has none. */
  placeInMemory(device: Device): number {
    if (device.place < 0) device.place = this.placeOf(device.tenant.name, device.id);
    return device.place;
  }

  #put(device: Device): void {
    if (this.overflown || device.isBlank) return;
    let place = this.placeInMemory(device);
    if (place < 0) place = this.#add(device.tenant.name, device.id);
    this.#set(place, device);
    if (this.#bytes > this.#maxBytes) this.#overflow();
  }

  #add(tenant: string, device: string): number {
    const place = this.size;
    let own = this.#places.get(tenant);
    if (own === undefined) {
      own = { name: tenant, places: new Map() };
      this.#places.set(tenant, own);
      this.#bytes += TENANT_BYTES + tenant.length * 2;
    }
    own.places.set(device, place);
    this.devices.push(device);
    // The one text that all devices of the tenant share.
    this.tenants.push(own.name);
    if (place === this.#lastSeen.length) this.#lengthen();
    this.#bytes += ENTRY_BYTES + device.length * 2;
    return place;
  }

  /** NaN: not known. */
  #set(place: number, values: DeviceValues): void {
    const { lastSeenMs, results, lastProcessed, lastScore } = values;
    this.#lastSeen[place] = lastSeenMs;
    this.#results[place] = results;
    this.#lastProcessed[place] = lastProcessed ?? NaN;
    this.#lastScore[place] = lastScore ?? NaN;
  }

  #lengthen(): void {
    const longer = (numbers: Float64Array) => {
      const copy = new Float64Array(numbers.length * 2);
      copy.set(numbers);
      return copy;
    };
    this.#lastSeen = longer(this.#lastSeen);
    this.#results = longer(this.#results);
    this.#lastProcessed = longer(this.#lastProcessed);
    this.#lastScore = longer(this.#lastScore);
  }

  #overflow(): void {
    this.overflown = true;
    this.#places.clear();
    this.tenants.length = 0;
    this.devices.length = 0;
    this.#lastSeen =
      this.#results =
      this.#lastProcessed =
      this.#lastScore =
        new Float64Array(0);
  }
}
