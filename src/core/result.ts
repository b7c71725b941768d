import { type RangeDetector } from "./detect/range.ts";
import { type Device } from "./device.ts";
import { copyLiteral, type Literal, literal } from "./literal.ts";
import { writeInteger, writeNumber } from "./number.ts";
import { type Reading } from "./reading.ts";
import { type RowBuffer } from "./row_buffer.ts";
import { type Window } from "./window.ts";

const TEMPERATURE = literal(',"temperature":');
const HUMIDITY = literal(',"humidity":');
const METRICS = literal(',"metrics":{"');
const NEXT_NAME = literal(',"');
const COLON = literal('":');
const TIMESTAMP = literal(',"timestamp":"');
const NORMAL = literal('false,"anomaly_score":');
const ANOMALY = literal('true,"anomaly_score":');
const TEMPERATURE_STATS = literal(',"temperature_stats":{"avg":');
const HUMIDITY_STATS = literal(',"humidity_stats":{"avg":');
const METRICS_STATS = literal(',"metrics_stats":{"');
const STATS = literal('":{"avg":');
const MIN = literal(',"min":');
const MAX = literal(',"max":');
const NO_STATS = literal('0,"min":0,"max":0}');
const REASONS = literal(',"reasons":[');
const ID = literal(',"id":"');
/** Count of headers (2), then the name of the first one, each with its length. */
const HEADERS = literal("\x04\x04id");
/** One-byte varints hold up to 63, two-byte ones up to 8,191. */
const TWO_BYTE_MIN = 64, TWO_BYTE_MAX = 8191;

/** The name under which a reading is known: the prefix and the offset, or the prefix alone where that is -1. */
export class ResultId {
  readonly text: string;
  readonly prefix: Literal;
  offset = -1;

  constructor(prefix: string) {
    this.text = prefix;
    this.prefix = literal(prefix);
  }

  toString(): string {
    return this.offset < 0 ? this.text : `${this.text}${this.offset}`;
  }
}

/** What is said of a reading, besides what its device knows. */
export interface Verdict {
  readonly reading: Reading;
  readonly id: ResultId;
  readonly score: number;
  /** The detectors that fired, in the order of the settings. */
  readonly fired: readonly RangeDetector[];
}

/**
 * Writes results as Kafka records into a row: framing, key, value and headers in one go. The value is
 * byte for byte what `JSON.stringify` would make of the same object.
 */
export class ResultWriter {
  #processedAt: Literal = literal("");
  /** `processed_at` of the batch, as text. */
  processedAt = "";
  /** Where the value of the last record stands in the row. */
  valueStart = 0;
  valueEnd = 0;

  /** Sets `processed_at` of what follows, in ms since 1970. */
  setTime(time: number): void {
    this.processedAt = new Date(time).toISOString();
    this.#processedAt = literal(`","processed_at":"${this.processedAt}","tenant_id":`);
  }

  /**
   * Appends one result. The device already includes the reading.
   */
  write(row: RowBuffer, device: Device, verdict: Verdict): void {
    const { reading, id, score, fired } = verdict;
    const view = row.view, start = row.end;
    // Two bytes are kept for the record's length and two for the value's: what nearly all need.
    let at = start + 2;
    view.setUint16(at, 0); // attributes, timestamp delta
    at = writeVarint(view, at + 2, row.count);
    at = copyLiteral(view, at, device.recordKey);
    const lengthAt = at;
    let valueStart = at += 2;

    at = copyLiteral(view, at, device.resultHead);
    if (reading.temperature === reading.temperature) {
      at = writeNumber(view, copyLiteral(view, at, TEMPERATURE), reading.temperature);
    }
    if (reading.humidity === reading.humidity) {
      at = writeNumber(view, copyLiteral(view, at, HUMIDITY), reading.humidity);
    }
    if (reading.metricCount > 0) at = writeMetrics(view, at, reading);
    at = copyLiteral(view, at, TIMESTAMP);
    at = this.#writeTimestamp(view, at, reading);
    at = copyLiteral(view, at, this.#processedAt);
    at = copyLiteral(view, at, device.tenant.inResult);
    at = copyLiteral(view, at, score >= device.tenant.settings.threshold ? ANOMALY : NORMAL);
    at = writeNumber(view, at, score);
    at = writeStats(view, copyLiteral(view, at, TEMPERATURE_STATS), device.temperature.window);
    at = writeStats(view, copyLiteral(view, at, HUMIDITY_STATS), device.humidity.window);
    if (reading.metricCount > 0) at = writeMetricsStats(view, at, { reading, device });
    if (fired.length > 0) at = writeReasons(view, at, { reading, fired });
    at = copyLiteral(view, at, ID);
    const idStart = at;
    at = copyLiteral(view, at, id.prefix);
    if (id.offset >= 0) at = writeInteger(view, at, id.offset);
    const idLength = at - idStart;
    view.setUint16(at, 0x227d); // "}
    at += 2;

    let valueLength = at - valueStart;
    if (valueLength < TWO_BYTE_MIN || valueLength > TWO_BYTE_MAX) {
      const shift = varintLength(valueLength) - 2;
      row.bytes.copyWithin(valueStart + shift, valueStart, at);
      valueStart += shift;
      at += shift;
    }
    valueLength = at - valueStart;
    writeVarint(view, lengthAt, valueLength);

    at = copyLiteral(view, at, HEADERS);
    at = writeVarint(view, at, idLength);
    at = copyWithin(view, {
      from: valueStart + valueLength - 2 - idLength,
      to: at,
      length: idLength,
    });
    at = copyLiteral(view, at, device.tenant.header);

    const recordLength = at - start - 2;
    if (recordLength < TWO_BYTE_MIN || recordLength > TWO_BYTE_MAX) {
      const shift = varintLength(recordLength) - 2;
      row.bytes.copyWithin(start + 2 + shift, start + 2, at);
      valueStart += shift;
      at += shift;
    }
    writeVarint(view, start, recordLength);
    this.valueStart = valueStart;
    this.valueEnd = valueStart + valueLength;
    row.end = at;
    row.count++;
  }

  #writeTimestamp(view: DataView, at: number, reading: Reading): number {
    const { bytes, timestampStart: start, timestampEnd: end } = reading;
    if (start === end) {
      const text = this.processedAt;
      for (let i = 0; i < text.length; i++) view.setUint8(at + i, text.charCodeAt(i));
      return at + text.length;
    }
    for (let i = start; i < end; i++) view.setUint8(at++, bytes[i]);
    if (reading.naive) view.setUint8(at++, 90); // Z
    return at;
  }
}

/** `avg`, `min`, `max` and the closing brace; zeros where the window is empty. */
function writeStats(view: DataView, at: number, window: Window): number {
  if (window.count === 0) return copyLiteral(view, at, NO_STATS);
  at = writeNumber(view, at, window.mean());
  at = writeNumber(view, copyLiteral(view, at, MIN), window.min);
  at = writeNumber(view, copyLiteral(view, at, MAX), window.max);
  view.setUint8(at, 125); // }
  return at + 1;
}

function writeMetrics(view: DataView, at: number, reading: Reading): number {
  at = copyLiteral(view, at, METRICS);
  for (let i = 0; i < reading.metricCount; i++) {
    if (i > 0) at = copyLiteral(view, at, NEXT_NAME);
    at = writeAscii(view, at, reading.metricNames[i]);
    at = writeNumber(view, copyLiteral(view, at, COLON), reading.metricValues[i]);
  }
  view.setUint8(at, 125); // }
  return at + 1;
}

function writeMetricsStats(
  view: DataView,
  at: number,
  of: { reading: Reading; device: Device },
): number {
  at = copyLiteral(view, at, METRICS_STATS);
  for (let i = 0; i < of.reading.metricCount; i++) {
    if (i > 0) at = copyLiteral(view, at, NEXT_NAME);
    const name = of.reading.metricNames[i];
    at = copyLiteral(view, writeAscii(view, at, name), STATS);
    at = writeStats(view, at, of.device.metric(name).window);
  }
  view.setUint8(at, 125); // }
  return at + 1;
}

function writeReasons(
  view: DataView,
  at: number,
  of: { reading: Reading; fired: readonly RangeDetector[] },
): number {
  at = copyLiteral(view, at, REASONS);
  for (let i = 0; i < of.fired.length; i++) {
    const detector = of.fired[i];
    at = detector.writeReason(view, at, valueOf(of.reading, detector.metric));
    view.setUint8(at++, i + 1 < of.fired.length ? 44 : 93); // , or ]
  }
  return at;
}

/** A reading's value of a metric; NaN: it has none. */
export function valueOf(reading: Reading, metric: string): number {
  if (metric === "temperature") return reading.temperature;
  if (metric === "humidity") return reading.humidity;
  for (let i = 0; i < reading.metricCount; i++) {
    if (reading.metricNames[i] === metric) return reading.metricValues[i];
  }
  return NaN;
}

/** Metric names are ASCII by the rule for readings. */
function writeAscii(view: DataView, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) view.setUint8(at + i, text.charCodeAt(i));
  return at + text.length;
}

/** Copies four bytes at a time, up to three beyond the end: what follows is written afterwards. */
function copyWithin(view: DataView, piece: { from: number; to: number; length: number }): number {
  const { from, to, length } = piece;
  for (let i = 0; i < length; i += 4) view.setInt32(to + i, view.getInt32(from + i));
  return to + length;
}

/** A zigzag varint of a length or a count, which is never negative. */
function writeVarint(view: DataView, at: number, value: number): number {
  let zigzag = value * 2;
  while (zigzag > 127) {
    view.setUint8(at++, (zigzag & 127) | 128);
    zigzag >>>= 7;
  }
  view.setUint8(at, zigzag);
  return at + 1;
}

function varintLength(value: number): number {
  let length = 1;
  for (let zigzag = value * 2; zigzag > 127; zigzag >>>= 7) length++;
  return length;
}
