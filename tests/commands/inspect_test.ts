/** `plumbline inspect` on folders that a real engine has left, in use, damaged and of other versions. */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { migrations } from "../../src/store/migrations.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { fingerprint, type Outcome, runCommand } from "./command.ts";

/** Nothing listens there: results for the storage service wait. */
const AWAY = "http://127.0.0.1:1";
/** Valid, and what would turn a terminal's line around. */
const TENANT = "te\u202enant";

function settings(dir: string): Record<string, string> {
  return { KAFKA_ENABLED: "false", STORAGE_SERVICE_URL: AWAY, DATA_DIR: dir };
}

/** Three results of two tenants, one of them an anomaly, and two rejected readings. */
async function post(address: string): Promise<void> {
  const readings = [
    { device_id: "a", temperature: 20 },
    { device_id: "b", temperature: 31, humidity: 90 },
    { device_id: "a", tenant_id: TENANT, temperature: 22 },
    { device_id: "a", temperature: "warm" },
    { temperature: 1 },
  ];
  const response = await fetch(`${address}/api/data`, {
    method: "POST",
    body: JSON.stringify(readings),
  });
  assert.equal(response.status, 207, await response.text());
}

/** What every look at such a folder has to show. */
function assertContents({ code, stdout, stderr }: Outcome, inUse: boolean): void {
  assert.equal(code, 0, stdout + stderr);
  const found = JSON.parse(stdout);
  assert.equal(found.in_use, inUse);
  assert.equal(found.ok, true);
  assert.equal(found.checked, true);
  assert.deepEqual(found.schema, { file: migrations.length, program: migrations.length });
  assert.match(found.folder_id, /^[0-9a-f-]{36}$/);
  const { read, results, rejected } = found.counters;
  assert.deepEqual({ read, results, rejected }, { read: 5, results: 3, rejected: 2 });
  assert.equal(found.devices, 3);
  assert.deepEqual(found.tenants, [
    { tenant_id: "default", devices: 2 },
    { tenant_id: TENANT, devices: 1 },
  ]);
  const [storage, ...others] = found.sinks;
  assert.deepEqual(others, []);
  assert.deepEqual([storage.sink, storage.waiting, storage.dropped], ["storage", 3, 0]);
  assert.ok(storage.bytes > 0 && Date.parse(storage.oldest) > 0);
  assert.equal(found.journal.rows, 1);
  assert.deepEqual(
    found.dead_letters.map((it: { sink: string; reason: string; count: number }) =>
      `${it.sink} ${it.reason} ${it.count}`
    ),
    ["input device_id 1", "input temperature 1"],
  );
  assert.deepEqual(found.anomalies, { kept: 1, dropped: 0 });
  assert.ok(found.files.some((it: { name: string }) => it.name === "plumbline.db"));
}

Deno.test("in use, killed and stopped: the same contents, and a folder at rest stays as it was", async () => {
  using folder = tempFolder();
  const dir = `${folder.path}/data`;
  await using engine = await startProgram({ env: settings(dir) });
  await post(await engine.ready());
  assertContents(await runCommand(["inspect", dir, "--json"]), true);
  const address = await engine.address();
  assert.equal((await fetch(`${address}/health/live`)).status, 200);
  await engine.kill();

  const killed = await fingerprint(dir);
  assert.ok(killed.some((it) => it.startsWith("plumbline.db-wal ")), "no log was left");
  assertContents(await runCommand(["inspect", "--json"], { DATA_DIR: dir }), false);
  assert.deepEqual(await fingerprint(dir), killed);

  await using again = await startProgram({ env: settings(dir) });
  await again.ready();
  assert.deepEqual(await again.kill("SIGTERM"), { code: 0, signal: null });
  const stopped = await fingerprint(dir);
  assert.ok(!stopped.some((it) => it.startsWith("plumbline.db-wal ")), "a log was left");
  const { stdout, code } = await runCommand(["inspect", dir]);
  assert.equal(code, 0, stdout);
  assert.deepEqual(await fingerprint(dir), stopped);
  assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["data"]);
  assert.match(stdout, /^\S+: at rest\nfolder id \S+\nschema version \d+\nlooked through/);
  assert.match(stdout, /\nSink storage: 3 results wait, 1\.\d KiB, the oldest of 2\S+\n/);
  assert.match(
    stdout,
    /\nDevices: 3 of 2 tenants\n {2}default {2,}2\n {2}te\\u202enant {2}1\n/,
  );
  assert.match(stdout, /\n {2}input {2}device_id {4}1 {2}17 bytes\n/);
  assert.match(stdout, /\nAnomalies: 1\n/);
  assert.match(stdout, /\nNothing is wrong\.\n$/);
});

/** A folder at rest, changed by somebody's hand. */
function changed(dir: string, change: (db: Database.Database) => void): string {
  Deno.mkdirSync(dir);
  const db = new Database(`${dir}/plumbline.db`);
  for (const step of migrations) db.exec(step);
  db.pragma(`user_version = ${migrations.length}`);
  db.exec("INSERT INTO meta (id, folder_id, checkpoint, last_journal_id) VALUES (1, 'f', 0, 0)");
  change(db);
  db.close();
  return dir;
}

Deno.test("what is wrong is told: counters, damage, a mark; other versions are shown as far as they go", async () => {
  using folder = tempFolder();
  const { path } = folder;
  const counters = changed(`${path}/counters`, (db) => {
    db.exec("UPDATE counters SET read = 7, results = 4, dropped = 2");
  });
  const damaged = changed(`${path}/damaged`, (db) => {
    const insert = db.prepare(
      'INSERT INTO dead_letters (id, topic, partition, "offset", time, reason, stored_at, bytes) ' +
        "VALUES (?, '', -1, -1, 0, 'reading: no', 0, randomblob(3000))",
    );
    for (let i = 0; i < 500; i++) insert.run(`id-${i}`);
  });
  Deno.writeTextFileSync(`${damaged}/plumbline.damaged`, "found by a test");
  const size = Deno.statSync(`${damaged}/plumbline.db`).size;
  using file = Deno.openSync(`${damaged}/plumbline.db`, { write: true });
  file.seekSync(size / 2, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(size / 4).fill(255));
  const newer = changed(`${path}/newer`, (db) => db.pragma("user_version = 99"));
  const garbage = `${path}/garbage`;
  Deno.mkdirSync(garbage);
  Deno.writeFileSync(`${garbage}/plumbline.db`, new Uint8Array(4096).fill(1));
  const older = `${path}/older`;
  Deno.mkdirSync(older);
  const db = new Database(`${older}/plumbline.db`);
  db.exec(migrations[0]);
  db.exec("INSERT INTO meta (id, folder_id, checkpoint, last_journal_id) VALUES (1, 'o', 0, 0)");
  db.pragma("user_version = 1");
  db.close();

  const dirs = [counters, damaged, newer, garbage, older, `${path}/nowhere`];
  const found = await Promise.all(dirs.map((dir) => runCommand(["inspect", dir])));
  assert.deepEqual(found.map(({ code }) => code), [1, 1, 0, 1, 0, 1], JSON.stringify(found));
  assert.match(
    found[0].stdout,
    /\n1 thing is wrong:\n.*add up: 7 readings were read, 6 have a place/,
  );
  assert.match(
    found[1].stdout,
    /things are wrong:\n.*marked as damaged .*: found by a test\n {2}damaged: /,
  );
  assert.match(found[1].stdout, /\nCounters\n/);
  assert.match(found[2].stdout, /schema version 99; this program knows \d+ at most: use the one/);
  assert.match(found[3].stdout, /schema can't be read: .*file is not a database/);
  assert.match(
    found[4].stdout,
    /schema version 1; this program's is \d+: the next start brings it/,
  );
  assert.match(
    found[5].stderr,
    /reading \S+nowhere\/plumbline\.db: .*name a data folder, or set DATA_DIR/,
  );
  const unchecked = await runCommand(["inspect", counters, "--no-check", "--json"]);
  assert.equal(JSON.parse(unchecked.stdout).checked, false);
});
