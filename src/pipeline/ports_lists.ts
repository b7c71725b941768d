/** The ports to the lists of devices and of tenants. */
import { type TenantSettings } from "../core/tenant.ts";

export type { TenantSettings };

/** Where a device stands in an order: what it goes by, and its key where others have the same. */
export interface DevicePlace {
  /** ms since 1970, or the score; null: not known, lower than all others. */
  readonly value: number | null;
  readonly tenant: string;
  readonly device: string;
}

export interface DeviceQuery {
  readonly sort: "last_seen" | "score";
  /** From the highest to the lowest. Devices with the same value come by tenant and id, either way. */
  readonly descending: boolean;
  /** Those behind this place. */
  readonly after?: DevicePlace;
  readonly limit: number;
  /** One of these. */
  readonly tenants?: ReadonlySet<string>;
  /** A part of the id; upper and lower case are the same. */
  readonly search?: string;
  /** Whose last result was made before this time, ms since 1970. */
  readonly silentSince?: number;
}

export interface ListedDevice {
  readonly tenant: string;
  readonly device: string;
  /** As it was sent. */
  readonly lastSeen: string;
  /** How many it has, ever. */
  readonly results: number;
  /** When the last one was made, ms since 1970; null: not known, as its score. */
  readonly lastProcessed: number | null;
  readonly lastScore: number | null;
}

export interface DevicePage {
  readonly devices: readonly ListedDevice[];
  /** Where the next page begins behind; undefined: there are no more. */
  readonly next: DevicePlace | undefined;
}

/**
 * Lists of all devices, in memory and on the disk. Made in steps of some ms each: between two of them
 * everything else may have its turn, and each device is looked at once, as it is at that moment.
 */
export interface DeviceLists {
  list(query: DeviceQuery): Generator<undefined, DevicePage>;
}

export interface TenantQuery {
  /** Those behind this name. */
  readonly after?: string;
  readonly limit: number;
  /** One of these. */
  readonly tenants?: ReadonlySet<string>;
}

/** What is in force for a tenant. */
export interface SettingsInForce extends TenantSettings {
  readonly maxReadings: number;
}

export interface ListedTenant {
  readonly tenant: string;
  /** For people; its name where the tenants' file has no other. */
  readonly displayName: string;
  /** The tenants' file names it. */
  readonly isNamed: boolean;
  /** undefined: its readings aren't taken. */
  readonly settings: SettingsInForce | undefined;
  /** Of its quota for the rate; undefined: it has none. */
  readonly rate: { readonly burst: number; readonly available: number } | undefined;
  readonly devices: number;
  /** How many its devices have, ever. */
  readonly results: number;
  /** When the last one was made, ms since 1970; null: not known. */
  readonly lastProcessed: number | null;
}

export interface TenantPage {
  readonly tenants: readonly ListedTenant[];
  /** The name that the next page begins behind; undefined: there are no more. */
  readonly next: string | undefined;
}

/** Tenants that the file names, and all that have devices, by name. Made in steps, as lists of devices are. */
export interface TenantLists {
  list(query: TenantQuery): Generator<undefined, TenantPage>;
  /** What tenants have that the file doesn't name; undefined: their readings aren't taken. */
  others(): SettingsInForce | undefined;
}
