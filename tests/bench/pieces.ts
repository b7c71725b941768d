/**
 * What each fast piece of the core earns: the piece and its plain twin on the bench's own readings, in
 * turns, the best of several rounds each (the rounds are short, a noisy neighbour only makes them slower).
 */
import { Engine } from "../../src/core/engine.ts";
import { writeNumber } from "../../src/core/number.ts";
import { parseReading, Reading } from "../../src/core/reading.ts";
import { readJson } from "../../src/core/reading_json.ts";
import { ResultId } from "../../src/core/result.ts";
import { RowBuffer } from "../../src/core/row_buffer.ts";
import { Series, Totals } from "../../src/core/series.ts";
import { builtInSettings } from "../../src/config/tenants.ts";
import { messageOf } from "./load.ts";
import type { Figures } from "./table.ts";

const READINGS = 20_000;
const ROUNDS = 15;
const WINDOW = 100;

interface Piece {
  readonly name: string;
  readonly fast: () => void;
  readonly plain: () => void;
}

/** ns per reading, fast and plain, and their ratio. */
export function measurePieces(): Figures {
  const values = Array.from({ length: READINGS }, (_, i) => messageOf(i, { topic: "t" }).value)
    .filter((_, i) => i % 1000 !== 999)
    .map((value) => new Uint8Array(value));
  const figures: Figures = {};
  for (
    const { name, fast, plain } of [
      scanning(values),
      windows(values),
      numbers(values),
      results(values),
    ]
  ) {
    let bestFast = Infinity, bestPlain = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      bestFast = Math.min(bestFast, timed(fast));
      bestPlain = Math.min(bestPlain, timed(plain));
    }
    figures[`${name}: fast, ns`] = bestFast / values.length * 1e6;
    figures[`${name}: plain, ns`] = bestPlain / values.length * 1e6;
    figures[`${name}: times as fast`] = bestPlain / bestFast;
  }
  return figures;
}

function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

function scanning(values: readonly Uint8Array[]): Piece {
  const reading = new Reading();
  return {
    name: "read (scanner / JSON.parse)",
    fast: () => {
      for (const value of values) parseReading(reading, value, 0, value.length);
    },
    plain: () => {
      for (const value of values) readJson(reading, value, 0, value.length);
    },
  };
}

/** Window, all-time and global statistics of both metrics. */
function windows(values: readonly Uint8Array[]): Piece {
  const numbers = values.map(numbersOf);
  const devices = Array.from({ length: 1000 }, () => [new Series(WINDOW), new Series(WINDOW)]);
  const totals = [new Totals(), new Totals()];
  const plainDevices = Array.from({ length: 1000 }, () => [[], []] as number[][]);
  let sink = 0;
  return {
    name: "statistics (exact window / naive loop)",
    fast: () => {
      numbers.forEach((pair, i) => {
        for (const metric of [0, 1]) {
          const series = devices[i % 1000][metric];
          series.push(pair[metric], i);
          totals[metric].push(pair[metric]);
          sink += series.window.mean() + series.window.min + series.window.max;
        }
      });
    },
    plain: () => {
      numbers.forEach((pair, i) => {
        for (const metric of [0, 1]) {
          const window = plainDevices[i % 1000][metric];
          window.push(pair[metric]);
          if (window.length > WINDOW) window.shift();
          let sum = 0, min = Infinity, max = -Infinity;
          for (const value of window) {
            sum += value;
            min = Math.min(min, value);
            max = Math.max(max, value);
          }
          sink += sum / window.length + min + max;
        }
      });
      if (Number.isNaN(sink)) throw new Error("unreachable: keeps the work from being left out");
    },
  };
}

/** The eight numbers of a result. */
function numbers(values: readonly Uint8Array[]): Piece {
  const pairs = values.map(numbersOf);
  const bytes = new Uint8Array(512);
  const view = new DataView(bytes.buffer);
  const encoder = new TextEncoder();
  return {
    name: "eight numbers as text (writer / String)",
    fast: () => {
      for (const pair of pairs) for (let i = 0; i < 8; i++) writeNumber(view, 0, pair[i & 1]);
    },
    plain: () => {
      for (const pair of pairs) {
        for (let i = 0; i < 8; i++) encoder.encodeInto(String(pair[i & 1]), bytes);
      }
    },
  };
}

/** From the reading's bytes to the framed record, against JSON.parse, an object and JSON.stringify. */
function results(values: readonly Uint8Array[]): Piece {
  const buffer = new RowBuffer();
  const engine = new Engine({
    maxReadings: WINDOW,
    maxBytes: 256 * 1024 ** 2,
    settings: () => builtInSettings,
    archive: { load: () => undefined, countOf: () => 0 },
    takeBuffer: () => {
      buffer.clear();
      return buffer;
    },
  });
  const id = new ResultId("bench-in-0-");
  const encoder = new TextEncoder(), decoder = new TextDecoder();
  const statistics = { avg: 21.37, min: 8.01, max: 31.99 };
  return {
    name: "whole engine (core / JSON.parse and JSON.stringify, no statistics)",
    fast: () => {
      engine.begin({ time: 1_767_225_600_000, lanes: 1, firstId: 1 });
      values.forEach((value, i) => {
        id.offset = i;
        engine.apply(value, 0, value.length, id, 1_767_225_600_000);
      });
      engine.finish();
      engine.committed(1, engine.newDevices());
    },
    plain: () => {
      values.forEach((value, i) => {
        const reading = JSON.parse(decoder.decode(value));
        encoder.encode(JSON.stringify({
          device_id: reading.device_id,
          temperature: reading.temperature,
          humidity: reading.humidity,
          timestamp: reading.timestamp,
          processed_at: "2026-01-01T00:00:00.000Z",
          tenant_id: reading.tenant_id,
          is_anomaly: false,
          anomaly_score: 0,
          temperature_stats: statistics,
          humidity_stats: statistics,
          id: `bench-in-0-${i}`,
        }));
      });
    },
  };
}

function numbersOf(value: Uint8Array): number[] {
  const { temperature, humidity } = JSON.parse(new TextDecoder().decode(value));
  return [temperature, humidity];
}
