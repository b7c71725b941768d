/** A backup made under load, the engine killed later, the backup restored: what comes of every reading. */
import assert from "node:assert/strict";
import { describe } from "../oracle/findings.ts";
import { checkApi } from "../oracle/api.ts";
import { DEFAULT_SETTINGS } from "../oracle/expectation.ts";
import type { OutputRecord } from "../oracle/records.ts";
import { checkResults } from "../oracle/results.ts";
import { checkStore, readCounters, readStore } from "../oracle/store.ts";
import { topicOffsets } from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { runCommand } from "../commands/command.ts";
import { LOAD_TENANTS, makeLoad, pour, seededRandom, Writer } from "./load.ts";
import { makeRoad } from "./road.ts";

const PARTITIONS = 4;
const MORE = 20_000;

function metric(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
}

/** The last record of every id, in the order of the log. */
function lastOfEach(output: readonly OutputRecord[]): OutputRecord[] {
  const byId = new Map<string, OutputRecord>();
  for (const record of output) {
    const id = new TextDecoder().decode(record.headers[0][1] as Uint8Array);
    byId.delete(id);
    byId.set(id, record);
  }
  return [...byId.values()];
}

Deno.test("restored after a kill: nothing is lost, and comes twice what came since the backup", async () => {
  using folder = tempFolder("backup-");
  const tenants = `${folder.path}/tenants.json`;
  Deno.writeTextFileSync(tenants, JSON.stringify(LOAD_TENANTS));
  await using road = await makeRoad({
    name: "backup",
    partitions: PARTITIONS,
    env: { TENANTS_FILE: tenants },
  });
  await using writer = new Writer(road.input);
  await writer.connect();
  const pouring = pour(makeLoad({ devices: 500, random: seededRandom(1) }), {
    writer,
    perSecond: 4_000,
    random: seededRandom(2),
  });
  await road.start();
  await road.until(({ read }) => read > MORE);

  const dir = road.storeFile.replace(/\/plumbline\.db$/, "");
  const file = `${folder.path}/plumbline.db`;
  const before = road.counters().read;
  const made = await runCommand(["backup", file, "--json"], { DATA_DIR: dir });
  assert.equal(made.code, 0, made.stderr);
  const backup = JSON.parse(made.stdout);
  assert.equal(backup.in_use, true);
  assert.ok(backup.read >= before && backup.read <= road.counters().read);
  const sentByThen = readStore(
    file,
    (db) => db.prepare("SELECT coalesce(sum(acknowledged), 0) FROM lanes").pluck().get() as number,
  );
  // It goes on, and further than the copy.
  await road.until(({ read }, sent) => read > backup.read + MORE && sent > sentByThen + MORE);
  await road.program.kill();
  const sent = await road.size(road.output);
  assert.ok(readCounters(road.storeFile).read > backup.read + MORE);

  // As docs/commands.md says: the file, as plumbline.db, in a folder of its own.
  const engine = await road.start({ DATA_DIR: folder.path });
  const older = JSON.parse(await engine.line("it is an older copy, read again"));
  assert.ok(older.partitions.length > 0);
  await pouring.stop();
  const total = await road.size(road.input);
  const address = await engine.ready("/health/ready");
  await road.until(() => {
    const { read } = readCounters(file);
    return read >= total;
  });
  const page = async () => await (await fetch(`${address}/metrics`)).text();
  for (;;) {
    const text = await page();
    if (metric(text, 'plumbline_backlog_rows{sink="output"}') === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const text = await page();
  assert.equal(metric(text, "plumbline_older_folder_total"), older.partitions.length);
  assert.ok(metric(text, "plumbline_output_older_folder_total") > 0);

  const { input, output } = await road.records();
  const circumstances = {
    topic: road.input,
    outputPartitions: PARTITIONS,
    settings: { ...DEFAULT_SETTINGS, tenants: LOAD_TENANTS },
  };
  const { findings, duplicates } = checkResults(input, output, circumstances);
  const others = findings.list().filter(({ kind }) => kind !== "id twice");
  assert.equal(describe(others), "");
  // The state is what the later results say: a reading without a time of its own has that of its reading.
  const later = checkResults(input, lastOfEach(output), circumstances);
  const ends = new Map(
    [...await topicOffsets(road.input)].map(([partition, { high }]) => [partition, high] as const),
  );
  checkStore(file, { topic: road.input, ends, ...later });
  await checkApi(address, later);
  assert.equal(describe(later.findings.list()), "");
  const { read } = later.expectation;
  console.log(
    `${read} readings; ${duplicates} results twice, ${sent - sentByThen} since the backup`,
  );
  assert.ok(duplicates > 0, "the engine had sent nothing after its backup");
  assert.ok(duplicates <= sent - sentByThen, `${duplicates} results came twice`);
  assert.deepEqual(await engine.kill("SIGTERM"), { code: 0, signal: null });
});
