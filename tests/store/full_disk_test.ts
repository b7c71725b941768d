import assert from "node:assert/strict";
import { tempFolder } from "../harness/temp.ts";
import { startChild } from "./child.ts";
import { open, SOURCE } from "./samples.ts";

Deno.test("a disk that is full: unavailable, nothing of the batch is there, later it is written as it was", async () => {
  using folder = tempFolder();
  await using child = startChild("fill_disk.ts", { args: [folder.path], limit: 4000 });
  const { batch, failed, ...before } = JSON.parse(await child.line());
  assert.match(failed, /^writing to the database: .*\(SQLITE_(FULL|IOERR_WRITE)\)$/);
  assert(batch > 3);
  assert.deepEqual(before, { position: batch - 1, rows: batch - 1, read: batch - 1 });
  // SQLite has rolled back by itself where the work went on after its error: that is refused.
  const swallowed = JSON.parse(await child.line());
  assert.match(swallowed.failed, /the transaction must be running, it has ended/);
  assert.deepEqual({ ...swallowed, failed: undefined }, { ...before, failed: undefined });
  const freed = new Deno.Command("prlimit", {
    args: ["--pid", String(child.pid), "--fsize=unlimited:"],
  }).outputSync();
  assert(freed.success, new TextDecoder().decode(freed.stderr));
  await child.say("go on");
  const after = { position: batch, rows: batch, read: batch };
  assert.deepEqual(JSON.parse(await child.line()), after);
  assert.deepEqual(await child.rest(), []);
  const store = open(folder.path);
  assert.equal(store.positions.next(SOURCE), batch);
  assert.equal(store.counters().read, batch);
  const rows = store.journal.resultRows(0, Infinity);
  assert.deepEqual(rows.map(({ id }) => id), Array.from({ length: batch }, (_, i) => i + 1));
  assert(rows.every(({ id, body }) => body.every((byte) => byte === id)));
  store.close();
});
