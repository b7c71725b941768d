import assert from "node:assert/strict";
import type { DeadLetterBounds, Refused, Rejected } from "../../src/pipeline/ports.ts";
import { tempFolder } from "../harness/temp.ts";
import { openStore } from "../../src/store/open.ts";
import { now, open, SILENT } from "./samples.ts";

function rejected(id: string, fields: Partial<Rejected> = {}): Rejected {
  const bytes = new TextEncoder().encode(id);
  return {
    id,
    topic: "t",
    partition: 1,
    offset: 5,
    time: 9,
    reason: "device_id: required",
    bytes,
    ...fields,
  };
}

Deno.test("dead letters come back as they came: with bytes, without, empty, 2 MiB", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  const letters = [
    rejected("a"),
    rejected("tombstone", { bytes: null }),
    rejected("empty", { bytes: new Uint8Array(0), topic: "", offset: 2 ** 42 }),
  ];
  const large = new Uint8Array(2 ** 21).map((_, i) => i);
  store.transact((tx) => {
    for (const letter of letters) tx.reject(letter);
    tx.reject(rejected("large", { bytes: large }));
  });
  assert.deepEqual(
    store.deadLetters({ limit: 3 }),
    letters.map((letter, i) => ({
      ...letter,
      sink: "",
      tenant: null,
      status: null,
      answer: null,
      attempts: 0,
      sequence: i + 1,
      storedAt: now(),
    })),
  );
  const [{ bytes }] = store.deadLetters({ after: 3, limit: 1 });
  assert.equal(Buffer.compare(bytes!, large), 0);
  store.close();
});

Deno.test("another reading under an id that was used is kept, too", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  const other = new TextEncoder().encode("another reading");
  store.transact((tx) => tx.reject(rejected("a")));
  for (const bytes of [other, other, null]) {
    store.transact((tx) => tx.reject({ ...rejected("a"), bytes }));
  }
  assert.deepEqual(store.deadLetters({ limit: 10 }).map(({ id }) => id), ["a", "a~2", "a~3"]);
  store.close();
});

Deno.test("a reading that is rejected twice is kept once", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  store.transact((tx) => tx.reject(rejected("a", { reason: "first" })));
  store.transact((tx) => {
    tx.reject(rejected("a", { reason: "second" }));
    tx.reject(rejected("b"));
  });
  const letters = store.deadLetters({ limit: 10 });
  assert.deepEqual(letters.map(({ id, reason }) => [id, reason]), [
    ["a", "first"],
    ["b", "device_id: required"],
  ]);
  store.close();
});

Deno.test("dead letters are read page by page, oldest first", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  store.transact((tx) => {
    for (const id of ["c", "a", "b"]) tx.reject(rejected(id));
  });
  const first = store.deadLetters({ limit: 2 });
  assert.deepEqual(first.map(({ id }) => id), ["c", "a"]);
  const rest = store.deadLetters({ after: first[1].sequence, limit: 2 });
  assert.deepEqual(rest.map(({ id }) => id), ["b"]);
  store.close();
});

function refused(id: string, fields: Partial<Refused> = {}): Refused {
  return {
    id,
    sink: "storage",
    tenant: "acme",
    time: 9,
    reason: "status 422",
    status: 422,
    answer: "no such sensor",
    attempts: 2,
    bytes: new TextEncoder().encode(`{"id":"${id}"}`),
    ...fields,
  };
}

function bounded(dir: string, bounds: Partial<DeadLetterBounds>) {
  const clock = { time: now() };
  const deadLetters = {
    maxCount: Infinity,
    maxBytes: Infinity,
    maxAgeMs: Infinity,
    ...bounds,
  };
  const store = openStore({ dir, log: SILENT, now: () => clock.time, deadLetters });
  const ids = () => store.deadLetters({ limit: 99 }).map(({ id }) => id);
  return { clock, store, ids };
}

Deno.test("a rejected reading and a result that two sinks refused: all kept, each once, counted", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  store.transact((tx) => {
    tx.reject(rejected("a"));
    tx.refuse(refused("a"));
    tx.refuse(refused("a", { sink: "output", status: null, answer: null }));
    tx.refuse(refused("a", { reason: "a second time" }));
  });
  const letters = store.deadLetters({ limit: 9 });
  assert.deepEqual(letters.map(({ sink, reason }) => [sink, reason]), [
    ["", "device_id: required"],
    ["storage", "status 422"],
    ["output", "status 422"],
  ]);
  assert.deepEqual(letters[1], {
    ...refused("a"),
    topic: "",
    partition: -1,
    offset: -1,
    sequence: 2,
    storedAt: now(),
  });
  assert.deepEqual(store.deadLetterTotals(), { count: 3, bytes: 21, refused: 2, dropped: 0 });
  store.close();
});

Deno.test("beyond the count the oldest fall off, counted, also after a restart", () => {
  using folder = tempFolder();
  const first = bounded(folder.path, { maxCount: 3 });
  first.store.transact((tx) => "abcde".split("").forEach((id) => tx.reject(rejected(id))));
  assert.deepEqual(first.ids(), ["c", "d", "e"]);
  first.store.close();
  const second = bounded(folder.path, { maxCount: 3 });
  second.store.transact((tx) => tx.refuse(refused("f")));
  assert.deepEqual(second.ids(), ["d", "e", "f"]);
  const { count, dropped, refused: ever } = second.store.deadLetterTotals();
  assert.deepEqual([count, dropped, ever], [3, 3, 1]);
  second.store.close();
});

Deno.test("beyond the bytes the oldest fall off; a letter larger than the bound is kept alone", () => {
  using folder = tempFolder();
  const { store, ids } = bounded(folder.path, { maxBytes: 10 });
  store.transact((tx) => tx.reject(rejected("aaaa")));
  store.transact((tx) => tx.reject(rejected("bbbb")));
  assert.deepEqual(ids(), ["aaaa", "bbbb"]);
  store.transact((tx) => tx.reject(rejected("cccc")));
  assert.deepEqual(ids(), ["bbbb", "cccc"]);
  store.transact((tx) => tx.reject(rejected("large", { bytes: new Uint8Array(2 ** 21) })));
  assert.deepEqual(ids(), ["large"]);
  assert.deepEqual(store.deadLetterTotals(), { count: 1, bytes: 2 ** 21, refused: 0, dropped: 3 });
  store.close();
});

Deno.test("letters that are too old fall off by upkeep, all of them", () => {
  using folder = tempFolder();
  const { store, ids, clock } = bounded(folder.path, { maxAgeMs: 1000 });
  store.transact((tx) => tx.reject(rejected("a")));
  clock.time += 1000;
  store.maintain();
  assert.deepEqual(ids(), ["a"]);
  clock.time++;
  store.maintain();
  assert.deepEqual([ids(), store.deadLetterTotals().dropped], [[], 1]);
  store.close();
});

Deno.test("a bound that was lowered is reached in steps of bounded work", () => {
  using folder = tempFolder();
  const before = open(folder.path);
  before.transact((tx) => {
    for (let i = 0; i < 2500; i++) tx.reject(rejected(`r${i}`));
  });
  before.close();
  const { store } = bounded(folder.path, { maxCount: 10 });
  const counts = [0, 1, 2].map(() => {
    store.maintain();
    return store.deadLetterTotals().count;
  });
  assert.deepEqual(counts, [1500, 500, 10]);
  store.close();
});

Deno.test("what falls off in a transaction that fails is still there", () => {
  using folder = tempFolder();
  const { store, ids } = bounded(folder.path, { maxCount: 1 });
  store.transact((tx) => tx.reject(rejected("a")));
  const before = store.deadLetterTotals();
  assert.throws(() =>
    store.transact((tx) => {
      tx.reject(rejected("b"));
      throw new Error("no");
    })
  );
  assert.deepEqual([ids(), store.deadLetterTotals()], [["a"], before]);
  store.close();
});
