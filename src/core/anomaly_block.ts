/**
 * Anomalies in a compact form: about 100 bytes each, written beside the result while its batch is made,
 * so that even a flood of them costs little. A block holds many, with the detectors that fired in it; its
 * records follow one another (big-endian):
 *
 *   u16 length of the record, u16 length of the device's id, u16 length of id and tenant, these two
 *   u8 length of the timestamp (0: the batch's time) with 128 where it needs a Z, the timestamp
 *   u16 length of the reading's id, the id
 *   f64 score, u8 number of detectors that fired, u16 for each: its place in the block's list
 *   f64 temperature, f64 humidity (NaN: absent), u8 number of further metrics, each: u8 length, name, f64
 */
import { RangeDetector, type RangeSettings } from "./detect/range.ts";
import { type Device } from "./device.ts";
import { copyLiteral } from "./literal.ts";
import { writeInteger } from "./number.ts";
import { type Reading } from "./reading.ts";
import { type Verdict } from "./result.ts";
import { timestampMs } from "./timestamp.ts";

/** Anomalies of one batch, in the order of its readings. */
export interface AnomalyBlock {
  readonly count: number;
  /** `processed_at` of all of them, ms since 1970. */
  readonly time: number;
  /** Of their readings' timestamps, ms since 1970. */
  readonly earliest: number;
  readonly latest: number;
  readonly maxScore: number;
  /** Those that fired, as JSON. */
  readonly detectors: string;
  readonly body: Uint8Array;
}

/** A block is closed before it could pass this: it is read and written in one piece. */
const BLOCK_BYTES = 256 * 1024;
/** More than names of 256 code points twice over, an id, 64 detectors and 32 further metrics. */
const LONGEST_RECORD = 8_000;
/** A block's list of detectors stays short, too: many tenants may have many. */
const MAX_DETECTORS = 500;
const NAIVE = 128;

/** Takes the anomalies of a batch while it is made. */
export class AnomalyWriter {
  /** None until the first anomaly. */
  #view: DataView | undefined;
  #end = 0;
  #count = 0;
  #time = 0;
  #earliest = Infinity;
  #latest = -Infinity;
  #maxScore = 0;
  readonly #detectors = new Map<RangeDetector, number>();
  #blocks: AnomalyBlock[] = [];

  /** A batch begins: `time` is its `processed_at`. What the last one had is gone. */
  begin(time: number): void {
    this.#blocks = [];
    this.#clear();
    this.#time = time;
  }

  add(device: Device, { reading, id, score, fired }: Verdict): void {
    const view = this.#view ??= new DataView(new ArrayBuffer(BLOCK_BYTES + 8));
    const start = this.#end;
    const { octets, keyAt, keyLength } = device;
    view.setUint16(start + 2, device.idLength);
    view.setUint16(start + 4, keyLength);
    let at = start + 6;
    for (let i = 0; i < keyLength; i++) view.setUint8(at++, octets[keyAt + i]);
    at = this.#addTime(view, at, reading);
    const idStart = at += 2;
    at = copyLiteral(view, at, id.prefix);
    if (id.offset >= 0) at = writeInteger(view, at, id.offset);
    view.setUint16(idStart - 2, at - idStart);
    view.setFloat64(at, score);
    if (score > this.#maxScore) this.#maxScore = score;
    view.setUint8(at + 8, fired.length);
    at += 9;
    for (let i = 0; i < fired.length; i++, at += 2) view.setUint16(at, this.#place(fired[i]));
    view.setFloat64(at, reading.temperature);
    view.setFloat64(at + 8, reading.humidity);
    view.setUint8(at + 16, reading.metricCount);
    at += 17;
    for (let i = 0; i < reading.metricCount; i++) {
      const name = reading.metricNames[i];
      view.setUint8(at++, name.length);
      for (let j = 0; j < name.length; j++) view.setUint8(at++, name.charCodeAt(j));
      view.setFloat64(at, reading.metricValues[i]);
      at += 8;
    }
    view.setUint16(start, at - start);
    this.#end = at;
    this.#count++;
    if (at > BLOCK_BYTES - LONGEST_RECORD || this.#detectors.size > MAX_DETECTORS) this.#close();
  }

  /** The batch's anomalies; empty: it had none. */
  finish(): readonly AnomalyBlock[] {
    if (this.#count > 0) this.#close();
    return this.#blocks;
  }

  #addTime(view: DataView, at: number, reading: Reading): number {
    const { bytes, timestampStart: from, timestampEnd: to } = reading;
    const time = to > from ? reading.time : this.#time;
    if (time < this.#earliest) this.#earliest = time;
    if (time > this.#latest) this.#latest = time;
    view.setUint8(at++, (to - from) | (reading.naive && to > from ? NAIVE : 0));
    for (let i = from; i < to; i++) view.setUint8(at++, bytes[i]);
    return at;
  }

  #place(detector: RangeDetector): number {
    let place = this.#detectors.get(detector);
    if (place === undefined) {
      place = this.#detectors.size;
      this.#detectors.set(detector, place);
    }
    return place;
  }

  #close(): void {
    this.#blocks.push({
      count: this.#count,
      time: this.#time,
      earliest: this.#earliest,
      latest: this.#latest,
      maxScore: this.#maxScore,
      detectors: JSON.stringify([...this.#detectors.keys()].map(({ settings }) => settings)),
      body: new Uint8Array(this.#view!.buffer.slice(0, this.#end)),
    });
    this.#clear();
  }

  #clear(): void {
    this.#end = 0;
    this.#count = 0;
    this.#earliest = Infinity;
    this.#latest = -Infinity;
    this.#maxScore = 0;
    this.#detectors.clear();
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads a block's anomalies one by one, in any order. Throws a RangeError where the bytes are none. */
export class AnomalyBlockReader {
  readonly #block: AnomalyBlock;
  readonly #view: DataView;
  readonly #starts: number[] = [];
  #detectors: readonly RangeDetector[] | undefined;

  constructor(block: AnomalyBlock) {
    const { body, count } = block;
    this.#block = block;
    this.#view = new DataView(body.buffer, body.byteOffset, body.length);
    let at = 0;
    while (at < body.length) {
      this.#starts.push(at);
      const length = at + 2 > body.length ? 0 : this.#view.getUint16(at);
      if (length === 0) throw unreadable(`a record at byte ${at} has no length`);
      at += length;
    }
    if (at !== body.length || this.#starts.length !== count) {
      const found = `${this.#starts.length} records up to byte ${at}`;
      throw unreadable(`expected ${count} records in ${body.length} bytes, got ${found}`);
    }
  }

  /** Tenant and device of an anomaly, by its place in the block. */
  key(i: number): { tenant: string; device: string } {
    const { idLength, keyLength, keyStart } = this.#key(i);
    return {
      device: this.#text(keyStart, idLength),
      tenant: this.#text(keyStart + idLength, keyLength - idLength),
    };
  }

  /** Its reading's timestamp, in ms since 1970. */
  time(i: number): number {
    const { start, length, naive } = this.#timestamp(i);
    if (length === 0) return this.#block.time;
    const { body } = this.#block;
    const text = naive ? Uint8Array.of(...body.subarray(start, start + length), 90) : undefined;
    return text === undefined
      ? timestampMs(body, start, start + length)
      : timestampMs(text, 0, text.length);
  }

  score(i: number): number {
    return this.#view.getFloat64(this.#afterId(i).end);
  }

  get(i: number): Anomaly {
    const view = this.#view;
    const { start, length, naive } = this.#timestamp(i);
    const { start: idStart, end: idEnd } = this.#afterId(i);
    let at = idEnd + 9;
    const places = Array.from({ length: view.getUint8(idEnd + 8) }, (_, n) => {
      return view.getUint16(at + 2 * n);
    });
    at += 2 * places.length;
    const values = new Map<string, number>();
    const metrics: [string, number][] = [];
    const temperature = view.getFloat64(at), humidity = view.getFloat64(at + 8);
    values.set("temperature", temperature).set("humidity", humidity);
    const further = view.getUint8(at + 16);
    at += 17;
    for (let n = 0; n < further; n++) {
      const nameLength = view.getUint8(at);
      const name = this.#text(at + 1, nameLength);
      at += 1 + nameLength + 8;
      metrics.push([name, view.getFloat64(at - 8)]);
      values.set(name, view.getFloat64(at - 8));
    }
    const processedAt = new Date(this.#block.time).toISOString();
    return {
      id: this.#text(idStart, idEnd - idStart),
      ...this.key(i),
      timestamp: length === 0 ? processedAt : this.#text(start, length) + (naive ? "Z" : ""),
      processedAt,
      score: view.getFloat64(idEnd),
      temperature: Number.isNaN(temperature) ? null : temperature,
      humidity: Number.isNaN(humidity) ? null : humidity,
      metrics,
      reasons: places.map((place) => {
        const detector = this.#detector(place);
        return detector.reason(values.get(detector.metric) ?? NaN);
      }),
    };
  }

  #detector(place: number): RangeDetector {
    this.#detectors ??= readDetectors(this.#block.detectors);
    const detector = this.#detectors[place];
    if (detector === undefined) throw unreadable(`detector ${place} of ${this.#detectors.length}`);
    return detector;
  }

  #key(i: number) {
    const start = this.#starts[i];
    return {
      idLength: this.#view.getUint16(start + 2),
      keyLength: this.#view.getUint16(start + 4),
      keyStart: start + 6,
    };
  }

  #timestamp(i: number): { start: number; length: number; naive: boolean } {
    const { keyStart, keyLength } = this.#key(i);
    const at = keyStart + keyLength;
    const length = this.#view.getUint8(at);
    return { start: at + 1, length: length & 127, naive: length > 127 };
  }

  #afterId(i: number): { start: number; end: number } {
    const { start, length } = this.#timestamp(i);
    const idStart = start + length + 2;
    return { start: idStart, end: idStart + this.#view.getUint16(idStart - 2) };
  }

  #text(start: number, length: number): string {
    return decoder.decode(this.#block.body.subarray(start, start + length));
  }
}

/** A reading whose score has reached the threshold, and why. */
export interface Anomaly {
  /** Of the reading and its result. */
  readonly id: string;
  readonly tenant: string;
  readonly device: string;
  /** As the result has it. */
  readonly timestamp: string;
  readonly processedAt: string;
  readonly score: number;
  /** null: the reading had none. */
  readonly temperature: number | null;
  readonly humidity: number | null;
  readonly metrics: readonly (readonly [name: string, value: number])[];
  /** Of each detector that fired, as JSON, as in the result. */
  readonly reasons: readonly string[];
}

type GivenRange = Omit<RangeSettings, "min" | "max"> & { min: number | null; max: number | null };

/** Of the last block that was read: those that follow one another mostly have the same. */
let lastRead = { text: "[]", detectors: [] as readonly RangeDetector[] };

function readDetectors(text: string): readonly RangeDetector[] {
  if (text !== lastRead.text) lastRead = { text, detectors: detectorsIn(text) };
  return lastRead.detectors;
}

function detectorsIn(text: string): RangeDetector[] {
  return (JSON.parse(text) as GivenRange[]).map(({ min, max, ...rest }) =>
    new RangeDetector({ ...rest, min: min ?? -Infinity, max: max ?? Infinity })
  );
}

function unreadable(what: string): RangeError {
  return new RangeError(`reading anomalies: ${what}`);
}
