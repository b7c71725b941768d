import assert from "node:assert/strict";
import { tempFolder } from "../harness/temp.ts";
import { startChild } from "./child.ts";
import { open, SOURCE } from "./samples.ts";

/** The number of the last batch in the file, after a check that this batch and no other is there whole. */
function lastWholeBatch(dir: string): number {
  const store = open(dir);
  const { journal, devices } = store;
  const batch = store.positions.next(SOURCE) ?? 0;
  assert.equal(journal.lastId(), 2 * batch);
  assert.equal(store.counters().read, 2 * batch);
  assert.equal(journal.checkpoint(), batch);
  for (const name of ["a", "b"]) {
    assert.equal(devices.load("default", name)?.journalId ?? 0, batch);
  }
  // Every fifth batch prunes all but the rows of the last three.
  const pruned = batch < 5 ? 0 : 2 * (batch - batch % 5) - 6;
  const rows = journal.resultRows(0, Infinity);
  const expected = Array.from({ length: 2 * batch - pruned }, (_, i) => pruned + i + 1);
  assert.deepEqual(rows.map(({ id }) => id), expected);
  for (const { id, body } of rows) {
    const value = Math.ceil(id / 2) & 255;
    assert(body.every((byte) => byte === value), `the body of row ${id}`);
  }
  const bytes = rows.reduce((sum, { body }) => sum + body.length, 0);
  assert.deepEqual(journal.size(), { rows: rows.length, bytes });
  store.close();
  return batch;
}

Deno.test("killed at any moment: every batch that was reported is there, each whole or not at all", async () => {
  using folder = tempFolder();
  let before = 0;
  for (let kill = 0; kill < 8; kill++) {
    await using child = startChild("write_until_killed.ts", { args: [folder.path] });
    const batches = Math.floor(Math.random() * 12);
    for (let i = 0; i <= batches; i++) assert.equal(await child.line(), `batch ${before + i + 1}`);
    await child.kill();
    const reported = before + batches + 1 + (await child.rest()).length;
    const there = lastWholeBatch(folder.path);
    assert(there === reported || there === reported + 1, `${there} of ${reported} batches`);
    before = there;
  }
});

Deno.test("killed in the middle of a transaction: nothing of it is there", async () => {
  using folder = tempFolder();
  for (const stopAt of [1, 4, 5]) {
    await using child = startChild("write_until_killed.ts", {
      args: [folder.path, String(stopAt)],
    });
    while (await child.line() !== "inside");
    await child.kill();
    assert.equal(lastWholeBatch(folder.path), stopAt - 1);
  }
});
