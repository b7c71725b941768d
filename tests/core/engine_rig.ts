/** An engine with nothing around it: no store, no clock. */
import { Engine, OVER_QUOTA, REJECTED, SAMPLED_OUT } from "../../src/core/engine.ts";
import { type DeviceState } from "../../src/core/device.ts";
import { ResultId } from "../../src/core/result.ts";
import { RowBuffer } from "../../src/core/row_buffer.ts";
import { type GlobalState } from "../../src/core/totals.ts";
import { type TenantSettings } from "../../src/core/tenant.ts";
import { PARITY } from "./result_twin.ts";

export const TIME = Date.UTC(2026, 1, 3, 4, 5, 6, 7);

export interface RigOptions {
  settings?: (tenant: string) => TenantSettings | undefined;
  maxReadings?: number;
  maxBytes?: number;
  archive?: Map<string, DeviceState>;
}

export function keyOf(tenant: string, device: string): string {
  return JSON.stringify([tenant, device]);
}

export function newEngine(options: RigOptions = {}): Engine {
  const { settings = () => PARITY, maxReadings = 100, maxBytes = Infinity, archive } = options;
  return new Engine({
    settings,
    maxReadings,
    maxBytes,
    archive: {
      load: (tenant, device) => archive?.get(keyOf(tenant, device)),
      countOf: (tenant) => [...archive?.values() ?? []].filter((it) => it.tenant === tenant).length,
    },
    takeBuffer: () => new RowBuffer(),
  });
}

export interface PlainRow {
  id: number;
  lane: number;
  count: number;
  time: number;
  body: Uint8Array;
}

export interface BatchOutcome {
  kinds: ("result" | "sampled out" | "rejected" | "over quota")[];
  values: string[];
  reasons: string[];
  rows: PlainRow[];
  /** The statistics over all devices, where the batch has to save them. */
  totals?: GlobalState;
}

const KINDS = new Map<number, BatchOutcome["kinds"][number]>([
  [REJECTED, "rejected"],
  [SAMPLED_OUT, "sampled out"],
  [OVER_QUOTA, "over quota"],
]);

/** Runs one batch; ids are `in-0-<offset>`. */
export function runBatch(
  engine: Engine,
  batch: {
    readings: readonly (Uint8Array | string)[];
    offset?: number;
    firstId?: number;
    lanes?: number;
    time?: number;
  },
): BatchOutcome {
  const { readings, offset = 0, firstId = 1, lanes = 4, time = TIME } = batch;
  const id = new ResultId("in-0-");
  const outcome: BatchOutcome = { kinds: [], values: [], reasons: [], rows: [] };
  engine.begin({ time, lanes, firstId });
  readings.forEach((reading, i) => {
    const bytes = typeof reading === "string" ? new TextEncoder().encode(reading) : reading;
    id.offset = offset + i;
    const code = engine.apply(bytes, 0, bytes.length, id, time);
    if (code === REJECTED || code === OVER_QUOTA) outcome.reasons.push(engine.reason);
    else if (code !== SAMPLED_OUT) outcome.values.push(engine.lastResult());
    outcome.kinds.push(
      KINDS.get(code) ?? "result",
    );
  });
  outcome.rows = engine.finish().map(({ lane, buffer }, i) => ({
    id: firstId + i,
    lane,
    count: buffer.count,
    time,
    body: buffer.bytes.slice(0, buffer.end),
  }));
  const lastId = firstId + outcome.rows.length - 1;
  if (engine.totals.hasNewNames) {
    outcome.totals = engine.totals.toState(lastId);
    engine.savedTotals(lastId);
  }
  engine.committed(lastId, engine.newDevices());
  return outcome;
}
