/** The engine as a process whose database goes bad: at the start, and while it runs. Never a crash loop. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import Database from "better-sqlite3";
import { type Program, startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { garbage, overwrite, setAside } from "../store/damaged_files.ts";
import { makeLoad, seededRandom, take, Writer } from "./load.ts";
import { makeRoad } from "./road.ts";
import { StorageStandIn } from "./stored.ts";

const PAGE = 16384;

/** Readings of so many devices, all taken. */
async function send(address: string, devices: number): Promise<void> {
  const lines = Array.from({ length: devices }, (_, i) => `{"device_id":"d${i}","temperature":20}`);
  const response = await fetch(`${address}/api/data`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: lines.join("\n"),
  });
  assert.equal(response.status, 200, await response.text());
}

async function statsOf(address: string) {
  return (await (await fetch(`${address}/api/stats?limit=1`)).json()).data;
}

/** The messages at this level. */
function told(program: Program, level: string): string[] {
  return program.lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line))
    .filter((line) => line.level === level).map(({ message }) => message);
}

Deno.test("damage that shows while it runs: the engine stops and says why; the next start takes over what is whole", async () => {
  using folder = tempFolder();
  const env = { KAFKA_ENABLED: "false", DATA_DIR: folder.path, FLEET_MAX_BYTES: "1MiB" };
  const file = `${folder.path}/plumbline.db`;
  {
    await using program = await startProgram({ env });
    const address = await program.ready();
    await send(address, 3000);
    // Another connection's write makes the engine look at the file again instead of its cache.
    const other = new Database(file);
    other.exec("UPDATE meta SET checkpoint = checkpoint");
    other.pragma("wal_checkpoint(TRUNCATE)");
    const pages = other.prepare("SELECT count(*) FROM devices").pluck().get() as number;
    assert.equal(pages, 3000);
    const [{ rootpage }] = other.prepare(
      "SELECT rootpage FROM sqlite_schema WHERE name = 'devices'",
    ).all() as { rootpage: number }[];
    other.close();
    overwrite(file, { from: (rootpage - 1) * PAGE, bytes: garbage(PAGE) });
    // Some of these devices are on the disk only.
    const answers = await Promise.all(
      Array.from(
        { length: 20 },
        (_, i) =>
          fetch(`${address}/api/stats/device/d${i}`).then(async (it) => {
            await it.body?.cancel();
            return it.status;
          }, () => 0),
      ),
    );
    assert.ok(answers.includes(503), String(answers));
    assert.deepEqual(await program.exited, { code: 1, signal: null });
    assert.match(told(program, "error").join("\n"), /the engine can't go on/);
    assert.match(program.stdout, /start it again: the damaged file is set aside/);
    assert.doesNotMatch(program.stdout, /this is a defect/);
  }
  let count: number;
  {
    await using program = await startProgram({ env });
    const address = await program.ready();
    assert.match(program.stdout, /the database is damaged: it is set aside/);
    assert.equal(setAside(folder.path).filter((name) => name.endsWith("Z")).length, 1);
    count = (await statsOf(address)).temperature.count;
    assert.equal(count, 3000, "the global statistics and the counters stand in other pages");
    await send(address, 10);
    await program.kill("SIGKILL");
  }
  await using program = await startProgram({ env });
  const address = await program.ready();
  assert.equal((await statsOf(address)).temperature.count, count + 10);
  assert.deepEqual(told(program, "error"), []);
  assert.equal((await program.kill("SIGTERM")).code, 0);
});

for (const start of ["committed", "earliest"]) {
  Deno.test(`a file that is garbage from its first page on, with Kafka: it goes on at ${start}`, async () => {
    await using road = await makeRoad({ name: `damaged-${start}`, partitions: 2 });
    await using writer = new Writer(road.input);
    await writer.connect();
    const load = makeLoad({ devices: 50, random: seededRandom(7) });
    await writer.send(take(load, 3000));
    await road.start();
    await road.drained();
    const before = await road.size(road.output);
    assert.equal((await road.program.kill("SIGTERM")).code, 0);
    overwrite(road.storeFile, { from: 0, bytes: garbage(2 * PAGE) });
    await writer.send(take(load, 1000));

    const program = await road.start({ DAMAGED_START: start });
    const wanted = start === "earliest" ? 4000 : 1000;
    await program.line("plumbline is running");
    const { results } = await road.until(({ read, results }) => read >= wanted && results > 0);
    await road.until((_, sent) => sent >= before + results);
    assert.equal(road.counters().read, wanted);
    assert.match(program.stdout, /nothing could be taken over from the damaged database/);
    const { output } = await road.records();
    const ids = output.map(({ headers }) =>
      new TextDecoder().decode(headers.find(([name]) => name === "id")![1]!)
    );
    // Read again a result has the id that it had: whoever needs each once can tell.
    const distinct = new Set(ids).size;
    assert.equal(distinct, start === "earliest" ? results : before + results);
    assert.equal(ids.length, before + results);
    assert.equal((await program.kill("SIGTERM")).code, 0);
    // Nothing is left over for the start after that.
    const again = await road.start({ DAMAGED_START: start });
    await again.ready("/health/ready");
    assert.equal(road.counters().read, wanted);
    assert.deepEqual(told(again, "error"), []);
  });
}

Deno.test("a damaged page under unsent results: what is whole arrives, the rest is told as offsets", async () => {
  await using storage = new StorageStandIn();
  storage.mood = "fails";
  await using road = await makeRoad({
    name: "damaged-journal",
    partitions: 1,
    env: { STORAGE_SERVICE_URL: storage.url, STORAGE_CONCURRENCY: "64" },
  });
  await using writer = new Writer(road.input);
  await writer.connect();
  const load = makeLoad({ devices: 50, random: seededRandom(8) });
  await road.start();
  for (let batch = 0; batch < 5; batch++) {
    await writer.send(take(load, 1000));
    await road.drained();
  }
  assert.equal((await road.program.kill("SIGTERM")).code, 0);
  damageMiddleRow(road.storeFile);

  // The sink comes upon it: the engine ends, and what starts it again has a folder that works.
  storage.mood = "stores";
  const first = await road.start();
  assert.deepEqual(await first.exited, { code: 1, signal: null });
  const program = await road.start();
  const line = JSON.parse(await program.line("a part of the damaged database"));
  const [lost] = line.resultsLost;
  assert.equal(lost.readings, `${road.input}-0-`);
  assert.ok(lost.from > 0 && lost.to < 4999 && lost.to > lost.from, JSON.stringify(lost));
  assert.ok(lost.to - lost.from <= 2000, JSON.stringify(lost));
  await program.ready("/health/live");
  await writer.send(take(load, 500));
  await road.until(({ read, results }, sent) => read >= 5500 && sent >= results);
  const { output } = await road.records();
  const ids = output.map(({ headers }) =>
    new TextDecoder().decode(headers.find(([name]) => name === "id")![1]!)
  );
  assert.equal(new Set(ids).size, ids.length, "the output topic had them: nothing comes twice");
  const offset = (id: string) => Number(id.split("-").at(-1));
  const outside = ids.filter((id) => offset(id) < lost.from || offset(id) > lost.to);
  const stored = () => new Set(storage.posts.map(({ id }) => id));
  await storage.until(() => stored().size >= outside.length);
  const arrived = stored();
  assert.deepEqual(outside.filter((id) => !arrived.has(id)), []);
  assert.equal((await program.kill("SIGTERM")).code, 0);
});

/** Garbage in a page that holds the middle of the journal's middle row. */
function damageMiddleRow(path: string): void {
  const db = new Database(path, { readonly: true });
  const { body } = db.prepare(
    "SELECT body FROM journal ORDER BY id LIMIT 1 OFFSET (SELECT count(*) / 2 FROM journal)",
  ).get() as { body: Uint8Array };
  db.close();
  const middle = body.length >> 1;
  const place = Buffer.from(Deno.readFileSync(path)).indexOf(body.subarray(middle, middle + 64));
  assert.ok(place > 0);
  overwrite(path, { from: place - place % PAGE, bytes: garbage(PAGE) });
}
