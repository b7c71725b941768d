import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import Database from "better-sqlite3";
import { DataFolderInUse, openStore, SchemaTooNew } from "../../src/store/open.ts";
import { migrate, migrations } from "../../src/store/migrations.ts";
import { tempFolder } from "../harness/temp.ts";
import { startChild } from "./child.ts";
import { counts, device, now, open, row, SILENT, SOURCE } from "./samples.ts";

Deno.test("a new data folder is made, with the file's properties as designed", () => {
  using folder = tempFolder();
  const dir = `${folder.path}/a/b`;
  open(dir).close();
  const db = new Database(`${dir}/plumbline.db`, { readonly: true });
  assert.equal(db.pragma("page_size", { simple: true }), 16384);
  assert.equal(db.pragma("auto_vacuum", { simple: true }), 2);
  assert.equal(db.pragma("journal_mode", { simple: true }), "wal");
  assert.equal(db.pragma("user_version", { simple: true }), migrations.length);
  db.close();
});

Deno.test("what was committed is there after the file is opened again", () => {
  using folder = tempFolder();
  const first = open(folder.path);
  first.positions.jump(SOURCE, 40, "first start");
  first.transact((tx) => {
    tx.append(row(1), "output");
    tx.saveDevice(device("a"));
    tx.count(counts({ read: 3, results: 2, rejected: 1 }));
    tx.moveCheckpoint(1);
  });
  const { folderId } = first.positions;
  first.close();
  const second = open(folder.path);
  assert.equal(second.positions.folderId, folderId);
  assert.equal(second.positions.next(SOURCE), 40);
  assert.deepEqual(second.journal.resultRows(0, 1000), [row(1)]);
  assert.deepEqual(second.devices.load("default", "a"), device("a"));
  assert.deepEqual(second.counters(), counts({ read: 3, results: 2, rejected: 1 }));
  assert.equal(second.journal.checkpoint(), 1);
  second.close();
});

Deno.test("every data folder has an id of its own", () => {
  using one = tempFolder();
  using other = tempFolder();
  const stores = [open(one.path), open(other.path)];
  assert.notEqual(stores[0].positions.folderId, stores[1].positions.folderId);
  for (const store of stores) store.close();
});

Deno.test("a second process is refused at once, and let in when the first was killed", async () => {
  using folder = tempFolder();
  await using holder = startChild("hold_folder.ts", { args: [folder.path] });
  assert.equal(await holder.line(), "open");
  assert.throws(() => open(folder.path), (error: Error) => {
    assert(error instanceof DataFolderInUse);
    assert.match(error.message, /one process at a time.*plumbline\.lock.*DATA_DIR/);
    return true;
  });
  await holder.kill();
  open(folder.path).close();
});

Deno.test("closing frees the folder, also twice", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  assert.throws(() => open(folder.path), DataFolderInUse);
  store.close();
  store.close();
  open(folder.path).close();
});

Deno.test("another process reads device statistics while the store is open and writing", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  store.transact((tx) => tx.saveDevice(device("a")));
  const read = (sql: string) => {
    const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--config",
        new URL("../../deno.json", import.meta.url).pathname,
        new URL("children/query.ts", import.meta.url).pathname,
        `${folder.path}/plumbline.db`,
        sql,
      ],
    }).outputSync();
    assert(success, new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  };
  const sql = "SELECT device_id, temperature_count, temperature_sum, temperature_min, " +
    "temperature_max, temperature_avg, humidity_avg FROM devices ORDER BY device_id";
  const a = ["a", 2, 3, -2, 2, 1.5, null];
  const uncommitted = store.transact((tx) => {
    tx.saveDevice(device("b"));
    return read(sql);
  });
  assert.deepEqual(uncommitted, [a]);
  assert.deepEqual(read(sql), [a, ["b", ...a.slice(1)]]);
  store.close();
});

Deno.test("a newer schema is refused with both versions, and no file is touched", () => {
  using folder = tempFolder();
  open(folder.path).close();
  const file = `${folder.path}/plumbline.db`;
  const newer = migrations.length + 4;
  // Left open: its write-ahead log holds the version, as after a kill.
  const writer = new Database(file);
  writer.pragma(`user_version = ${newer}`);
  const paths = [file, `${file}-wal`];
  const before = paths.map(digest);
  assert.throws(() => open(folder.path), (error: Error) => {
    assert(error instanceof SchemaTooNew);
    assert.match(error.message, new RegExp(`up to version ${newer - 4},.* has version ${newer};`));
    return true;
  });
  assert.deepEqual(paths.map(digest), before);
  writer.pragma(`user_version = ${migrations.length}`);
  writer.close();
  open(folder.path).close(); // the lock was given back
});

Deno.test("a database of another program is refused and not touched", () => {
  using folder = tempFolder();
  const file = `${folder.path}/plumbline.db`;
  const other = new Database(file);
  other.exec("CREATE TABLE theirs (a)");
  other.close();
  const before = digest(file);
  assert.throws(() => open(folder.path), /must be empty, it has 1 tables .* DATA_DIR/s);
  assert.equal(digest(file), before);
});

Deno.test("a data folder that can't be made: the folder, the reason and what to do", () => {
  using folder = tempFolder();
  Deno.writeTextFileSync(`${folder.path}/file`, "");
  assert.throws(() => open(`${folder.path}/file/data`), {
    message: new RegExp(`${folder.path}/file/data: it must be a folder.*Not a directory.*DATA_DIR`),
  });
});

Deno.test("an older file is copied before its schema changes", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  store.transact((tx) => tx.saveDevice(device("a")));
  store.close();
  const old = migrations.length;
  const db = new Database(`${folder.path}/plumbline.db`);
  const steps = [...migrations, "DROP TABLE devices; CREATE TABLE extra (a)"];
  migrate(db, { steps, now, log: SILENT });
  assert.equal(db.pragma("user_version", { simple: true }), old + 1);
  assert.deepEqual(db.prepare("SELECT * FROM extra").all(), []);
  db.close();
  assert.deepEqual(copies(folder.path), [`plumbline.db.v${old}.2023-11-14T22-13-20.000Z.bak`]);
  // The copy is a whole data file: the program of its version opens it.
  using other = tempFolder();
  Deno.renameSync(`${folder.path}/${copies(folder.path)[0]}`, `${other.path}/plumbline.db`);
  const restored = open(other.path);
  assert.deepEqual(restored.devices.load("default", "a"), device("a"));
  restored.close();
});

Deno.test("nothing is copied where there is nothing to change", () => {
  using folder = tempFolder();
  open(folder.path).close();
  open(folder.path).close();
  assert.deepEqual(copies(folder.path), []);
});

Deno.test("a step that fails leaves the file as it was, and no copy behind", () => {
  using folder = tempFolder();
  open(folder.path).close();
  const db = new Database(`${folder.path}/plumbline.db`);
  const steps = [...migrations, "CREATE TABLE extra (a)", "CREATE TABLE devices (a)"];
  assert.throws(() => migrate(db, { steps, now, log: SILENT }), /devices already exists/);
  assert.equal(db.pragma("user_version", { simple: true }), migrations.length);
  assert.throws(() => db.prepare("SELECT * FROM extra"), /no such table/);
  db.close();
  assert.deepEqual(copies(folder.path), []);
});

Deno.test("a folder whose making was cut short is finished by the next start", () => {
  using folder = tempFolder();
  const db = new Database(`${folder.path}/plumbline.db`);
  db.pragma("journal_mode = WAL");
  migrate(db, { steps: migrations, now, log: SILENT });
  db.close(); // killed before the folder's id was written
  const store = openStore({ dir: folder.path, log: SILENT, now, random: () => "mine" });
  assert.equal(store.positions.folderId, "mine");
  store.close();
});

function digest(path: string): string {
  return createHash("sha256").update(Deno.readFileSync(path)).digest("hex");
}

function copies(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map((entry) => entry.name).filter((name) =>
    name.endsWith(".bak")
  );
}
