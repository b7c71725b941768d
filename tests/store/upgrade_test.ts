/** Files of older programs, with data, become this program's, and a copy stays. */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { Series } from "../../src/core/series.ts";
import { migrate, migrations } from "../../src/store/migrations.ts";
import { tempFolder } from "../harness/temp.ts";
import { blocksOf, plainAnomalies } from "./anomaly_samples.ts";
import { setAside } from "./damaged_files.ts";
import { counts, now, open, SILENT } from "./samples.ts";

Deno.test("from version 1: dead letters keep their place, refused results get their sink", () => {
  using folder = tempFolder();
  const old = new Database(`${folder.path}/plumbline.db`);
  old.pragma("journal_mode = WAL");
  migrate(old, { steps: migrations.slice(0, 1), now, log: SILENT });
  old.exec(`
    UPDATE counters SET read = 9, results = 7, rejected = 2;
    INSERT INTO dead_letters VALUES
      (3, 'in-0-1', 'in', 0, 1, 5, 'device_id: required', 6, x'00ff'),
      (4, 'in-0-2', 'in', 0, 2, 5, 'reading: a tombstone', 6, NULL),
      (6, 'in-0-3', '', -1, -1, 5, 'larger than the topic''s max.message.bytes', 6, x'7b7d'),
      (9, 'gone', '', -1, -1, 5, 'x', 6, x'00');
    DELETE FROM dead_letters WHERE id = 'gone';
  `);
  old.close();

  const store = open(folder.path);
  const letters = store.deadLetters({ limit: 9 });
  assert.deepEqual(
    letters.map(({ sequence, id, sink, attempts, bytes }) => [sequence, id, sink, attempts, bytes]),
    [
      [3, "in-0-1", "", 0, new Uint8Array([0, 255])],
      [4, "in-0-2", "", 0, null],
      [6, "in-0-3", "output", 1, new Uint8Array([123, 125])],
    ],
  );
  assert.deepEqual(store.deadLetterTotals(), { count: 3, bytes: 4, refused: 1, dropped: 0 });
  assert.deepEqual(store.letters.counts().kept, [
    { sink: "", count: 2, bytes: 2 },
    { sink: "output", count: 1, bytes: 2 },
    { sink: "storage", count: 0, bytes: 0 },
  ]);
  assert.deepEqual(store.counters(), counts({ read: 9, results: 7, rejected: 2 }));
  const { topic, partition, offset, time, reason, storedAt } = letters[0];
  assert.deepEqual(
    [topic, partition, offset, time, reason, storedAt],
    ["in", 0, 1, 5, "device_id: required", 6],
  );
  store.transact((tx) => tx.reject({ ...letters[0], id: "new" }));
  assert.equal(store.deadLetters({ after: 6, limit: 1 })[0].sequence, 10, "9 was used before");
  store.close();

  const [copy] = [...Deno.readDirSync(folder.path)].filter(({ name }) => name.endsWith(".bak"));
  assert.match(copy.name, /^plumbline\.db\.v1\./);
  const backup = new Database(`${folder.path}/${copy.name}`, { readonly: true });
  assert.equal(backup.pragma("user_version", { simple: true }), 1);
  assert.equal(backup.prepare("SELECT count(*) FROM dead_letters").pluck().get(), 3);
  backup.close();
});

Deno.test("an empty file of version 1 counts its letters from 1", () => {
  using folder = tempFolder();
  const old = new Database(`${folder.path}/plumbline.db`);
  migrate(old, { steps: migrations.slice(0, 1), now, log: SILENT });
  old.close();
  const store = open(folder.path);
  assert.deepEqual(store.deadLetterTotals(), { count: 0, bytes: 0, refused: 0, dropped: 0 });
  store.close();
});

Deno.test("a journal that is older than its stretches is counted once, and right from then on", () => {
  using folder = tempFolder();
  const old = new Database(`${folder.path}/plumbline.db`);
  const before = migrations.findIndex((step) => step.includes("CREATE TABLE journal_stretches"));
  migrate(old, { steps: migrations.slice(0, before), now, log: SILENT });
  old.exec(`
    INSERT INTO meta (id, folder_id, checkpoint, last_journal_id) VALUES (1, 'f', 0, 0);
    WITH RECURSIVE ids(id) AS (SELECT 5 UNION ALL SELECT id + 1 FROM ids WHERE id < 104)
    INSERT INTO journal SELECT id, 'output', 0, 0, 1, 2, 7, 2 * id, zeroblob(1000) FROM ids;
  `);
  old.close();
  const store = open(folder.path);
  assert.deepEqual(store.journal.size(), { rows: 100, bytes: 100_000 });
  assert.equal(store.journal.outputTopic(), undefined);
  assert.deepEqual(store.resultsDropped(), { output: 0, storage: 0 });
  store.transact((tx) => tx.prune(10));
  store.close();
  const again = open(folder.path);
  assert.deepEqual(again.journal.size(), { rows: 94, bytes: 94_000 });
  assert.deepEqual(again.journal.sizeFrom(11), { rows: 94, bytes: 94_000 });
  again.close();
});

Deno.test("what jumps have skipped is counted as far as they are kept", () => {
  using folder = tempFolder();
  const old = new Database(`${folder.path}/plumbline.db`);
  const before = migrations.findIndex((step) => step.includes("ADD COLUMN skipped"));
  migrate(old, { steps: migrations.slice(0, before), now, log: SILENT });
  old.exec(`
    INSERT INTO position_jump_counts VALUES ('first start', 1), ('offset out of range', 3);
    INSERT INTO position_jumps VALUES
      (1, 5, 'c', 'i', 't', 0, NULL, 7, 'first start'),
      (2, 5, 'c', 'i', 't', 0, 10, 60, 'offset out of range'),
      (3, 5, 'c', 'i', 't', 0, 60, 5, 'offset out of range'),
      (4, 5, 'c', 'i', 't', 0, 5, 9, 'offset out of range');
  `);
  old.close();
  const store = open(folder.path);
  assert.equal(store.skippedRecords(), 54);
  assert.deepEqual([...store.jumps()], [["first start", 1], ["offset out of range", 3]]);
  store.close();
});

Deno.test("a folder from before anomalies were kept opens, and keeps them from then on", () => {
  using folder = tempFolder();
  const old = new Database(`${folder.path}/plumbline.db`);
  const before = migrations.findIndex((step) => step.includes("CREATE TABLE anomalies"));
  migrate(old, { steps: migrations.slice(0, before), now, log: SILENT });
  old.exec("UPDATE counters SET read = 9, results = 9");
  old.close();
  const store = open(folder.path);
  assert.deepEqual(store.counters(), counts({ read: 9, results: 9 }));
  assert.deepEqual(store.anomalies.counts(), { kept: 0, dropped: 0 });
  const blocks = blocksOf([{}, {}], { time: now() });
  store.transact((tx) => tx.keepAnomalies(blocks));
  assert.deepEqual(
    store.anomalies.page({ limit: 9, filter: {} }).anomalies,
    plainAnomalies(blocks).reverse(),
  );
  store.close();
});

/** A folder of before devices had their last score, with two of them. */
function oldDevices(dir: string): void {
  const old = new Database(`${dir}/plumbline.db`);
  old.pragma("page_size = 16384");
  old.pragma("journal_mode = WAL");
  const before = migrations.findIndex((step) => step.includes("last_score"));
  migrate(old, { steps: migrations.slice(0, before), now, log: SILENT });
  old.exec(`INSERT INTO meta (id, folder_id, checkpoint, last_journal_id) VALUES (1, 'f', 0, 0)`);
  const save = old.prepare(`
    INSERT INTO devices (
      tenant_id, device_id, last_seen, last_seen_ms, journal_id,
      temperature_count, temperature_sum, temperature_min, temperature_max,
      humidity_count, humidity_sum, humidity_min, humidity_max,
      temperature_exact, temperature_window, humidity_exact, humidity_window
    ) VALUES ('t', ?, '2026-01-01T00:00:00Z', 5, 3, 2, 6, 2, 4, 0, 0, NULL, NULL, ?, ?, ?, ?)`);
  const temperature = new Series(9), humidity = new Series(9);
  temperature.push(2, 1);
  temperature.push(4, 2);
  const [{ exact, window }, none] = [temperature.toState(), humidity.toState()];
  for (const device of ["b", "a"]) save.run(device, exact, window, none.exact, none.window);
  old.close();
}

function checkDevices(store: ReturnType<typeof open>): void {
  for (const device of ["a", "b"]) {
    const found = store.devices.load("t", device)!;
    const { lastSeen, lastSeenMs, results, lastProcessed, lastScore, journalId } = found;
    assert.deepEqual(
      [lastSeen, lastSeenMs, results, lastProcessed, lastScore, journalId],
      ["2026-01-01T00:00:00Z", 5, 0, null, null, 3],
    );
    assert.deepEqual(Series.fromState(found.temperature, 9).window.values(), [2, 4]);
  }
  assert.deepEqual(store.devices.summaries(0, 9).map(({ device }) => device), ["b", "a"]);
  assert.deepEqual(store.devices.tenantsOf("a"), ["t"]);
}

Deno.test("devices of before their last score was kept are as they were, and don't know it", () => {
  using folder = tempFolder();
  oldDevices(folder.path);
  const store = open(folder.path);
  checkDevices(store);
  store.close();
});

Deno.test("a damaged file of an older schema is salvaged, too", () => {
  using folder = tempFolder();
  oldDevices(folder.path);
  Deno.writeTextFileSync(`${folder.path}/plumbline.damaged`, "as a test says");
  const store = open(folder.path);
  checkDevices(store);
  assert.equal(store.positions.folderId, "f");
  const blocks = blocksOf([{}], { time: now() });
  store.transact((tx) => tx.keepAnomalies(blocks));
  assert.equal(store.anomalies.counts().kept, 1);
  store.close();
  assert.equal(setAside(folder.path).length > 0, true);
});
