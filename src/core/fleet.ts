import { CellPool } from "./cells.ts";
import { Device, type DeviceState } from "./device.ts";
import { type Quotas, RateQuota } from "./quota.ts";
import { type Reading } from "./reading.ts";
import { Tenant, type TenantSettings } from "./tenant.ts";

/** Where devices rest that aren't in memory. Synchronous; what it throws ends the batch. */
export interface Archive {
  load(tenant: string, device: string): DeviceState | undefined;
  /** Devices of a tenant. */
  countOf(tenant: string): number;
}

/** Why a reading isn't taken before anything is done with it. */
export type Refusal = "unknown tenant" | "rate" | "devices" | "backlog";

export interface FleetOptions {
  /** Window length, 1 to 100,000. */
  readonly maxReadings: number;
  /** Bytes of device state that may stay in memory between two batches. */
  readonly maxBytes: number;
  readonly archive: Archive;
  /** undefined: the tenant's readings aren't taken. May answer otherwise after `reconfigure`. */
  readonly settings: (tenant: string) => TenantSettings | undefined;
  /**
   * Bytes that results of a tenant with this share of the backlog may take; as much as they like unless
   * told. Asked once a batch.
   */
  readonly backlogRoom?: (tenant: string, share: number) => number;
}

/** So much of the bound may be room in pages that nobody uses, and so much more. */
const UNUSED_SHARE = 0.25;
const UNUSED_BYTES = 2 * 1024 ** 2;
const NO_QUOTAS: Quotas = { over: "drop" };
const encoder = new TextEncoder();
/** A name may begin with U+FEFF, which a decoder would take for a byte order mark. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The devices in memory: a hash table on the bytes of a reading, so that the usual reading makes no
 * string. The least recently used ones are put away by `leastRecentlyUsed` and `forget`.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #tenants = new Map<string, Tenant>();
  #devices: Device[] = [];
  /** Open addressing: index of a device + 1; 0 is free. A power of two, at most half full. */
  #table = new Int32Array(1024);
  /** What devices and tenants hold, by their own account. */
  #bytes = 0;
  /** Told each device that is dropped from memory. */
  onForget: (device: Device) => void = () => {};
  readonly #pool = new CellPool();
  #batch = 0;
  /** Why `admit` has just answered null. */
  refusal: Refusal = "unknown tenant";

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Those in memory. Changes with the next batch. */
  get devices(): readonly Device[] {
    return this.#devices;
  }

  get size(): number {
    return this.#devices.length;
  }

  /** Approximate bytes of memory that its devices and tenants hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What of that stands in its pages. */
  get pieceBytes(): number {
    return this.#pool.taken;
  }

  /** What its pages take besides: room that devices have left, and others will use. */
  get unusedBytes(): number {
    return this.#pool.bytes - this.#pool.taken;
  }

  /** Some devices have to be put away; perhaps more than once, until it isn't any more. */
  get overflowing(): boolean {
    return this.#bytes > this.#options.maxBytes || this.#isSparse;
  }

  /** What comes now is of other sizes than what has left: its pages would never be used again. */
  get #isSparse(): boolean {
    return this.unusedBytes > this.#options.maxBytes * UNUSED_SHARE + UNUSED_BYTES;
  }

  /** Length of the windows of a tenant's devices. */
  windowLength(tenant: string): number {
    return this.#options.settings(tenant)?.maxReadings ?? this.#options.maxReadings;
  }

  /** None where the tenant may send what it likes. */
  quotasOf(tenant: string): Quotas {
    return this.#options.settings(tenant)?.quotas ?? NO_QUOTAS;
  }

  /**
   * The tenant's rate as it stands; undefined: it has no quota for that. A tenant that has no device in
   * memory begins with a full bucket.
   */
  rateOf(tenant: string): RateQuota | undefined {
    const known = this.#tenants.get(tenant);
    if (known !== undefined) return known.rate ?? undefined;
    const { readingsPerSecond, burst } = this.quotasOf(tenant);
    return readingsPerSecond === undefined
      ? undefined
      : new RateQuota({ readingsPerSecond, burst });
  }

  /**
   * The settings have changed. Devices whose windows have another length now are dropped from memory:
   * the archive must have them all. Never while a batch is being made.
   */
  reconfigure(): void {
    const resized = new Set<Tenant>();
    for (const tenant of this.#tenants.values()) {
      const before = tenant.settings.maxReadings;
      tenant.configure(this.#options.settings(tenant.name));
      if (tenant.settings.maxReadings !== before) resized.add(tenant);
    }
    if (resized.size > 0) this.forget(this.#devices.filter(({ tenant }) => resized.has(tenant)));
  }

  begin(): void {
    this.#batch++;
  }

  /** The device of a reading: from memory, from the archive, or a new one. */
  find(reading: Reading): Device {
    const hash = hashOf(reading);
    return this.#seek(reading, hash) ?? this.#enter(reading, { hash, maxDevices: Infinity })!;
  }

  /**
   * The same; null, and nothing is remembered, where the tenant's readings aren't taken or it is over
   * its quotas (`refusal` says which). `time`: the batch's, in ms.
   */
  admit(reading: Reading, time: number): Device | null {
    const hash = hashOf(reading);
    const device = this.#seek(reading, hash);
    if (device === undefined) return this.#admitToMemory(reading, { hash, time });
    const { tenant } = device;
    if (!tenant.admitted) return this.#refuse("unknown tenant");
    if (tenant.rate !== null && !tenant.rate.take(time)) return this.#refuse("rate");
    return this.#hasRoom(tenant) ? device : this.#refuse("backlog");
  }

  #admitToMemory(reading: Reading, of: { hash: number; time: number }): Device | null {
    const tenant = this.#tenant(tenantOf(reading));
    const refusal = !tenant.admitted
      ? "unknown tenant"
      : tenant.rate?.take(of.time) === false
      ? "rate"
      : !this.#hasRoom(tenant)
      ? "backlog"
      : undefined;
    const { devices: maxDevices = Infinity } = tenant.settings.quotas ?? {};
    const device = refusal === undefined
      ? this.#enter(reading, { hash: of.hash, maxDevices })
      : undefined;
    if (tenant.devices === 0) this.#forgetTenant(tenant);
    return device ?? this.#refuse(refusal ?? "devices");
  }

  /** Whether its results may take more of the backlog: the last one may go over its share. */
  #hasRoom(tenant: Tenant): boolean {
    if (tenant.backlogShare === null) return true;
    if (tenant.roomAsOf !== this.#batch) {
      const { backlogRoom } = this.#options;
      tenant.backlogRoom = backlogRoom?.(tenant.name, tenant.backlogShare) ?? Infinity;
      tenant.roomAsOf = this.#batch;
      tenant.added = 0;
    }
    return tenant.added < tenant.backlogRoom;
  }

  #refuse(refusal: Refusal): null {
    this.refusal = refusal;
    return null;
  }

  #seek({ bytes, deviceStart, deviceEnd, tenantStart, tenantEnd }: Reading, hash: number) {
    const table = this.#table, mask = table.length - 1, devices = this.#devices;
    const idLength = deviceEnd - deviceStart, tenantLength = tenantEnd - tenantStart;
    for (let slot = hash & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      const device = devices[table[slot] - 1];
      if (device.hash !== hash || device.idLength !== idLength) continue;
      const { octets, keyAt, keyLength } = device;
      if (keyLength !== idLength + tenantLength) continue;
      let i = 0;
      while (i < idLength && octets[keyAt + i] === bytes[deviceStart + i]) i++;
      if (i < idLength) continue;
      while (i < keyLength && octets[keyAt + i] === bytes[tenantStart + i - idLength]) i++;
      if (i === keyLength) return device;
    }
    return undefined;
  }

  /** A device in memory; undefined: it isn't there (the archive may have it). */
  inMemory(tenant: string, device: string): Device | undefined {
    const id = encoder.encode(device), name = encoder.encode(tenant);
    const key = new Uint8Array(id.length + name.length);
    key.set(id);
    key.set(name, id.length);
    const hash = hashKey(key, id.length);
    const table = this.#table, mask = table.length - 1;
    for (let slot = hash & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      const found = this.#devices[table[slot] - 1];
      if (found.hash === hash && found.id === device && found.tenant.name === tenant) return found;
    }
    return undefined;
  }

  /** Counts anew what a device holds, after a batch that touched it. */
  account(device: Device): void {
    const bytes = device.bytes;
    this.#bytes += bytes - device.accountedBytes;
    device.accountedBytes = bytes;
  }

  /**
   * The devices to put away so that the rest takes nine tenths of the bound: least recently used first. A
   * quarter of them at least where it is for their pages.
   */
  leastRecentlyUsed(): Device[] {
    const { maxBytes } = this.#options;
    const target = Math.min(maxBytes * 0.9, this.#isSparse ? this.#bytes * 0.75 : Infinity);
    const byAge = this.#devices.slice().sort((a, b) => a.lastBatch - b.lastBatch);
    const chosen: Device[] = [];
    let bytes = this.#bytes;
    for (const device of byAge) {
      if (bytes <= target) break;
      chosen.push(device);
      bytes -= device.accountedBytes;
    }
    return chosen;
  }

  /** Drops devices from memory: the archive has them by now. */
  forget(devices: readonly Device[]): void {
    const gone = new Set(devices);
    this.#devices = this.#devices.filter((device) => !gone.has(device));
    for (const device of gone) {
      this.#bytes -= device.accountedBytes;
      this.onForget(device);
      const { tenant } = device;
      // Not in the archive either: nothing of it was taken.
      if (device.isNew) tenant.allDevices--;
      if (--tenant.devices === 0) this.#forgetTenant(tenant);
      device.release();
    }
    this.#rebuild(this.#table.length);
  }

  /** undefined: it would be one device too many. */
  #enter(
    { bytes, deviceStart, deviceEnd, tenantStart, tenantEnd }: Reading,
    { hash, maxDevices }: { hash: number; maxDevices: number },
  ): Device | undefined {
    const idLength = deviceEnd - deviceStart;
    const key = new Uint8Array(idLength + tenantEnd - tenantStart);
    key.set(bytes.subarray(deviceStart, deviceEnd));
    key.set(bytes.subarray(tenantStart, tenantEnd), idLength);
    const id = decoder.decode(key.subarray(0, idLength));
    const name = decoder.decode(key.subarray(idLength));
    const state = this.#options.archive.load(name, id);
    const tenant = this.#tenant(name);
    if (state === undefined && maxDevices < Infinity) {
      if (this.#allDevices(tenant) >= maxDevices) return undefined;
    }
    const device = new Device(tenant, {
      id,
      key,
      hash,
      capacity: tenant.settings.maxReadings ?? this.#options.maxReadings,
      pool: this.#pool,
      state,
    });
    device.isNew = state === undefined;
    if (device.isNew) tenant.allDevices++;
    tenant.devices++;
    this.#devices.push(device);
    this.account(device);
    if (this.#devices.length * 2 > this.#table.length) this.#rebuild(this.#table.length * 2);
    else this.#insert(this.#devices.length);
    return device;
  }

  #allDevices(tenant: Tenant): number {
    if (Number.isNaN(tenant.allDevices)) {
      const added = this.#devices.filter((it) => it.tenant === tenant && it.isNew).length;
      tenant.allDevices = this.#options.archive.countOf(tenant.name) + added;
    }
    return tenant.allDevices;
  }

  #tenant(name: string): Tenant {
    let tenant = this.#tenants.get(name);
    if (tenant === undefined) {
      tenant = new Tenant(name, this.#options.settings(name));
      this.#tenants.set(name, tenant);
      this.#bytes += tenant.bytes;
    }
    return tenant;
  }

  #forgetTenant(tenant: Tenant): void {
    this.#tenants.delete(tenant.name);
    this.#bytes -= tenant.bytes;
  }

  #rebuild(size: number): void {
    this.#table = new Int32Array(size);
    for (let number = 1; number <= this.#devices.length; number++) this.#insert(number);
  }

  #insert(number: number): void {
    const table = this.#table, mask = table.length - 1;
    let slot = this.#devices[number - 1].hash & mask;
    while (table[slot] !== 0) slot = (slot + 1) & mask;
    table[slot] = number;
  }
}

function tenantOf({ bytes, tenantStart, tenantEnd }: Reading): string {
  return decoder.decode(bytes.subarray(tenantStart, tenantEnd));
}

/** FNV-1a over the device's id and the tenant's name, the length of the id mixed in. */
function hashOf(reading: Reading): number {
  const bytes = reading.bytes;
  let hash = 0x811c9dc5 ^ (reading.deviceEnd - reading.deviceStart);
  for (let i = reading.deviceStart; i < reading.deviceEnd; i++) {
    hash = Math.imul(hash ^ bytes[i], 0x01000193);
  }
  for (let i = reading.tenantStart; i < reading.tenantEnd; i++) {
    hash = Math.imul(hash ^ bytes[i], 0x01000193);
  }
  return hash ^ (hash >>> 15);
}

function hashKey(key: Uint8Array, idLength: number): number {
  let hash = 0x811c9dc5 ^ idLength;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key[i], 0x01000193);
  return hash ^ (hash >>> 15);
}
