/** The ports to the lists of devices and of tenants. */

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
