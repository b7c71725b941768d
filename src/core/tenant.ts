import { RangeDetector, type RangeSettings } from "./detect/range.ts";
import { type Literal, literal, literalOf } from "./literal.ts";
import { type Quotas, RateQuota } from "./quota.ts";

/** How a tenant's readings are judged. */
export interface TenantSettings {
  /** A result is an anomaly when its score reaches this. */
  readonly threshold: number;
  /** Share of the readings that is taken, 0 to 1. */
  readonly sampling: number;
  /** Length of the windows of its devices; undefined: as all have it. */
  readonly maxReadings?: number;
  readonly detectors: readonly RangeSettings[];
  /** undefined: it may send what it likes. */
  readonly quotas?: Quotas;
}

/** A tenant whose readings aren't taken. */
const NOT_ADMITTED: TenantSettings = Object.freeze({ threshold: 0, sampling: 1, detectors: [] });

/** Measured: a tenant without its name, and without detectors, which it shares. */
const BASE_BYTES = 1000;

const encoder = new TextEncoder();
const detectors = new WeakMap<RangeSettings, RangeDetector>();

/** They have no state: tenants with the same settings share them. */
function detectorOf(settings: RangeSettings): RangeDetector {
  let detector = detectors.get(settings);
  if (detector === undefined) {
    detector = new RangeDetector(settings);
    detectors.set(settings, detector);
  }
  return detector;
}

/** What all devices of a tenant share in memory. */
export class Tenant {
  readonly name: string;
  /** Whether its readings are taken. */
  admitted = false;
  settings: TenantSettings = NOT_ADMITTED;
  detectors: readonly RangeDetector[] = [];
  /** `"<name>","is_anomaly":` as it stands in a result. */
  readonly inResult: Literal;
  /** The record's header `tenant_id`, key and value with their lengths. */
  readonly header: Literal;
  /** null: as many readings a second as it likes. */
  rate: RateQuota | null = null;
  /** Share of each sink's backlog that its results may take; null: all of it. */
  backlogShare: number | null = null;
  /** Bytes that its results may still take in this batch, which `roomAsOf` tells. */
  backlogRoom = 0;
  roomAsOf = -1;
  /** Bytes that its results take in this batch. */
  added = 0;
  /** Devices in memory that belong to it: at 0 it is forgotten. */
  devices = 0;
  /** Devices in memory and in the archive; NaN: nobody has asked yet. */
  allDevices = NaN;
  /** Its number in the counts of the current batch; see `Engine.tally`. */
  tallyIndex = -1;

  /** `settings` undefined: its readings aren't taken. */
  constructor(name: string, settings: TenantSettings | undefined) {
    this.name = name;
    this.configure(settings);
    this.inResult = literal(`${JSON.stringify(name)},"is_anomaly":`);
    this.header = literalOf(
      Uint8Array.from([
        ...lengthAndBytes(encoder.encode("tenant_id")),
        ...lengthAndBytes(encoder.encode(name)),
      ]),
    );
  }

  /** Approximate bytes of memory that it holds. */
  get bytes(): number {
    return BASE_BYTES + this.name.length * 4;
  }

  /** Between two batches: every reading is judged by one settings as a whole. */
  configure(settings: TenantSettings | undefined): void {
    this.admitted = settings !== undefined;
    this.settings = settings ?? NOT_ADMITTED;
    this.detectors = this.settings.detectors.map(detectorOf);
    const { readingsPerSecond, burst, backlogShare } = this.settings.quotas ?? {};
    this.backlogShare = backlogShare ?? null;
    const before = this.rate;
    this.rate = readingsPerSecond === undefined
      ? null
      : new RateQuota({ readingsPerSecond, burst });
    if (before !== null) this.rate?.goOnFrom(before);
  }
}

/** Bytes with their length in front, as a zigzag varint. */
export function lengthAndBytes(bytes: Uint8Array): Uint8Array {
  const prefix: number[] = [];
  let zigzag = bytes.length * 2;
  while (zigzag > 127) {
    prefix.push((zigzag & 127) | 128);
    zigzag >>>= 7;
  }
  prefix.push(zigzag);
  const all = new Uint8Array(prefix.length + bytes.length);
  all.set(prefix);
  all.set(bytes, prefix.length);
  return all;
}
