import assert from "node:assert/strict";
import { type Log, StoreDamaged } from "../../src/pipeline/ports.ts";
import { openStore } from "../../src/store/open.ts";
import { tempFolder } from "../harness/temp.ts";
import { setAside } from "./damaged_files.ts";
import { now, SILENT } from "./samples.ts";

const file = (dir: string) => `${dir}/plumbline.db`;
const truncate = (dir: string) => Deno.truncateSync(file(dir));
const remove = (dir: string) => Deno.removeSync(file(dir));

for (
  const [what, happens, aside, message] of [
    ["empty", truncate, 1, "the database is damaged: it is set aside"],
    ["gone", remove, 0, "the database is gone: a new one begins"],
  ] as const
) {
  for (const damagedStart of ["committed", "earliest"] as const) {
    Deno.test(`a database that is ${what} in a folder that was in use is told, ${damagedStart}`, () => {
      using folder = tempFolder();
      const dir = folder.path;
      const told: unknown[] = [];
      const log: Log = {
        ...SILENT,
        error: (message, fields) => told.push([message, fields?.cause]),
      };
      const open = () => openStore({ dir, log, now, damagedStart });
      const first = open();
      const { folderId } = first.positions;
      first.close();
      assert.deepEqual(told, [], "a new folder is no loss");
      happens(dir);
      const second = open();
      assert.deepEqual(told, [
        [
          message,
          `plumbline.db is ${what}, though this folder was in use`,
        ],
        ["nothing could be taken over from the damaged database", undefined],
      ]);
      assert.equal(second.positions.folderId === folderId, damagedStart === "earliest");
      second.close();
      assert.equal(setAside(dir).filter((name) => name.endsWith("Z")).length, aside);
      open().close();
      assert.equal(told.length, 2, "the next start is an ordinary one");
    });
  }
}

Deno.test("files that are removed while they are in use are noticed, and end the store", () => {
  using folder = tempFolder();
  const dir = folder.path;
  let time = now();
  const damages: string[] = [];
  const store = openStore({
    dir,
    log: SILENT,
    now: () => time,
    onDamage: (error) => damages.push(error.message),
  });
  for (const part of ["", "-wal", "-shm"]) Deno.removeSync(file(dir) + part);
  time += 3_600_000;
  assert.throws(() => store.maintain(), StoreDamaged);
  assert.deepEqual(damages, [
    "the database is damaged: its files were removed while it was in use",
  ]);
  assert.throws(() => store.transact(() => {}), StoreDamaged, "nothing more is taken");
  store.close();
});
