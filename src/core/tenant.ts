import { RangeDetector, type RangeSettings } from "./detect/range.ts";
import { Literal, literal } from "./literal.ts";

/** How a tenant's readings are judged. */
export interface TenantSettings {
  /** A result is an anomaly when its score reaches this. */
  readonly threshold: number;
  /** Share of the readings that is taken, 0 to 1. */
  readonly sampling: number;
  readonly detectors: readonly RangeSettings[];
}

const encoder = new TextEncoder();

/** What all devices of a tenant share in memory. */
export class Tenant {
  readonly name: string;
  readonly settings: TenantSettings;
  readonly detectors: readonly RangeDetector[];
  /** `"<name>","is_anomaly":` as it stands in a result. */
  readonly inResult: Literal;
  /** The record's header `tenant_id`, key and value with their lengths. */
  readonly header: Literal;
  /** Devices in memory that belong to it: at 0 it is forgotten. */
  devices = 0;
  /** Its number in the counts of the current batch; see `Engine.tally`. */
  tallyIndex = -1;

  constructor(name: string, settings: TenantSettings) {
    this.name = name;
    this.settings = settings;
    this.detectors = settings.detectors.map((each) => new RangeDetector(each));
    this.inResult = literal(`${JSON.stringify(name)},"is_anomaly":`);
    this.header = new Literal(
      Uint8Array.from([
        ...lengthAndBytes(encoder.encode("tenant_id")),
        ...lengthAndBytes(encoder.encode(name)),
      ]),
    );
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
