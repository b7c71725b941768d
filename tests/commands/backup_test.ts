/** `plumbline backup` as a process: complete or not there, never over anything, never out of room. */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { backUp, BackupRefused } from "../../src/store/backup.ts";
import { startProgram } from "../harness/process.ts";
import { smallDisk } from "../harness/small_disk.ts";
import { tempFolder } from "../harness/temp.ts";
import { counts, open } from "../store/samples.ts";
import { runCommand } from "./command.ts";

const MIB = 1024 ** 2;

/** A folder at rest with so many MiB in it. */
function filled(dir: string, mebibytes: number): string {
  const store = open(dir);
  store.transact((tx) => tx.count(counts({ read: 7, results: 7 })));
  store.close();
  const db = new Database(`${dir}/plumbline.db`);
  const insert = db.prepare(
    'INSERT INTO dead_letters (id, topic, partition, "offset", time, reason, stored_at, bytes) ' +
      "VALUES (?, '', -1, -1, 0, 'reading: no', 0, randomblob(1000000))",
  );
  db.transaction(() => {
    for (let i = 0; i < mebibytes; i++) insert.run(`id-${i}`);
  })();
  db.close();
  return dir;
}

function names(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
}

Deno.test("at rest: the copy has everything, stands alone, and opens as a data folder", async () => {
  using folder = tempFolder();
  const { path } = folder;
  const dir = filled(`${path}/data`, 3);
  Deno.chmodSync(`${dir}/plumbline.db`, 0o600);
  Deno.mkdirSync(`${path}/to`);
  const named = await runCommand(["backup", `${path}/to/a.db`, "--json"], { DATA_DIR: dir });
  assert.equal(named.code, 0, named.stderr);
  const { file, bytes, in_use, read, folder_id } = JSON.parse(named.stdout);
  assert.deepEqual([file, in_use, read], [`${path}/to/a.db`, false, 7]);
  assert.equal(Deno.statSync(file).size, bytes);
  assert.equal(Deno.statSync(file).mode! & 0o777, 0o600);
  assert.deepEqual(names(`${path}/to`), ["a.db"]);
  // SQLite's file format, 1.3.3: not in WAL mode, so it can be read from a medium that can't be written.
  assert.deepEqual([...Deno.readFileSync(file).subarray(18, 20)], [1, 1]);

  const dated = await runCommand(["backup", `${path}/to/`], { DATA_DIR: dir });
  assert.match(
    dated.stdout,
    /^\S+\/to\/plumbline-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.db: 3\.\d MiB in /,
  );
  assert.equal(names(`${path}/to`).length, 2);

  Deno.mkdirSync(`${path}/restored`);
  Deno.copyFileSync(file, `${path}/restored/plumbline.db`);
  const store = open(`${path}/restored`);
  assert.equal(store.positions.folderId, folder_id);
  assert.deepEqual([store.counters().read, store.deadLetterTotals().count], [7, 3]);
  store.close();
});

Deno.test("what is in the way is told, and stays", async () => {
  using folder = tempFolder();
  const { path } = folder;
  const dir = filled(`${path}/data`, 1);
  Deno.writeTextFileSync(`${path}/there`, "mine");
  using held = Deno.openSync(`${path}/busy.partial`, { create: true, write: true });
  assert.ok(held.tryLockSync(true));
  const damaged = filled(`${path}/damaged`, 1);
  Deno.writeTextFileSync(`${damaged}/plumbline.damaged`, "found by a test");
  const table: [string, string, number, RegExp][] = [
    [`${path}/there`, dir, 1, /to \S+\/there: it exists, and stays as it is/],
    [`${path}/busy`, dir, 1, /another backup to it is being made/],
    [`${path}/no/such/a.db`, dir, 1, /no\/such\/a\.db\.partial/],
    [`${path}/b.db`, `${path}/nowhere`, 1, /DATA_DIR names the data folder/],
    [`${path}/c.db`, damaged, 1, /the database is damaged, .*: found by a test; a new start/],
    [`${path}/d.db`, "", 2, /unknown option/],
    ["", dir, 2, /Expected a path, got an empty text/],
  ];
  const before = names(path);
  for (const [target, source, code, text] of table) {
    const args = ["backup", target, ...source === "" ? ["--force"] : []];
    const done = await runCommand(args, { DATA_DIR: source });
    assert.match(done.stderr, text);
    assert.equal(done.code, code, done.stderr);
  }
  assert.deepEqual(names(path), before);
  assert.equal(Deno.readTextFileSync(`${path}/there`), "mine");
});

Deno.test("no room: refused before a byte is copied, and given up while the engine's disk fills", async () => {
  using folder = tempFolder();
  const { path } = folder;
  const dir = filled(`${path}/data`, 12);
  const { signal: stop } = new AbortController();
  const target = `${path}/a.db`;
  const full = backUp({ dir, target, stop, space: () => ({ free: 13 * MIB, total: 1024 * MIB }) });
  await assert.rejects(
    full,
    (error: Error) =>
      error instanceof BackupRefused &&
      /needs \d+ bytes of room, .*kept.* and has 13631488/.test(error.message),
  );
  // Said by a stand-in: the log of a real engine would have to grow in this very moment.
  let looks = 0;
  const filling = backUp({
    dir,
    target,
    stop,
    space: () => ({ free: ++looks < 3 ? 900 * MIB : 50 * MIB, total: 1024 * MIB }),
  });
  await assert.rejects(
    filling,
    /given up, its disk has 52428800 bytes left; the engine's write-ahead/,
  );
  assert.deepEqual(names(path), ["data"]);

  Deno.mkdirSync(`${path}/small`);
  await using disk = await smallDisk(`${path}/small`, 8);
  if (disk === undefined) return;
  const refused = await runCommand(["backup", `${path}/small/a.db`], { DATA_DIR: dir });
  assert.match(refused.stderr, /its disk needs \d+ bytes of room and has \d+\n$/);
  assert.deepEqual([refused.code, names(`${path}/small`)], [1, []]);
});

Deno.test("commits between all its steps: the copy is one moment's, and isn't begun anew", async () => {
  using folder = tempFolder();
  const { path } = folder;
  const dir = filled(`${path}/data`, 20);
  const engine = new Database(`${dir}/plumbline.db`);
  const commit = engine.prepare("UPDATE counters SET read = read + 1, results = results + 1");
  let looks = 0;
  const done = await backUp({
    dir,
    target: `${path}/a.db`,
    stop: new AbortController().signal,
    space: () => {
      // Twenty mebibytes in steps of four: were it begun anew at each commit, it would never end.
      assert.ok(++looks < 20, "the copy was begun anew");
      if (looks > 1) commit.run();
      return { free: 900 * MIB, total: 1024 * MIB };
    },
  });
  engine.close();
  assert.ok(looks > 4, `${looks} steps`);
  assert.equal(done.read, 7);
});

Deno.test("killed or interrupted in its middle: nothing is there, and the next one is made", async () => {
  using folder = tempFolder();
  const { path } = folder;
  const dir = filled(`${path}/data`, 150);
  const target = `${path}/a.db`;
  for (const signal of ["SIGKILL", "SIGINT"] as const) {
    await using program = await startProgram({ args: ["backup", target], env: { DATA_DIR: dir } });
    await program.line("copying ");
    for (;;) {
      const partial = names(path).includes("a.db.partial")
        ? Deno.statSync(`${target}.partial`).size
        : 0;
      if (partial > 8 * MIB) break;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const { code } = await program.kill(signal);
    assert.ok(!names(path).includes("a.db"), `${signal} came too late`);
    if (signal === "SIGKILL") continue;
    assert.equal(code, 1);
    assert.match(program.stderr, /backing up to \S+: interrupted\n$/);
    assert.deepEqual(names(path), ["data"]);
  }
  assert.equal((await runCommand(["backup", target], { DATA_DIR: dir })).code, 0);
  assert.deepEqual(names(path), ["a.db", "data"]);
});
