import { type ByteRoom } from "./byte_room.ts";
import { type CellPool, type Piece } from "./cells.ts";
import { type Literal, literalIn, wordsOf } from "./literal.ts";
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

/** The longest timestamp, `YYYY-MM-DDTHH:MM:SS.nnnnnnnnn+HH:MM`, and a byte more for a naive one's Z. */
const LAST_SEEN_BYTES = 36;
/** Measured: a device without its series and its texts; its place in the fleet and what waits to be saved. */
const BASE_BYTES = 530;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What is known of one device of one tenant. */
export class Device {
  readonly tenant: Tenant;
  readonly id: string;
  /**
   * From `keyAt` on `keyLength` bytes, those of the device's id, then those of the tenant's name: what the
   * fleet's table compares.
   */
  readonly octets: Uint8Array;
  readonly keyAt: number;
  readonly keyLength: number;
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
  #lastSeenLength = 0;
  #lane = 0;
  #lanes = 0;
  readonly #capacity: number;
  readonly #pool: CellPool;
  /** Its texts. */
  readonly #piece: Piece;

  /**
   * Throws `UnreadableState` where the state is none of `toState`: the fleet isn't used any more then. It
   * must be released.
   */
  constructor(
    tenant: Tenant,
    identity: {
      id: string;
      /** The id's bytes, then the tenant's. */
      key: Uint8Array;
      hash: number;
      capacity: number;
      pool: CellPool;
      state?: DeviceState;
    },
  ) {
    const { id, key, hash, capacity, pool, state } = identity;
    const idBytes = encoder.encode(id);
    this.tenant = tenant;
    this.id = id;
    this.idLength = idBytes.length;
    this.hash = hash;
    this.#capacity = capacity;
    this.#pool = pool;

    const recordKey = lengthAndBytes(idBytes);
    const resultHead = encoder.encode(`{"device_id":${JSON.stringify(id)}`);
    const words = wordsOf(recordKey.length) + wordsOf(resultHead.length);
    this.#piece = pool.take(Math.ceil((words * 4 + key.length + LAST_SEEN_BYTES) / 8));
    const { page, at } = this.#piece;
    const start = 2 * at, next = start + wordsOf(recordKey.length);
    this.recordKey = literalIn(page.words, { start, bytes: recordKey });
    this.resultHead = literalIn(page.words, { start: next, bytes: resultHead });
    this.octets = page.octets;
    this.keyAt = 4 * (start + words);
    this.keyLength = key.length;
    this.octets.set(key, this.keyAt);

    if (state === undefined) {
      this.temperature = new Series(capacity, { pool });
      this.humidity = new Series(capacity, { pool });
      return;
    }
    try {
      this.temperature = Series.fromState(state.temperature, capacity, pool);
      this.humidity = Series.fromState(state.humidity, capacity, pool);
      if (state.metrics.length > 0) {
        this.metrics = new Map(
          state.metrics.map(({ name, series }) => [name, Series.fromState(series, capacity, pool)]),
        );
      }
      this.lastSeenMs = state.lastSeenMs;
      this.results = state.results;
      this.lastProcessed = state.lastProcessed ?? NaN;
      this.lastScore = state.lastScore ?? NaN;
      const seen = encoder.encode(state.lastSeen);
      if (seen.length > LAST_SEEN_BYTES) {
        throw new RangeError(`last_seen: at most ${LAST_SEEN_BYTES} bytes, got ${seen.length}`);
      }
      this.octets.set(seen, this.#lastSeenAt);
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
    const at = this.#lastSeenAt;
    return decoder.decode(this.octets.subarray(at, at + this.#lastSeenLength));
  }

  get #lastSeenAt(): number {
    return this.keyAt + this.keyLength;
  }

  /** Approximate bytes of memory that it holds. */
  get bytes(): number {
    let sum = BASE_BYTES + this.idLength + this.#piece.page.size * 8 + this.temperature.bytes +
      this.humidity.bytes;
    if (this.metrics !== null) {
      for (const series of this.metrics.values()) sum += series.bytes + 200;
    }
    return sum;
  }

  /** Gives its room back: it must not be used any more. */
  release(): void {
    this.temperature.release();
    this.humidity.release();
    if (this.metrics !== null) { for (const series of this.metrics.values()) series.release(); }
    this.#pool.give(this.#piece.page, this.#piece.at);
  }

  /** Its partition of the output topic: by the id, as Java's default partitioner chooses it. */
  lane(lanes: number): number {
    if (this.#lanes !== lanes) {
      this.#lanes = lanes;
      const id = this.octets.subarray(this.keyAt, this.keyAt + this.idLength);
      this.#lane = lanes === 0 ? 0 : partitionOf(id, lanes);
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
      series = new Series(this.#capacity, { pool: this.#pool });
      this.metrics.set(name, series);
    }
    return series;
  }

  /** The latest timestamp stays: it never goes back. */
  see(reading: Reading): void {
    if (reading.time <= this.lastSeenMs) return;
    this.lastSeenMs = reading.time;
    const from = reading.bytes, to = this.octets, at = this.#lastSeenAt;
    const start = reading.timestampStart, length = reading.timestampEnd - start;
    for (let i = 0; i < length; i++) to[at + i] = from[start + i];
    this.#lastSeenLength = length;
    if (reading.naive) to[at + this.#lastSeenLength++] = 90; // Z
  }

  /** The same for a reading without a timestamp: the time of reading it. */
  seeNow(time: number, text: string): void {
    if (time <= this.lastSeenMs) return;
    this.lastSeenMs = time;
    const at = this.#lastSeenAt;
    const place = this.octets.subarray(at, at + LAST_SEEN_BYTES);
    this.#lastSeenLength = encoder.encodeInto(text, place).written;
  }

  /**
   * Its state, which includes every journal row up to `journalId`. With a `room` its bytes stand in there,
   * and are good until it is cleared.
   */
  toState(journalId: number, room?: ByteRoom): DeviceState {
    const metrics = this.metrics === null
      ? []
      : [...this.metrics].map(([name, series]) => ({ name, series: series.toState(room) }));
    return {
      tenant: this.tenant.name,
      device: this.id,
      lastSeen: this.lastSeen,
      lastSeenMs: this.lastSeenMs,
      results: this.results,
      lastProcessed: knownOrNull(this.lastProcessed),
      lastScore: knownOrNull(this.lastScore),
      journalId,
      temperature: this.temperature.toState(room),
      humidity: this.humidity.toState(room),
      metrics,
    };
  }
}

function knownOrNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
