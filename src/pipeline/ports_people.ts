/** The ports to those who hand readings in over HTTP and who ask: what HTTP needs of the pipeline. */
import { type SourceState } from "./ports.ts";

/** What became of a reading that was handed in over HTTP, told after its commit. */
export type Outcome =
  | { readonly kind: "result"; readonly value: string }
  | { readonly kind: "sampled out"; readonly id: string }
  | { readonly kind: "rejected"; readonly reason: string }
  /** Nothing was taken: its tenant sends more than it may. */
  | { readonly kind: "over quota"; readonly reason: string }
  /** Nothing was taken: it is of a tenant that its sender may not speak for. */
  | { readonly kind: "foreign"; readonly reason: string };

/** What became of readings that were handed in together, told after their commit. */
export interface BatchOutcome {
  /** Readings that were taken, those that were sampled out included. */
  readonly accepted: number;
  /** Of the rejected ones: over their tenants' quotas, and kept nowhere. */
  readonly overQuota: number;
  /** Of the rejected ones: of tenants that their sender may not speak for, and kept nowhere. */
  readonly foreign: number;
  /** In order; `index` counts the batch's readings from 0. */
  readonly rejected: readonly { readonly index: number; readonly reason: string }[];
}

/** Thrown by `Intake` while more waits for the sinks than may: nothing was taken. */
export class BacklogFull extends Error {
  override readonly name = "BacklogFull";
}

/**
 * Readings that come over HTTP, on the same road as all others. Rejects with `BacklogFull`, and with
 * `StoreUnavailable` where nothing could be committed: nothing was taken then.
 */
export interface Intake {
  submit(reading: Uint8Array, sender?: Sender): Promise<Outcome>;
  /**
   * Readings in one body, committed together or not at all, each with the outcome that it would have
   * alone. `ranges`: where each begins and ends in `body`, in turns. The body must not be changed.
   */
  submitBatch(
    body: Uint8Array,
    ranges: readonly number[],
    sender?: Sender,
  ): Promise<BatchOutcome>;
}

/** Who hands readings in. */
export interface Sender {
  /** The tenants that it may send readings of; null: all. */
  readonly tenants: ReadonlySet<string> | null;
}

export interface SeriesView {
  readonly count: number;
  readonly sum: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly avg: number | null;
}

/** A metric of a device as it is shown. */
export interface WindowView {
  /** The last values, oldest first; empty where they weren't asked for. */
  readonly readings: readonly number[];
  /** Over the last values; null where there are none. */
  readonly avg: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Values since the device was first seen. */
  readonly count: number;
}

export interface DeviceView {
  readonly tenant: string;
  readonly device: string;
  readonly temperature: WindowView;
  readonly humidity: WindowView;
  readonly metrics: readonly { readonly name: string; readonly window: WindowView }[];
  readonly lastSeen: string;
}

/** A metric's window with its times, in the order in which the values came. */
export interface ReadingColumn {
  readonly metric: string;
  /** Neither temperature nor humidity. */
  readonly further: boolean;
  readonly values: readonly number[];
  /** Of each value, ms since 1970. */
  readonly times: readonly number[];
}

/** Answers about the state after the last commit. Synchronous: nothing is torn. */
export interface Statistics {
  global(): {
    temperature: SeriesView;
    humidity: SeriesView;
    metrics: readonly { readonly name: string; readonly series: SeriesView }[];
  };
  device(tenant: string, device: string): DeviceView | undefined;
  /** Its windows: temperature, humidity, then further metrics; undefined: there is no such device. */
  readings(tenant: string, device: string): ReadingColumn[] | undefined;
  tenantsOf(device: string): string[];
  knows(tenant: string, device: string): boolean;
  /** At most `limit` devices; fewer where their windows hold so many values that these fill the answer. */
  page(options: {
    after?: { tenant: string; device: string };
    tenant?: string;
    /** No others are there, nowhere; null: all are. */
    tenants?: ReadonlySet<string> | null;
    limit: number;
    /** Whether the windows' values are wanted. */
    readings: boolean;
  }): {
    devices: (DeviceView & {
      /** Another tenant has a device of the same id. */
      readonly shared: boolean;
    })[];
    /** Whether there are more. */
    more: boolean;
  };
  processing(): {
    running: boolean;
    messagesProcessed: number;
    /** ms since 1970, 0: never. */
    lastProcessed: number;
    lastStarted: number;
    errors: number;
    sampledOut: number;
  };
}

export const CHECKS = ["kafka", "store", "output", "storage", "progress"] as const;

export type Check = (typeof CHECKS)[number];

/** The checks that fail, each with the reason. */
export type FailedChecks = ReadonlyMap<Check, string>;

/** How the engine is, for those who start and stop it. */
export interface Health {
  /** Whether readings are being processed. */
  running(): boolean;
  kafka(): SourceState;
  /** Empty unless a new start is what would help. */
  live(): FailedChecks;
  /** Empty where the engine can do all that it is there for. */
  ready(): FailedChecks;
}

/** What came of reading the tenants' settings again. */
export type ReloadOutcome =
  /** They are in force; so many tenants are named. */
  | { readonly kind: "done"; readonly named: number }
  /** The settings before them stay. */
  | { readonly kind: "wrong"; readonly faults: readonly string[] }
  /** The same, for now: the store can't be written. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** Reads the tenants' settings again, and has them in force when it returns. */
export interface TenantsReload {
  reload(): ReloadOutcome;
}
