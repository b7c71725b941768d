import assert from "node:assert/strict";
import { viewFolder } from "../../src/store/folder_view.ts";
import { tempFolder } from "../harness/temp.ts";
import { startProgram } from "../harness/process.ts";

/** What is posted last stands in the write-ahead log alone, as a kill leaves it. */
async function killedFolder(dir: string): Promise<void> {
  await using engine = await startProgram({ env: { KAFKA_ENABLED: "false", DATA_DIR: dir } });
  const address = await engine.ready();
  const body = '{"device_id":"a","temperature":20}';
  await (await fetch(`${address}/api/data`, { method: "POST", body })).text();
  await engine.kill();
}

Deno.test("a folder at rest is read without a name: whoever is broken off leaves nothing", async () => {
  using folder = tempFolder();
  const dir = `${folder.path}/data`;
  await killedFolder(dir);
  const temporary = `${folder.path}/temporary`;
  Deno.mkdirSync(temporary);
  const before = Deno.env.get("TMPDIR");
  Deno.env.set("TMPDIR", temporary);
  try {
    using view = viewFolder(dir);
    assert.deepEqual([...Deno.readDirSync(temporary)], []);
    assert.equal(view.inUse, false);
    assert.equal(view.db.prepare("SELECT results FROM counters").pluck().get(), 1);
    assert.deepEqual(view.db.pragma("quick_check"), [{ quick_check: "ok" }]);
    assert.ok(view.isStill());
    Deno.utimeSync(`${dir}/plumbline.db`, 1, 1);
    assert.ok(!view.isStill());
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
  }
});
