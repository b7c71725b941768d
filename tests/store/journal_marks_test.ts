import assert from "node:assert/strict";
import fc from "fast-check";
import { JournalMarks } from "../../src/store/journal_marks.ts";

Deno.test("rows from an id on, as a plain list counts them", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("add"), bytes: fc.nat(1000), gap: fc.nat(3) }),
    fc.record({ kind: fc.constant("undo"), rows: fc.nat(5) }),
    fc.record({ kind: fc.constant("prune"), rows: fc.nat(20) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const marks = new JournalMarks();
    let rows: { id: number; bytes: number }[] = [];
    let lastId = 0;
    for (const it of steps) {
      if (it.kind === "add") {
        const { bytes, gap } = it as { bytes: number; gap: number };
        lastId += 1 + gap;
        rows.push({ id: lastId, bytes });
        marks.add(lastId, { rows: 1, bytes });
      } else if (it.kind === "undo") {
        // A transaction that adds some rows and fails.
        const { added } = marks;
        for (let i = 1; i <= (it as { rows: number }).rows; i++) {
          marks.add(lastId + i, { rows: 1, bytes: 7 });
        }
        marks.restore(lastId, added);
      } else {
        const through = rows[(it as { rows: number }).rows]?.id ?? 0;
        rows = rows.filter(({ id }) => id > through);
        marks.prune(through);
      }
      for (
        const from of [rows[0]?.id ?? lastId + 1, rows[rows.length >> 1]?.id ?? 1e9, lastId + 1]
      ) {
        const kept = rows.filter(({ id }) => id >= from);
        assert.deepEqual(marks.from(from), {
          rows: kept.length,
          bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0),
        });
      }
    }
  }));
});

Deno.test("of a million rows it is about right, from any of them on; later it is exact again", () => {
  const marks = new JournalMarks();
  const rows = 1_000_000;
  for (let id = 1; id <= rows; id++) marks.add(id, { rows: 1, bytes: 10 });
  for (let id = 1; id <= rows; id += 9_973) {
    const { rows: found, bytes } = marks.from(id);
    assert.ok(Math.abs(found - (rows - id + 1)) <= 512, `from ${id}: ${found}`);
    assert.equal(bytes, found * 10);
  }
  assert.equal(marks.from(1).rows, rows);
  marks.prune(rows);
  for (let id = rows + 1; id <= rows + 10; id++) marks.add(id, { rows: 1, bytes: 10 });
  assert.deepEqual(marks.from(rows + 4), { rows: 7, bytes: 70 });
});
