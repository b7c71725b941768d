/**
 * A million values of records through the engine: real readings changed and cut off, random bytes, deep
 * nesting, huge numbers, bad UTF-8. None brings it down, each is accounted for, and whether it is taken
 * is what the careful path says.
 */
import assert from "node:assert/strict";
import { Engine, REJECTED, SAMPLED_OUT } from "../../src/core/engine.ts";
import { readJson } from "../../src/core/reading_json.ts";
import { Reading } from "../../src/core/reading.ts";
import { RecordReader } from "../../src/core/record.ts";
import { ResultId } from "../../src/core/result.ts";
import { RowBuffer } from "../../src/core/row_buffer.ts";
import { change, REALISTIC } from "./mutations.ts";
import { contractCases } from "./reading_twin.ts";
import { PARITY } from "./result_twin.ts";
import { randomOf } from "./scan_random.ts";

const SEED = 4711;
const INPUTS = 1_000_000;
const BATCH = 5_000;
const SIZE = 1 << 20;

const encoder = new TextEncoder();

Deno.test("a million inputs through the engine: no crash, read = results + sampled out + rejected", () => {
  const random = randomOf(SEED);
  const pool: Uint8Array[] = REALISTIC.map((text) => encoder.encode(text));
  for (const { bytes } of contractCases()) if (bytes && bytes.length < 500) pool.push(bytes);
  const engine = new Engine({
    settings: (tenant) => ({ ...PARITY, sampling: tenant === "tenant-3" ? 0.5 : 1 }),
    maxReadings: 10,
    maxBytes: Infinity,
    archive: { load: () => undefined, countOf: () => 0 },
    takeBuffer: () => new RowBuffer(),
  });
  // What earlier inputs left behind the end of this one stays there.
  const buffer = new Uint8Array(SIZE);
  const parsed = new Reading();
  const id = new ResultId("in-0-");
  const total = { results: 0, sampledOut: 0, rejected: 0 };
  let rowId = 1;
  for (let from = 0; from < INPUTS; from += BATCH) {
    const batch = { results: 0, sampledOut: 0, rejected: 0 };
    engine.begin({ time: 1_770_000_000_000, lanes: 3, firstId: rowId });
    for (let i = from; i < from + BATCH; i++) {
      const start = random() % 16;
      const end = start + fill(buffer, start, { random, pool });
      id.offset = i;
      const outcome = engine.apply(buffer, start, end, id, 0);
      const why = readJson(parsed, buffer, start, end);
      const shown = () =>
        `${i}: ${new TextDecoder().decode(buffer.subarray(start, Math.min(end, start + 400)))}`;
      if (outcome === REJECTED) {
        batch.rejected++;
        assert.match(engine.reason, /^[^\p{Cc}\p{Cs}]{1,400}$/u, shown());
        // A device that is whole is refused only for its 33rd metric.
        assert.ok(why !== null || /metrics/.test(engine.reason), shown());
      } else {
        assert.equal(why, null, shown());
        if (outcome === SAMPLED_OUT) batch.sampledOut++;
        else batch.results++;
      }
    }
    const rows = engine.finish();
    assert.equal(engine.tally.rejected, batch.rejected);
    assert.equal(engine.tally.sampledOut, batch.sampledOut);
    let written = 0;
    for (const { buffer } of rows) {
      const records = new RecordReader({
        body: buffer.bytes.slice(0, buffer.end),
        count: buffer.count,
      });
      while (records.next()) written++;
      assert.equal(records.end, buffer.end);
    }
    assert.equal(written, batch.results, "every result is a record");
    assert.equal(batch.results + batch.sampledOut + batch.rejected, BATCH);
    rowId += rows.length;
    engine.committed(rowId - 1, engine.newDevices());
    for (const key of ["results", "sampledOut", "rejected"] as const) total[key] += batch[key];
  }
  console.log(`seed ${SEED}:`, JSON.stringify(total));
  assert.ok(total.results > INPUTS / 10 && total.rejected > INPUTS / 10 && total.sampledOut > 1000);
});

interface Sources {
  readonly random: () => number;
  readonly pool: readonly Uint8Array[];
}

/** Puts an input at `start`; its length. */
function fill(buffer: Uint8Array, start: number, { random, pool }: Sources): number {
  const kind = random() % 100;
  if (kind < 60) {
    const origin = pool[random() % pool.length];
    buffer.set(origin, start);
    let end = start + origin.length;
    for (let changes = random() % 4; changes > 0; changes--) {
      end = change(buffer, { start, end, random });
    }
    return end - start;
  }
  if (kind < 75) {
    const origin = pool[random() % pool.length];
    buffer.set(origin, start);
    return random() % (origin.length + 1);
  }
  if (kind < 88) {
    const length = random() % 200;
    for (let i = 0; i < length; i++) buffer[start + i] = random();
    return length;
  }
  const text = kind < 94 ? hugeNumber(random) : nested(random);
  return encoder.encodeInto(text, buffer.subarray(start)).written;
}

function hugeNumber(random: () => number): string {
  const digits = Array.from({ length: 1 + random() % 700 }, () => random() % 10).join("");
  const exponent = random() % 2 ? `e${random() % 2 ? "-" : ""}${random() % 1000}` : "";
  const fraction = random() % 2 ? `.${digits}` : "";
  const field = random() % 2 ? "temperature" : "x";
  return `{"device_id":"n","${field}":${random() % 2 ? "-" : ""}${digits}${fraction}${exponent}}`;
}

/** To a depth at which a reader that calls itself would end; seldom, they are long. */
function nested(random: () => number): string {
  const depth = random() % 200 === 0 ? 200_000 : random() % 100;
  const [open, close] = random() % 2 ? ["[", "]"] : ['{"a":', "}"];
  const value = open.repeat(depth) + "1" + (random() % 4 ? close.repeat(depth) : "");
  return `{"device_id":"deep","x":${value}}`;
}
