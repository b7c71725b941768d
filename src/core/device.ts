import { Literal, literal } from "./literal.ts";
import { partitionOf } from "./murmur2.ts";
import { type Reading } from "./reading.ts";
import { Series, type SeriesState } from "./series.ts";
import { lengthAndBytes, type Tenant } from "./tenant.ts";

/** A device as the store keeps it. */
export interface DeviceState {
  readonly tenant: string;
  readonly device: string;
  /** The latest timestamp as it was sent, with a zone; empty: none yet. */
  readonly lastSeen: string;
  /** The same in ms since 1970; -Infinity: none yet. */
  readonly lastSeenMs: number;
  /** How many it has, ever. */
  readonly results: number;
  /** When the last one was made, ms since 1970, and its score; null: not known. */
  readonly lastProcessed: number | null;
  readonly lastScore: number | null;
  /** Every journal row up to this id is in here. */
  readonly journalId: number;
  readonly temperature: SeriesState;
  readonly humidity: SeriesState;
  /** Further metrics, in the order in which the device first sent them. */
  readonly metrics: readonly { readonly name: string; readonly series: SeriesState }[];
}

/** A state that no program of ours has written: its bytes were changed since. */
export class UnreadableState extends Error {
  override readonly name = "UnreadableState";
}

/** A device keeps at most so many further metrics; a reading that brings one more is rejected. */
export const MAX_DEVICE_METRICS = 32;

/** The longest timestamp: `YYYY-MM-DDTHH:MM:SS.nnnnnnnnn+HH:MM`. */
const TIMESTAMP_BYTES = 35;
/** Measured: a device without its series, its names of average length. */
const BASE_BYTES = 930;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What is known of one device of one tenant. */
export class Device {
  readonly tenant: Tenant;
  readonly id: string;
  /** The bytes of the device's id, then those of the tenant's name: what the fleet's table compares. */
  readonly key: Uint8Array;
  readonly idLength: number;
  readonly hash: number;
  /** The key of its records, with the length in front. */
  readonly recordKey: Literal;
  /** `{"device_id":"<id>"`, the beginning of its results. */
  readonly resultHead: Literal;
  readonly temperature: Series;
  readonly humidity: Series;
  metrics: Map<string, Series> | null = null;
  lastSeenMs = -Infinity;
  results = 0;
  /** `processed_at` of the last one, ms since 1970, and its score; NaN: not known. */
  lastProcessed = NaN;
  lastScore = NaN;
  /** Its place in the index that was asked last; -1: not known. See `pipeline/device_index.ts`. */
  place = -1;
  /** The journal row up to which its row in the store includes readings. */
  savedId = 0;
  /** First journal id that its row in the store doesn't include; 0: the store has all. */
  dirtySince = 0;
  /** The store has no row of it yet. */
  isNew = false;
  /** The batch that touched it last. */
  lastBatch = 0;
  /** What the fleet counts for it. */
  accountedBytes = 0;
  readonly #lastSeen = new Uint8Array(TIMESTAMP_BYTES + 1);
  #lastSeenLength = 0;
  #lane = 0;
  #lanes = 0;
  readonly #capacity: number;

  /** Throws `UnreadableState` where the state is none of `toState`. */
  constructor(
    tenant: Tenant,
    identity: { id: string; key: Uint8Array; hash: number; capacity: number; state?: DeviceState },
  ) {
    const { id, key, hash, capacity, state } = identity;
    const idBytes = encoder.encode(id);
    this.tenant = tenant;
    this.id = id;
    this.key = key;
    this.idLength = idBytes.length;
    this.hash = hash;
    this.recordKey = new Literal(lengthAndBytes(idBytes));
    this.resultHead = literal(`{"device_id":${JSON.stringify(id)}`);
    this.#capacity = capacity;
    if (state === undefined) {
      this.temperature = new Series(capacity);
      this.humidity = new Series(capacity);
      return;
    }
    try {
      this.temperature = Series.fromState(state.temperature, capacity);
      this.humidity = Series.fromState(state.humidity, capacity);
      if (state.metrics.length > 0) {
        this.metrics = new Map(
          state.metrics.map(({ name, series }) => [name, Series.fromState(series, capacity)]),
        );
      }
      this.lastSeenMs = state.lastSeenMs;
      this.results = state.results;
      this.lastProcessed = state.lastProcessed ?? NaN;
      this.lastScore = state.lastScore ?? NaN;
      const seen = encoder.encode(state.lastSeen);
      this.#lastSeen.set(seen);
      this.#lastSeenLength = seen.length;
    } catch (error) {
      const { message } = error as Error;
      throw new UnreadableState(`reading a device: ${message}`, { cause: error });
    }
    this.savedId = state.journalId;
  }

  /** Nothing is known of it: all of its readings were sampled out. The store doesn't have it. */
  get isBlank(): boolean {
    return this.isNew && this.dirtySince === 0;
  }

  get lastSeen(): string {
    return decoder.decode(this.#lastSeen.subarray(0, this.#lastSeenLength));
  }

  /** Approximate bytes of memory that it holds. */
  get bytes(): number {
    let sum = BASE_BYTES + this.key.length * 6 + this.temperature.bytes + this.humidity.bytes;
    if (this.metrics !== null) {
      for (const series of this.metrics.values()) sum += series.bytes + 200;
    }
    return sum;
  }

  /** Its partition of the output topic: by the id, as Java's default partitioner chooses it. */
  lane(lanes: number): number {
    if (this.#lanes !== lanes) {
      this.#lanes = lanes;
      this.#lane = lanes === 0 ? 0 : partitionOf(this.key.subarray(0, this.idLength), lanes);
    }
    return this.#lane;
  }

  /** Whether it may take this reading's further metrics: the first one too many, or null. */
  surplusMetric(reading: Reading): string | null {
    const known = this.metrics;
    let size = known === null ? 0 : known.size;
    for (let i = 0; i < reading.metricCount; i++) {
      const name = reading.metricNames[i];
      if (known !== null && known.has(name)) continue;
      if (++size > MAX_DEVICE_METRICS) return name;
    }
    return null;
  }

  /** The series of a further metric, made when it is new. */
  metric(name: string): Series {
    this.metrics ??= new Map();
    let series = this.metrics.get(name);
    if (series === undefined) {
      series = new Series(this.#capacity);
      this.metrics.set(name, series);
    }
    return series;
  }

  /** The latest timestamp stays: it never goes back. */
  see(reading: Reading): void {
    if (reading.time <= this.lastSeenMs) return;
    this.lastSeenMs = reading.time;
    const from = reading.bytes, to = this.#lastSeen, start = reading.timestampStart;
    const length = reading.timestampEnd - start;
    for (let i = 0; i < length; i++) to[i] = from[start + i];
    this.#lastSeenLength = length;
    if (reading.naive) to[this.#lastSeenLength++] = 90; // Z
  }

  /** The same for a reading without a timestamp: the time of reading it. */
  seeNow(time: number, text: string): void {
    if (time <= this.lastSeenMs) return;
    this.lastSeenMs = time;
    this.#lastSeenLength = encoder.encodeInto(text, this.#lastSeen).written;
  }

  /** Its state, which includes every journal row up to `journalId`. */
  toState(journalId: number): DeviceState {
    const metrics = this.metrics === null
      ? []
      : [...this.metrics].map(([name, series]) => ({ name, series: series.toState() }));
    return {
      tenant: this.tenant.name,
      device: this.id,
      lastSeen: this.lastSeen,
      lastSeenMs: this.lastSeenMs,
      results: this.results,
      lastProcessed: knownOrNull(this.lastProcessed),
      lastScore: knownOrNull(this.lastScore),
      journalId,
      temperature: this.temperature.toState(),
      humidity: this.humidity.toState(),
      metrics,
    };
  }
}

function knownOrNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
