/** The engine alone: readings in, results out, nothing else is touched. */
import type { Config } from "../config/config.ts";
import { lookupIn } from "../config/tenants.ts";
import { Engine, OVER_QUOTA, RESULT, SAMPLED_OUT } from "../core/engine.ts";
import { RecordReader } from "../core/record.ts";
import { ResultId } from "../core/result.ts";
import type { TenantSettings } from "../core/tenant.ts";
import { tooLarge } from "../pipeline/batch.ts";
import { RowPool } from "../pipeline/row_pool.ts";
import type { Line } from "./line_batches.ts";

/** A reading that has no result, and should have one. */
export interface Refused {
  readonly line: number;
  readonly reason: string;
  readonly outcome: "rejected" | "over_quota";
}

export interface DryRunCounts {
  readings: number;
  results: number;
  anomalies: number;
  sampled_out: number;
  rejected: number;
  over_quota: number;
}

/** More devices than may be in memory: going on would forget the windows of some. */
export class TooManyDevices extends Error {
  override readonly name = "TooManyDevices";
}

const LINE_FEED = 10;

export class DryRunEngine {
  readonly counts: DryRunCounts = {
    readings: 0,
    results: 0,
    anomalies: 0,
    sampled_out: 0,
    rejected: 0,
    over_quota: 0,
  };
  readonly #config: Config;
  readonly #engine: Engine;
  readonly #pool = new RowPool();
  readonly #id: ResultId;

  constructor(config: Config) {
    this.#config = config;
    const { tenants, maxReadings, fleetMaxBytes: maxBytes, inputTopic } = config;
    const lookup = lookupIn(tenants);
    this.#engine = new Engine({
      maxReadings,
      maxBytes,
      settings: (tenant) => withoutRate(lookup(tenant)),
      archive: { load: () => undefined, countOf: () => 0 },
      takeBuffer: () => this.#pool.take(),
    });
    this.#id = new ResultId(`${inputTopic}-0-`);
  }

  /**
   * Judges the lines as one batch: its results, each with a line's end, and who has none. `time` becomes
   * `processed_at`. Throws `TooManyDevices`.
   */
  judge(
    lines: readonly Line[],
    time: number,
  ): { results: Uint8Array[]; refused: Refused[] } {
    const engine = this.#engine, { counts } = this;
    const { maxReadingBytes, fleetMaxBytes } = this.#config;
    const refused: Refused[] = [];
    engine.begin({ time, lanes: 1, firstId: 1 });
    for (const { number, bytes, length } of lines) {
      this.#id.offset = number - 1;
      counts.readings++;
      if (length > maxReadingBytes) {
        counts.rejected++;
        refused.push({
          line: number,
          reason: tooLarge(length, maxReadingBytes),
          outcome: "rejected",
        });
        continue;
      }
      const outcome = engine.apply(bytes, 0, bytes.length, this.#id, time);
      if (outcome === RESULT) counts.results++;
      else if (outcome === SAMPLED_OUT) counts.sampled_out++;
      else {
        const name = outcome === OVER_QUOTA ? "over_quota" : "rejected";
        counts[name]++;
        refused.push({ line: number, reason: engine.reason, outcome: name });
      }
    }
    for (let i = 0; i < engine.tally.judged; i++) counts.anomalies += engine.tally.codes[i] & 1;
    const results = this.#results();
    engine.committed(1, engine.newDevices());
    if (engine.fleet.overflowing) {
      throw new TooManyDevices(
        `judging the readings: FLEET_MAX_BYTES holds ${engine.fleet.size} devices ` +
          `(${fleetMaxBytes} bytes), there are more; raise it`,
      );
    }
    return { results, refused };
  }

  /** Copies: the buffers are used again. One lane, so they come in the order of the readings. */
  #results(): Uint8Array[] {
    const results: Uint8Array[] = [];
    for (const { buffer } of this.#engine.finish()) {
      const records = new RecordReader({ body: buffer.bytes, count: buffer.count });
      while (records.next()) {
        const { valueStart: start, valueEnd: end } = records;
        const line = new Uint8Array(end - start + 1);
        line.set(buffer.bytes.subarray(start, end));
        line[line.length - 1] = LINE_FEED;
        results.push(line);
      }
      this.#pool.give(buffer);
    }
    return results;
  }
}

/** A file has no pace: readings a second can't be judged by it. */
function withoutRate(settings: TenantSettings | undefined): TenantSettings | undefined {
  const { quotas } = settings ?? {};
  if (settings === undefined || quotas?.readingsPerSecond === undefined) return settings;
  return { ...settings, quotas: { ...quotas, readingsPerSecond: undefined, burst: undefined } };
}
