import assert from "node:assert/strict";
import fc from "fast-check";
import type { LetterFilter, LetterHead } from "../../src/pipeline/ports.ts";
import { openStore } from "../../src/store/open.ts";
import { tempFolder } from "../harness/temp.ts";
import { now, open, SILENT } from "./samples.ts";

const encoder = new TextEncoder();

const letters = fc.array(
  fc.record({
    id: fc.constantFrom("a", "b", "c"),
    sink: fc.constantFrom("" as const, "output" as const, "storage" as const),
    tenant: fc.constantFrom("acme", "Acme", "default"),
    reason: fc.constantFrom("status 422", "status 42", "device_id: required", "%", "_"),
    storedAt: fc.nat(5),
  }),
  { maxLength: 12 },
);

const filters = fc.record({
  id: fc.constantFrom("a", "b", "x"),
  sink: fc.constantFrom("" as const, "output" as const, "storage" as const),
  reason: fc.constantFrom("status", "status 42", "%", "_", "d"),
  tenant: fc.constantFrom("acme", "default"),
  tenants: fc.constantFrom(null, new Set<string>(), new Set(["Acme"]), new Set(["acme", "x"])),
  since: fc.nat(5),
  until: fc.nat(6),
}, { requiredKeys: [] });

function matches(letter: LetterHead, filter: LetterFilter): boolean {
  const { id, sink, reason = "", tenant, since = 0, until = Infinity } = filter;
  return (id === undefined || letter.id === id) && (sink === undefined || letter.sink === sink) &&
    letter.reason.startsWith(reason) && (tenant === undefined || letter.tenant === tenant) &&
    (!filter.tenants || (letter.tenant !== null && filter.tenants.has(letter.tenant))) &&
    letter.storedAt >= since && letter.storedAt < until;
}

Deno.test("pages of any size have the letters that the filter wants, each once, in order", () => {
  fc.assert(
    fc.property(letters, filters, fc.integer({ min: 1, max: 5 }), (wanted, filter, limit) => {
      using folder = tempFolder();
      const clock = { time: 0 };
      const store = openStore({ dir: folder.path, log: SILENT, now: () => clock.time });
      for (const { sink, storedAt, ...letter } of wanted) {
        clock.time = storedAt;
        const bytes = encoder.encode(`${storedAt}`);
        const more = { topic: "t", partition: 0, offset: 1, time: 1, status: null, answer: null };
        store.transact((tx) =>
          sink === ""
            ? tx.reject({ ...letter, ...more, bytes })
            : tx.refuse({ ...letter, ...more, sink, attempts: 1, bytes })
        );
      }
      const all = store.deadLetters({ limit: 99 }).map(({ bytes, ...head }) => ({
        ...head,
        size: bytes!.length,
      }));
      const found: LetterHead[] = [];
      for (let after: number | undefined = 0; after !== undefined;) {
        const page: ReturnType<typeof store.letters.heads> = store.letters.heads({
          after,
          limit,
          filter,
        });
        assert.ok(page.letters.length <= limit);
        found.push(...page.letters);
        after = page.end;
      }
      assert.deepEqual(found, all.filter((letter) => matches(letter, filter)));
      store.close();
    }),
    { numRuns: 60 },
  );
});

function rejected(id: string, bytes = encoder.encode(id)) {
  return { id, topic: "t", partition: 0, offset: 0, time: 1, reason: "r", bytes };
}

Deno.test("a page looks at a bounded number of letters and says where to go on", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  store.transact((tx) => {
    for (let i = 0; i < 12_000; i++) tx.reject(rejected(`r${i}`));
  });
  const filter = { id: "r11999" };
  const first = store.letters.heads({ after: 0, limit: 10, filter });
  assert.deepEqual(first, { letters: [], end: 5000 });
  const second = store.letters.heads({ after: 5000, limit: 10, filter });
  assert.deepEqual(second, { letters: [], end: 10_000 });
  const third = store.letters.heads({ after: 10_000, limit: 10, filter });
  assert.deepEqual(third.letters.map(({ sequence }) => sequence), [12_000]);
  assert.equal(third.end, undefined);
  assert.equal(
    store.letters.heads({ after: 10_000, through: 11_999, limit: 1, filter }).end,
    undefined,
  );
  store.close();
});

Deno.test("letters that are taken, discarded and dropped are counted apart", () => {
  using folder = tempFolder();
  const bounds = { maxCount: 3, maxBytes: Infinity, maxAgeMs: Infinity };
  const store = openStore({ dir: folder.path, log: SILENT, now, deadLetters: bounds });
  store.transact((tx) => ["a", "b", "c"].forEach((id) => tx.reject(rejected(id))));
  store.transact((tx) => {
    assert.equal(tx.takeLetter(1), true);
    assert.equal(tx.takeLetter(1), false);
    assert.equal(tx.discardLetters([1, 2, 99]), 1);
  });
  store.transact((tx) => ["d", "e", "f"].forEach((id) => tx.reject(rejected(id))));
  const { kept, replayed, discarded, dropped } = store.letters.counts();
  assert.deepEqual(
    [kept.map(({ count, bytes }) => [count, bytes]), replayed, discarded, dropped],
    [[[3, 3], [0, 0], [0, 0]], 1, 1, 1],
  );
  store.close();
});

Deno.test("a letter that goes loses its mark; one that isn't there gets none", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  store.transact((tx) => ["a", "b", "c"].forEach((id) => tx.reject(rejected(id))));
  store.transact((tx) => tx.markLetters([1, 2, 3, 7], true));
  store.transact((tx) => {
    tx.takeLetter(1);
    tx.markLetters([2], false);
  });
  assert.deepEqual(store.letters.marked(9).map(({ sequence }) => sequence), [3]);
  store.close();
});

Deno.test("the copy's letters come in order and bounded; what falls off before is missed, nothing else", () => {
  using folder = tempFolder();
  const bounds = { maxCount: 4, maxBytes: Infinity, maxAgeMs: Infinity };
  const warnings: unknown[] = [];
  const log = { ...SILENT, warn: (_: string, fields?: unknown) => void warnings.push(fields) };
  const store = openStore({ dir: folder.path, log, now, deadLetters: bounds });
  const { letters } = store;
  const missed = () => letters.counts().copy.missed;
  store.transact((tx) => "ab".split("").forEach((id) => tx.reject(rejected(id))));
  assert.deepEqual(letters.uncopied({ limit: 9, maxBytes: 9 }), [], "there is no copy");
  store.transact((tx) => tx.moveLetterCopy(1, { sent: 0, tooLarge: 0 }));
  assert.equal(letters.counts().copy.behind, 1);
  store.transact((tx) => "cde".split("").forEach((id) => tx.reject(rejected(id))));
  assert.equal(missed(), 0, "the first one fell off, the copy didn't want it");
  const ids = (maxBytes: number, limit = 9) =>
    letters.uncopied({ limit, maxBytes }).map(({ id }) => id);
  assert.deepEqual([ids(9), ids(2), ids(0), ids(9, 3)], [
    ["b", "c", "d", "e"],
    ["b", "c"],
    ["b"],
    ["b", "c", "d"],
  ]);
  store.transact((tx) => tx.moveLetterCopy(3, { sent: 1, tooLarge: 1 }));
  store.transact((tx) => "fgh".split("").forEach((id) => tx.reject(rejected(id))));
  assert.equal(missed(), 1, "b and c were settled, d was not");
  store.maintain();
  assert.deepEqual(warnings.map((it) => (it as { notCopied: number }).notCopied), [1]);
  store.transact((tx) => tx.moveLetterCopy(null, { sent: 0, tooLarge: 0 }));
  store.transact((tx) => tx.reject(rejected("i")));
  assert.deepEqual([missed(), ids(9)], [1, []]);
  const { sent, tooLarge, behind } = letters.counts().copy;
  assert.deepEqual([sent, tooLarge, behind], [1, 1, null]);
  store.close();
});
