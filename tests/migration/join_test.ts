import assert from "node:assert/strict";
import fc from "fast-check";
import { join } from "../../src/migration/join.ts";
import { hash, type Row, type Side } from "../../src/migration/result_table.ts";

type Pair = [old: number, now: number];

interface Joined {
  readonly exact: Pair[];
  readonly other: Pair[];
  readonly only: Record<Side, number[]>;
}

/** `kept`: is given what waits; without it nothing does. */
function joined(
  olds: Row[],
  news: Row[],
  { bySecond, kept }: { bySecond: boolean; kept?: Record<Side, Row[]> },
): Joined {
  const found: Joined = { exact: [], other: [], only: { old: [], new: [] } };
  join(inOrder(olds), inOrder(news), {
    bySecond,
    both: (old, now, { exact }) =>
      void (exact ? found.exact : found.other).push([old.number, now.number]),
    only: (side, { number }) => void found.only[side].push(number),
    isFresh: ({ round }) => kept !== undefined && round > 1,
    keep: (side, row, { alike }) => void kept![side].push({ ...row, alike }),
  });
  return found;
}

function inOrder(rows: Row[]): IterableIterator<Row> {
  return rows.toSorted((a, b) =>
    a.place - b.place || a.second - b.second || a.measured - b.measured || a.number - b.number
  )[Symbol.iterator]();
}

/** The same by looking through all of them for each. */
function plainly(olds: Row[], news: Row[], bySecond: boolean): Joined {
  const found: Joined = { exact: [], other: [], only: { old: [], new: [] } };
  const free = new Set(news);
  const isGroup = (a: Row, b: Row) => a.place === b.place && a.second === b.second;
  const pair = (old: Row, fits: (now: Row) => boolean, into: Pair[]) => {
    const now = [...free].find(fits);
    if (now === undefined) return false;
    free.delete(now);
    into.push([old.number, now.number]);
    return true;
  };
  const left = olds.filter((old) =>
    !pair(old, (now) => isGroup(old, now) && old.measured === now.measured, found.exact)
  );
  const wasPaired = (row: Row) =>
    found.exact.some(([number]) => {
      const old = olds.find((it) => it.number === number)!;
      return isGroup(old, row) && old.measured === row.measured;
    });
  for (const old of left) {
    const fits = (now: Row) => isGroup(old, now) && !wasPaired(now);
    const isPaired = bySecond && !wasPaired(old) && pair(old, fits, found.other);
    if (!isPaired) found.only.old.push(old.number);
  }
  found.only.new.push(...[...free].map(({ number }) => number));
  return found;
}

function sorted({ exact, other, only }: Joined) {
  const pairs = (list: Pair[]) => list.toSorted(([a], [b]) => a - b);
  const numbers = (list: number[]) => list.toSorted((a, b) => a - b);
  return {
    exact: pairs(exact),
    other: pairs(other),
    only: { old: numbers(only.old), new: numbers(only.new) },
  };
}

const few = fc.integer({ min: 0, max: 2 });
const row = fc.record({
  place: few,
  second: few,
  measured: few,
  round: fc.integer({ min: 1, max: 2 }),
});
const side = fc.array(row, { maxLength: 14 })
  .map((rows) => rows.map((it, i): Row => ({ ...it, number: i + 1, value: "", alike: 0 })));

Deno.test("the join of sorted rows is that of looking through all of them", () => {
  fc.assert(fc.property(side, side, fc.boolean(), (olds, news, bySecond) => {
    const [a, b] = [joined(olds, news, { bySecond }), plainly(olds, news, bySecond)];
    assert.deepEqual(sorted(a), sorted(b));
  }));
});

Deno.test("in two rounds the same pairs are found as in one, and nothing that waits is judged", () => {
  fc.assert(fc.property(side, side, fc.boolean(), (olds, news, bySecond) => {
    const kept: Record<Side, Row[]> = { old: [], new: [] };
    const first = joined(olds, news, { bySecond, kept });
    const isFresh = (rows: Row[]) => (number: number) =>
      rows.some((row) => row.number === number && row.round > 1);
    const judged = {
      old: [...first.only.old, ...first.other.map(([old]) => old)],
      new: [...first.only.new, ...first.other.map(([, now]) => now)],
    };
    assert.ok(!judged.old.some(isFresh(olds)) && !judged.new.some(isFresh(news)));
    const second = joined(kept.old, kept.new, { bySecond });
    const once = joined(olds, news, { bySecond });
    assert.equal(first.exact.length, once.exact.length);
    assert.deepEqual(second.exact, []);
    // Each row ends in one place.
    const ended = [first, second].flatMap(({ exact, other, only }) => [
      ...[...exact, ...other].flatMap(([old, now]) => [`old ${old}`, `new ${now}`]),
      ...only.old.map((it) => `old ${it}`),
      ...only.new.map((it) => `new ${it}`),
    ]);
    const given = [
      ...olds.map(({ number }) => `old ${number}`),
      ...news.map(({ number }) => `new ${number}`),
    ];
    assert.deepEqual(ended.sort(), given.sort());
  }));
});

Deno.test("hashes of short texts differ", () => {
  const hashes = new Set<number>();
  for (let i = 0; i < 300_000; i++) {
    const value = hash(`acme\0device-${i}`);
    assert.ok(Number.isSafeInteger(value) && value >= 0);
    hashes.add(value);
  }
  assert.equal(hashes.size, 300_000);
  assert.notEqual(hash("a\0b"), hash("b\0a"));
});
