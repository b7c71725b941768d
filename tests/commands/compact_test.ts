/** `plumbline compact` as a process: what it gains, and that no kill harms the folder. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import Database from "better-sqlite3";
import { startProgram } from "../harness/process.ts";
import { smallDisk } from "../harness/small_disk.ts";
import { tempFolder } from "../harness/temp.ts";
import { garbage, overwrite, setAside } from "../store/damaged_files.ts";
import { counts, device, open } from "../store/samples.ts";
import { runCommand } from "./command.ts";

const MIB = 1024 ** 2;
const KEPT = 40;

/** A folder at rest: so many MiB were written, most of it was deleted again. */
function holey(dir: string, mebibytes: number): string {
  const store = open(dir);
  store.transact((tx) => {
    tx.count(counts({ read: 5, results: 5 }));
    tx.saveDevice(device("d"));
  });
  store.close();
  const db = new Database(`${dir}/plumbline.db`);
  const insert = db.prepare(
    'INSERT INTO dead_letters (id, topic, partition, "offset", time, reason, stored_at, bytes) ' +
      "VALUES (?, '', -1, -1, 0, 'reading: no', 0, randomblob(1000000))",
  );
  db.transaction(() => {
    for (let i = 0; i < mebibytes; i++) insert.run(`id-${i}`);
  })();
  // Scattered: what is kept stands at both ends.
  db.prepare("DELETE FROM dead_letters WHERE sequence BETWEEN ? AND ?")
    .run(KEPT / 2 + 1, mebibytes - KEPT / 2);
  db.close();
  return dir;
}

/** Everything that is in it, as one text for each table; of bytes a digest. */
function contents(dir: string): string {
  const db = new Database(`${dir}/plumbline.db`, { readonly: true });
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .pluck().all() as string[];
  const dump = tables.map((table) => {
    const rows = db.prepare(`SELECT * FROM ${table}`).all();
    return `${table} ${
      rows.map((row) => JSON.stringify(Object.values(row!).map(shown))).sort().join("\n")
    }`;
  });
  db.close();
  return dump.join("\n\n");
}

function shown(value: unknown): unknown {
  return value instanceof Uint8Array ? createHash("sha256").update(value).digest("hex") : value;
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

Deno.test("the free pages go, everything else stays", async () => {
  using folder = tempFolder();
  const dir = holey(`${folder.path}/data`, 120);
  const before = contents(dir);
  const done = await runCommand(["compact", "--json"], { DATA_DIR: dir });
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stderr, /the database is rebuilt; if it is interrupted it stays as it is\n$/);
  const { rebuilt, bytes_before, bytes_after, free_bytes_before } = JSON.parse(done.stdout);
  assert.ok(rebuilt);
  assert.ok(bytes_before > 120e6 && free_bytes_before > 75e6, done.stdout);
  assert.ok(bytes_after < (KEPT + 3) * 1e6, done.stdout);
  assert.equal(bytes_after, sizeOf(`${dir}/plumbline.db`));
  assert.equal(contents(dir), before);
  const again = await runCommand(["compact"], { DATA_DIR: dir });
  assert.match(again.stdout, /^\S+: 3\d\.\d MiB before, 3\d\.\d MiB now, in /);
  const db = new Database(`${dir}/plumbline.db`);
  assert.deepEqual(["page_size", "auto_vacuum"].map((it) => db.pragma(it, { simple: true })), [
    16384,
    2,
  ]);
  db.close();
});

Deno.test("killed at any moment, it leaves a folder that is as it was, or rebuilt", async () => {
  using folder = tempFolder();
  const template = holey(`${folder.path}/template`, 120);
  const before = contents(template);
  // From before its first page to the last: by what stands in its log and its database.
  for (const logged of [-1, 0, 4, 20, 38]) {
    const dir = `${folder.path}/killed-${logged}`;
    Deno.mkdirSync(dir);
    Deno.copyFileSync(`${template}/plumbline.db`, `${dir}/plumbline.db`);
    await using program = await startProgram({ args: ["compact"], env: { DATA_DIR: dir } });
    await program.line("is rebuilt");
    while (sizeOf(`${dir}/plumbline.db-wal`) <= logged * MIB) {
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const { signal } = await program.kill();
    assert.equal(signal, "SIGKILL", `${logged}: it had ended: ${program.stdout}`);
    const found = await runCommand(["inspect", dir, "--json"]);
    assert.equal(found.code, 0, found.stdout);
    assert.equal(contents(dir), before);
    const store = open(dir);
    assert.equal(store.counters().read, 5);
    store.close();
    const again = await runCommand(["compact", "--json"], { DATA_DIR: dir });
    assert.equal(again.code, 0, again.stderr);
    assert.equal(contents(dir), before);
    assert.ok(sizeOf(`${dir}/plumbline.db`) < (KEPT + 3) * 1e6);
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("without room for a second copy the free pages are given back", async () => {
  using folder = tempFolder();
  const dir = `${folder.path}/data`;
  Deno.mkdirSync(dir);
  await using disk = await smallDisk(dir, 160);
  if (disk === undefined) return;
  holey(dir, 60);
  const before = contents(dir);
  disk.fill(40 * MIB);
  const done = await runCommand(["compact", "--json"], { DATA_DIR: dir });
  assert.equal(done.code, 0, done.stderr);
  const { rebuilt, bytes_after } = JSON.parse(done.stdout);
  assert.equal(rebuilt, false);
  assert.ok(bytes_after < (KEPT + 3) * 1e6, done.stdout);
  assert.match(
    done.stderr,
    /no room to rebuild the database; pages without contents are given back/,
  );
  disk.free();
  assert.equal(contents(dir), before);
});

Deno.test("damage that only a rebuild meets: the file stays, and the next start sets it aside", async () => {
  using folder = tempFolder();
  const dir = holey(`${folder.path}/data`, KEPT);
  const path = `${dir}/plumbline.db`;
  const db = new Database(path);
  const page = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'dead_letters'")
    .pluck().get() as number;
  db.close();
  overwrite(path, { from: (page - 1) * 16384, bytes: garbage(16384) });
  const before = Deno.readFileSync(path);
  const done = await runCommand(["compact"], { DATA_DIR: dir });
  assert.equal(done.code, 1);
  assert.match(
    done.stderr,
    /compacting \S+: the database is damaged: .*; start the engine: it sets/,
  );
  assert.deepEqual(Deno.readFileSync(path), before);
  assert.deepEqual(setAside(dir), []);
  const store = open(dir);
  assert.equal(store.counters().read, 5);
  store.close();
  assert.equal(setAside(dir).filter((name) => name.endsWith("Z")).length, 1);
});

Deno.test("refused beside an engine, on a damaged or newer folder, and where there is none", async () => {
  using folder = tempFolder();
  const { path } = folder;
  await using engine = await startProgram({
    env: { DATA_DIR: `${path}/used`, KAFKA_ENABLED: "false" },
  });
  await engine.ready();
  const damaged = holey(`${path}/damaged`, KEPT);
  Deno.writeTextFileSync(`${damaged}/plumbline.damaged`, "found by a test");
  const newer = holey(`${path}/newer`, KEPT);
  const db = new Database(`${newer}/plumbline.db`);
  db.pragma("user_version = 99");
  db.close();
  const table: [string, number, RegExp][] = [
    [`${path}/used`, 3, /one process at a time may use it/],
    [damaged, 1, /found by a test; start the engine: it sets the file aside/],
    [newer, 3, /this program knows schemas up to version/],
    [`${path}/nowhere`, 1, /DATA_DIR names the data folder/],
  ];
  for (const [dir, code, text] of table) {
    const done = await runCommand(["compact"], { DATA_DIR: dir });
    assert.match(done.stderr, text);
    assert.equal(done.code, code, done.stderr);
  }
  assert.throws(() => Deno.statSync(`${path}/nowhere`), Deno.errors.NotFound);
  assert.equal((await fetch(`${await engine.address()}/health/ready`)).status, 200);
});
