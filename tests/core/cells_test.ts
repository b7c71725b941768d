import assert from "node:assert/strict";
import fc from "fast-check";
import { CellPool, type Piece, sizeFor } from "../../src/core/cells.ts";

Deno.test("pieces keep what is written into them, whatever is taken and given back beside them", () => {
  const size = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(8, 9, 12, 200, 216, 1000, 1024) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 3000 }) },
  );
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ take: size }) },
    { weight: 4, arbitrary: fc.record({ give: fc.nat() }) },
    { weight: 1, arbitrary: fc.constant({ giveAll: true }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
      const pool = new CellPool();
      const held: { piece: Piece; cells: number; mark: number }[] = [];
      const give = (at: number) => {
        const [{ piece: { page, at: from }, cells, mark }] = held.splice(at, 1);
        for (let i = 0; i < cells; i++) assert.equal(page.cells[from + i], mark);
        pool.give(page, from);
      };
      let mark = 1;
      for (const step of steps) {
        if ("take" in step) {
          const cells = step.take;
          const piece = pool.take(cells);
          assert.ok(piece.page.size >= cells);
          assert.ok(piece.at + cells <= piece.page.cells.length);
          for (let i = 0; i < cells; i++) piece.page.cells[piece.at + i] = mark;
          held.push({ piece, cells, mark: mark++ });
        } else if ("giveAll" in step) {
          while (held.length > 0) give(0);
        } else if (held.length > 0) {
          give(step.give % held.length);
        }
        const taken = held.reduce((sum, { piece }) => sum + piece.page.size * 8, 0);
        assert.equal(pool.taken, taken);
        // The pages in use, each once, and at most four that are empty.
        const pages = new Set(held.map(({ piece }) => piece.page));
        const inUse = [...pages].reduce((sum, page) => sum + page.bytes, 0);
        assert.ok(pool.bytes >= inUse && pool.bytes <= inUse + 4 * 34_000, `${pool.bytes}`);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("pieces of one size fill a page before the next one is made", () => {
  const pool = new CellPool();
  const first = Array.from({ length: 100 }, () => pool.take(200));
  const bytes = pool.bytes;
  assert.equal(new Set(first.map(({ page }) => page)).size, Math.ceil(100 / 20));
  for (const { page, at } of first.slice(0, 50)) pool.give(page, at);
  for (let i = 0; i < 50; i++) pool.take(200);
  assert.equal(pool.bytes, bytes);
});

Deno.test("a piece is at most a sixteenth larger than what was asked for, or eight cells", () => {
  for (let cells = 1; cells <= 300_000; cells += cells < 5000 ? 1 : 97) {
    const size = sizeFor(cells);
    assert.ok(Number.isInteger(size) && size >= cells, `${cells}: ${size}`);
    assert.ok(size <= Math.max(8, cells * 17 / 16), `${cells}: ${size}`);
  }
});
