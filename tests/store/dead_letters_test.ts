import assert from "node:assert/strict";
import type { Rejected } from "../../src/pipeline/ports.ts";
import { tempFolder } from "../harness/temp.ts";
import { now, open } from "./samples.ts";

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
    letters.map((letter, i) => ({ ...letter, sequence: i + 1, storedAt: now() })),
  );
  const [{ bytes }] = store.deadLetters({ after: 3, limit: 1 });
  assert.equal(Buffer.compare(bytes!, large), 0);
  store.close();
});

Deno.test("of an id that is rejected twice the first is kept", () => {
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
