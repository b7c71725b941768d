/** What an engine knows that never stops: the core alone, without a store, told what was committed. */
import assert from "node:assert/strict";
import { Engine } from "../../src/core/engine.ts";
import { ResultId } from "../../src/core/result.ts";
import { RowBuffer } from "../../src/core/row_buffer.ts";
import { PARITY } from "../core/result_twin.ts";
import { type Node } from "./node.ts";

export const MAX_READINGS = 3;
export const START = 1_770_000_000_000;
export const NAMES = ["a", '"b"', "\ufeffc", "d"];

export function settings(tenant: string) {
  return { ...PARITY, sampling: tenant === "d" ? 0.5 : 1 };
}

/** The engine that never stops. It is told the batches that were committed. */
export class Reference {
  readonly engine = new Engine({
    settings,
    maxReadings: MAX_READINGS,
    maxBytes: Infinity,
    archive: { load: () => undefined, countOf: () => 0 },
    takeBuffer: () => new RowBuffer(),
  });
  /** Every result that there should be, by id. */
  readonly results = new Map<string, string>();
  rejected = 0;
  sampledOut = 0;
  read = 0;
  #id = 1;

  apply(
    readings: readonly { id: ResultId; offset: number; bytes: Uint8Array | null }[],
    at: { time: number; lanes: number },
  ): void {
    this.engine.begin({ ...at, firstId: this.#id });
    for (const { id, offset, bytes } of readings) {
      id.offset = offset;
      this.read++;
      if (bytes === null) this.engine.reject("a tombstone");
      else if (this.engine.apply(bytes, 0, bytes.length, id, 0) === 0) {
        this.results.set(id.toString(), this.engine.lastResult());
      }
    }
    const rows = this.engine.finish();
    this.rejected += this.engine.tally.rejected;
    this.sampledOut += this.engine.tally.sampledOut;
    this.engine.committed(this.#id + rows.length - 1, this.engine.newDevices());
    this.#id += rows.length;
  }
}

export function assertSameState(node: Node, reference: Reference): void {
  const { read, rejected, sampledOut, results } = reference;
  const counters = { read, results: results.size, rejected, sampledOut, dropped: 0, passedOn: 0 };
  assert.deepEqual(node.store.counters(), counters);
  assert.deepEqual(node.state.counters, counters);
  assert.deepEqual(node.totals(), reference.engine.totals.toState(0));
  for (const tenant of [...NAMES, "default"]) {
    for (const device of NAMES) {
      const expected = reference.engine.fleet.inMemory(tenant, device)?.toState(0);
      const exists = expected !== undefined && expected.lastSeen !== "";
      const found = node.device(tenant, device);
      // A device all of whose readings were sampled out may be in memory, the store never knows it.
      if (exists) assert.deepEqual(found, expected);
      else assert.equal(found?.lastSeen ?? "", "");
    }
  }
}
