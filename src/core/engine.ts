import { AnomalyWriter } from "./anomaly_block.ts";
import { type RangeDetector } from "./detect/range.ts";
import { type Device, MAX_DEVICE_METRICS } from "./device.ts";
import { DirtyQueue } from "./dirty_queue.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";
import { type Quotas } from "./quota.ts";
import { parseReading, parseResult, Reading } from "./reading.ts";
import { RecordReader } from "./record.ts";
import { type ResultId, ResultWriter, valueOf } from "./result.ts";
import { RowBuffer } from "./row_buffer.ts";
import { isSampled } from "./sampling.ts";
import { Tally } from "./tally.ts";
import { type Tenant } from "./tenant.ts";
import { type GlobalState, GlobalTotals } from "./totals.ts";

/** What became of a reading. */
export const RESULT = 0;
export const SAMPLED_OUT = 1;
export const REJECTED = 2;
/** Beyond its tenant's quotas: it was only looked at. */
export const OVER_QUOTA = 3;

/** The results of one batch for one lane, ready to be a journal row. */
export interface FinishedRow {
  readonly lane: number;
  readonly buffer: RowBuffer;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Turns readings into results and keeps the state of every device. A batch goes: `begin`, `apply` for
 * each reading, `finish`; then the caller commits the rows together with `newDevices` and says so with
 * `committed`. Deterministic: the same readings in the same order give the same results and state.
 */
export class Engine {
  readonly fleet: Fleet;
  readonly totals = new GlobalTotals();
  readonly dirty = new DirtyQueue();
  readonly tally = new Tally();
  readonly writer = new ResultWriter();
  /** Those of the current batch. */
  readonly anomalies = new AnomalyWriter();
  /** Why the last reading was rejected, or is over its tenant's quotas. */
  reason = "";
  /** Those that the last reading was over. */
  quotas: Quotas = { over: "drop" };
  readonly #reading = new Reading();
  readonly #takeBuffer: () => RowBuffer;
  #lanes = 0;
  #open: (RowBuffer | null)[] = [];
  #lastRow: RowBuffer | null = null;
  #finished: FinishedRow[] = [];
  #touched: Device[] = [];
  #sharing: Tenant[] = [];
  #batch = 0;
  #firstId = 0;
  #time = 0;
  readonly #fired: RangeDetector[] = [];

  /** `takeBuffer` gives an empty buffer; whoever takes the finished rows gives it back. */
  constructor(options: FleetOptions & { takeBuffer: () => RowBuffer }) {
    this.fleet = new Fleet(options);
    this.#takeBuffer = options.takeBuffer;
  }

  /**
   * Begins a batch: `time` (ms since 1970) becomes its `processed_at`, `lanes` is the partition count
   * of the output topic (0: unknown), `firstId` the id that its first journal row will have.
   */
  begin(batch: { time: number; lanes: number; firstId: number }): void {
    this.#batch++;
    this.fleet.begin();
    this.#sharing = [];
    this.#time = batch.time;
    this.#lanes = batch.lanes;
    this.#firstId = batch.firstId;
    this.#open = new Array(Math.max(batch.lanes, 1)).fill(null);
    this.#finished = [];
    this.#touched = [];
    this.tally.clear();
    this.writer.setTime(batch.time);
    this.anomalies.begin(batch.time);
  }

  /**
   * Judges the reading that stands in `bytes` from `start` to `end`, which came in at `arrival`.
   * (Five positional arguments: it is called for every reading, and an object for each would be felt.)
   */
  apply(bytes: Uint8Array, start: number, end: number, id: ResultId, arrival: number): number {
    const reading = this.#reading;
    const fault = parseReading(reading, bytes, start, end);
    if (fault !== null) return this.#reject(fault);
    const device = this.fleet.admit(reading, this.#time);
    if (device === null) return this.#notAdmitted(reading);
    const settings = device.tenant.settings;
    if (settings.sampling < 1 && !this.#isSampled(device, id)) {
      this.tally.sampledOut++;
      return SAMPLED_OUT;
    }
    if (reading.metricCount > 0) {
      const surplus = device.surplusMetric(reading);
      if (surplus !== null) {
        return this.#reject(
          `metrics: expected at most ${MAX_DEVICE_METRICS} names per device, got ${
            JSON.stringify(surplus)
          } as one more`,
        );
      }
    }
    this.#touch(device);
    this.#update(device, reading);
    this.#updateTotals(reading);

    const fired = this.#fired;
    fired.length = 0;
    let score = 0;
    const detectors = device.tenant.detectors;
    for (let i = 0; i < detectors.length; i++) {
      const detector = detectors[i];
      if (!detector.fires(valueOf(reading, detector.metric))) continue;
      fired.push(detector);
      // JSON has no infinity.
      score = Math.min(score + detector.weight, Number.MAX_VALUE);
    }
    device.lastScore = score;
    const isAnomaly = score >= settings.threshold;
    this.tally.judge(device.tenant, isAnomaly, arrival);
    const lane = device.lane(this.#lanes);
    let row = this.#open[lane];
    if (row === null) row = this.#open[lane] = this.#takeBuffer();
    const verdict = { reading, id, score, fired };
    const before = row.end;
    this.writer.write(row, device, verdict);
    if (device.tenant.backlogShare !== null) this.#share(device.tenant, row.end - before);
    if (isAnomaly) this.anomalies.add(device, verdict);
    this.#lastRow = row;
    if (row.full) this.#close(lane, row);
    return RESULT;
  }

  /**
   * Whether the reading is one of a tenant that isn't among these; `reason` says which then. What is no
   * reading belongs to nobody. It is parsed once more for that: only few senders are limited.
   */
  isForeign(
    { bytes, start, end }: { bytes: Uint8Array; start: number; end: number },
    tenants: ReadonlySet<string>,
  ): boolean {
    const reading = this.#reading;
    if (parseReading(reading, bytes, start, end) !== null) return false;
    const tenant = decoder.decode(reading.bytes.subarray(reading.tenantStart, reading.tenantEnd));
    if (tenants.has(tenant)) return false;
    this.reason = `tenant_id: expected one that the token is for, got ${JSON.stringify(tenant)}`;
    return true;
  }

  /** The JSON text of the result that `apply` has just written. */
  lastResult(): string {
    return decoder.decode(
      this.#lastRow!.bytes.subarray(this.writer.valueStart, this.writer.valueEnd),
    );
  }

  /** Says that a reading couldn't even be looked at (a tombstone, one that is too large). */
  reject(reason: string): void {
    this.#reject(reason);
  }

  /** The batch's rows, in the order in which they were filled. */
  finish(): FinishedRow[] {
    for (let lane = 0; lane < this.#open.length; lane++) {
      const row = this.#open[lane];
      if (row !== null) this.#close(lane, row);
    }
    return this.#finished;
  }

  /** Bytes of results of this batch, of tenants with a share of the backlog. */
  shares(): { tenant: string; share: number; bytes: number }[] {
    return this.#sharing.map(({ name, backlogShare, added }) => ({
      tenant: name,
      share: backlogShare!,
      bytes: added,
    }));
  }

  /** Devices of this batch that the store doesn't know yet: their rows belong into its transaction. */
  newDevices(): Device[] {
    return this.#touched.filter((device) => device.isNew);
  }

  /** The batch stands in the store; `saved` were written with it, including its last row `lastId`. */
  committed(lastId: number, saved: readonly Device[]): void {
    for (const device of saved) this.saved(device, lastId);
    for (const device of this.#touched) this.fleet.account(device);
    this.#touched = [];
  }

  /** The store's row of the device includes everything up to `journalId` now. */
  saved(device: Device, journalId: number): void {
    device.isNew = false;
    device.dirtySince = 0;
    device.savedId = journalId;
  }

  /** The same for the global statistics. */
  savedTotals(journalId: number): void {
    this.totals.hasNewNames = false;
    this.totals.dirtySince = 0;
    this.totals.savedId = journalId;
  }

  /** The journal row up to which every row in the store includes readings, if `lastId` is the last one committed. */
  checkpointId(lastId: number): number {
    const device = this.dirty.oldest();
    let oldest = device === undefined ? lastId + 1 : device.dirtySince;
    if (this.totals.dirtySince !== 0) oldest = Math.min(oldest, this.totals.dirtySince);
    return oldest - 1;
  }

  restore(state: GlobalState | undefined): void {
    if (state !== undefined) this.totals.restore(state);
  }

  /**
   * Takes the readings back out of a journal row: state only, nothing is sampled, judged or written.
   * Devices and totals that include the row already stay as they are.
   */
  replay(row: { id: number; count: number; time: number; body: Uint8Array }): void {
    this.#batch++;
    this.#firstId = row.id;
    this.#time = row.time;
    const reading = this.#reading, records = new RecordReader(row);
    const withTotals = row.id > this.totals.savedId;
    while (records.next()) {
      parseResult(reading, row.body, records.valueStart, records.valueEnd);
      const device = this.fleet.find(reading);
      if (row.id > device.savedId) {
        this.#touch(device);
        this.#update(device, reading);
        device.lastScore = reading.score;
      }
      if (withTotals) this.#updateTotals(reading);
    }
    for (const device of this.#touched) this.fleet.account(device);
    this.#touched = [];
  }

  #reject(reason: string): number {
    this.tally.rejections.push(reason);
    this.reason = reason;
    return REJECTED;
  }

  #notAdmitted({ bytes, tenantStart, tenantEnd }: Reading): number {
    const tenant = decoder.decode(bytes.subarray(tenantStart, tenantEnd));
    const name = JSON.stringify(tenant);
    const { refusal } = this.fleet;
    if (refusal === "unknown tenant") {
      return this.#reject(`tenant_id: expected one of the tenants' file, got ${name}`);
    }
    this.quotas = this.fleet.quotasOf(tenant);
    const { readingsPerSecond, devices } = this.quotas;
    if (refusal === "backlog") return this.#overShare(tenant);
    const limit = refusal === "rate"
      ? `${readingsPerSecond} readings a second`
      : `${devices} devices`;
    this.reason = `quota: expected at most ${limit} of tenant ${name}, got one more`;
    this.tally.refuse(tenant, refusal === "rate" ? "readings_per_second" : "devices");
    return OVER_QUOTA;
  }

  #overShare(tenant: string): number {
    const percent = this.quotas.backlogShare! * 100;
    this.reason = `quota: expected at most ${percent} % of the results that wait to be of tenant ${
      JSON.stringify(tenant)
    }, there are more`;
    this.tally.refuse(tenant, "backlog_share");
    return OVER_QUOTA;
  }

  #share(tenant: Tenant, bytes: number): void {
    if (tenant.added === 0) this.#sharing.push(tenant);
    tenant.added += bytes;
  }

  #isSampled(device: Device, id: ResultId): boolean {
    return isSampled(device.tenant.settings.sampling, {
      tenant: device.tenant.name,
      device: device.id,
      id: id.toString(),
    });
  }

  #touch(device: Device): void {
    if (device.lastBatch === this.#batch) return;
    device.lastBatch = this.#batch;
    device.lastProcessed = this.#time;
    this.#touched.push(device);
    if (device.dirtySince !== 0) return;
    device.dirtySince = this.#firstId;
    this.dirty.push(device);
  }

  #update(device: Device, reading: Reading): void {
    device.results++;
    const hasTime = reading.timestampEnd > reading.timestampStart;
    const time = hasTime ? reading.time : this.#time;
    if (reading.temperature === reading.temperature) {
      device.temperature.push(reading.temperature, time);
    }
    if (reading.humidity === reading.humidity) device.humidity.push(reading.humidity, time);
    for (let i = 0; i < reading.metricCount; i++) {
      device.metric(reading.metricNames[i]).push(reading.metricValues[i], time);
    }
    if (hasTime) device.see(reading);
    else device.seeNow(time, this.writer.processedAt);
  }

  #updateTotals(reading: Reading): void {
    const totals = this.totals;
    if (totals.dirtySince === 0) totals.dirtySince = this.#firstId;
    totals.lastProcessed = this.#time;
    if (reading.temperature === reading.temperature) totals.temperature.push(reading.temperature);
    if (reading.humidity === reading.humidity) totals.humidity.push(reading.humidity);
    if (reading.metricCount > 0) totals.pushMetrics(reading);
  }

  #close(lane: number, row: RowBuffer): void {
    this.#finished.push({ lane, buffer: row });
    this.#open[lane] = null;
  }
}
