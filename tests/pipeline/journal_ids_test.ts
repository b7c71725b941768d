import assert from "node:assert/strict";
import { JournalIds } from "../../src/pipeline/journal_ids.ts";
import { StoreUnavailable } from "../../src/pipeline/ports.ts";

Deno.test("ids follow one another, and a batch that holds some shuts the others out", () => {
  const ids = new JournalIds(41);
  assert.equal(ids.next(), 42);
  assert.equal(ids.hold(), 42);
  assert.throws(() => ids.next(), StoreUnavailable);
  ids.release(44);
  assert.equal(ids.next(), 45);
  // Given up: the ids were never used.
  assert.equal(ids.hold(), 45);
  ids.release(ids.last);
  assert.equal(ids.next(), 45);
});
