import assert from "node:assert/strict";
import { RowBuffer } from "../../src/core/row_buffer.ts";
import { type JournalRow } from "../../src/pipeline/ports.ts";
import { type PooledRow, RowPool } from "../../src/pipeline/row_pool.ts";

function filled(buffer: RowBuffer, end: number): RowBuffer {
  buffer.bytes.fill(7, 0, end);
  buffer.end = end;
  buffer.count = 3;
  return buffer;
}

function pooled(body: { body: Uint8Array; buffer: RowBuffer | null }, holders: number): PooledRow {
  return { row: { body: body.body } as JournalRow, buffer: body.buffer, holders };
}

Deno.test("a large row stays in its buffer until the last holder lets go", () => {
  const pool = new RowPool();
  const buffer = filled(pool.take(), 500_000);
  const row = pooled(pool.body(buffer), 2);
  assert.equal(row.row.body.length, 500_000);
  assert.equal(row.buffer, buffer);
  pool.release(row);
  assert.notEqual(pool.take(), buffer, "one holder still has it");
  pool.release(row);
  const again = pool.take();
  assert.equal(again, buffer);
  assert.deepEqual([again.end, again.count], [61, 0]);
});

Deno.test("a small row is copied, its buffer is free at once", () => {
  const pool = new RowPool();
  const buffer = filled(pool.take(), 5_000);
  const row = pooled(pool.body(buffer), 2);
  assert.equal(row.buffer, null);
  assert.equal(pool.take(), buffer);
  buffer.bytes.fill(9);
  assert.ok(row.row.body.length === 5_000 && row.row.body.every((byte) => byte === 7));
  pool.release(row);
  pool.release(row);
});

Deno.test("the pool keeps a few buffers, not all that ever were", () => {
  const pool = new RowPool();
  const all = Array.from({ length: 50 }, () => pool.take());
  assert.equal(new Set(all).size, 50);
  for (const buffer of all) pool.give(buffer);
  const back = Array.from({ length: 50 }, () => pool.take());
  assert.equal(back.filter((buffer) => all.includes(buffer)).length, 32);
});
