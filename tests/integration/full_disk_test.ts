/** The engine as a process on a disk that fills: it pauses, says so, and goes on by itself. */
import assert from "node:assert/strict";
import { type Program, startProgram } from "../harness/process.ts";
import { fileLimit, liftFileLimit, smallDisk } from "../harness/small_disk.ts";
import { tempFolder } from "../harness/temp.ts";
import { makeLoad, pour, seededRandom, Writer } from "./load.ts";
import { makeRoad } from "./road.ts";
import { StorageStandIn } from "./stored.ts";

const MIB = 1024 ** 2;
/** One request: about 1.5 MB of journal. */
const BATCH = 3000;

/** Posts numbered readings of a hundred devices, counted as they are taken. */
class Sender {
  readonly #address: string;
  taken = 0;

  constructor(address: string) {
    this.#address = address;
  }

  /** The answer's status; nothing or everything was taken. */
  async send(count = BATCH): Promise<{ status: number; message: string }> {
    const lines = Array.from({ length: count }, (_, i) => {
      const number = this.taken + i;
      return `{"device_id":"d${number % 100}","temperature":${number / 1000}}`;
    });
    const response = await fetch(`${this.#address}/api/data`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: lines.join("\n"),
    });
    const { message = "" } = await response.json();
    if (response.status === 200) this.taken += count;
    return { status: response.status, message };
  }

  /** Until nothing more is taken; the message says why. */
  async fill(): Promise<string> {
    for (let requests = 0; requests < 200; requests++) {
      const { status, message } = await this.send();
      if (status === 200) continue;
      assert.equal(status, 503, message);
      return message;
    }
    throw new Error(`the disk never filled: ${this.taken} readings`);
  }

  /** Until readings are taken again. */
  async again(): Promise<void> {
    for (const late = AbortSignal.timeout(60_000); !late.aborted;) {
      if ((await this.send(1)).status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("nothing is taken a minute after there was room");
  }
}

async function ready(address: string): Promise<{ status: number; store?: string }> {
  const response = await fetch(`${address}/health/ready`);
  const { failed } = await response.json();
  return { status: response.status, store: failed?.store };
}

/** What readiness says of the store while readings come that it can't take: small writes may fit in between. */
async function whileRefusing(sender: Sender, address: string): Promise<string> {
  for (const late = AbortSignal.timeout(60_000); !late.aborted;) {
    let answered = false;
    const sent = sender.send().finally(() => answered = true);
    let store: string | undefined;
    while (!answered && store === undefined) store = (await ready(address)).store;
    await sent;
    if (store !== undefined) return store;
  }
  throw new Error("readiness said nothing of the store for a minute");
}

async function assertAlive(address: string): Promise<void> {
  const response = await fetch(`${address}/health/live`);
  assert.equal(response.status, 200, await response.text());
}

/** Every reading that was taken is in the statistics, once; `program` is started anew for that. */
async function assertCounted(program: Program, taken: number): Promise<void> {
  const address = await program.address();
  const { data, processing } = await (await fetch(`${address}/api/stats?limit=1`)).json();
  assert.equal(data.temperature.count, taken);
  assert.equal(processing.messages_processed, taken);
  // A part of the sum for each reading: none is there twice in place of another.
  assert.equal(data.temperature.sum, Number((taken * (taken - 1) / 2000).toFixed(3)));
}

Deno.test("a backlog fills the disk: reading pauses; the sink comes back, and it goes on by itself", async () => {
  using folder = tempFolder();
  await using disk = await smallDisk(folder.path, 24);
  await using storage = new StorageStandIn();
  storage.mood = "fails";
  const env = {
    KAFKA_ENABLED: "false",
    DATA_DIR: folder.path,
    STORAGE_SERVICE_URL: storage.url,
    STORAGE_CONCURRENCY: "64",
  };
  const under = disk === undefined ? fileLimit(12_000) : [];
  await using program = await startProgram({ env, under });
  const address = await program.ready("/health/live");
  const sender = new Sender(address);
  const message = await sender.fill();
  assert.ok(sender.taken > BATCH, `${sender.taken} taken`);
  assert.match(message, /^taking readings: .*; nothing was taken$/);
  const failing = await ready(address);
  assert.equal(failing.status, 503);
  assert.match(failing.store!, disk === undefined ? /can't be written/ : /nearly full: \d+ bytes/);
  await assertAlive(address);
  assert.equal((await fetch(`${address}/api/stats`).then((it) => it.json())).status, "ok");
  storage.mood = "stores";
  // Without a file system of its own the room must come from outside.
  if (disk === undefined) await liftFileLimit(program.pid);
  await sender.again();
  await storage.until(() => storage.posts.length >= sender.taken);
  assert.equal((await ready(address)).status, 200);
  await assertCounted(program, sender.taken);
  assert.equal(new Set(storage.posts.map(({ id }) => id)).size, sender.taken);
  assert.deepEqual(storage.faults, []);
  assert.deepEqual(await program.kill("SIGTERM"), { code: 0, signal: null });
  const told = program.lines.filter((line) =>
    /"level":"error"/.test(line) && /disk|store/.test(line)
  );
  assert.equal(told.filter((line) => /pauses/.test(line)).length, 1, told.join("\n"));
});

Deno.test("files that can't grow: unavailable, nothing taken is lost, and on when they can", async () => {
  using folder = tempFolder();
  const env = {
    KAFKA_ENABLED: "false",
    DATA_DIR: folder.path,
    STORAGE_SERVICE_URL: "http://127.0.0.1:1",
  };
  let taken: number;
  {
    await using program = await startProgram({ env, under: fileLimit(6_000) });
    const address = await program.ready("/health/live");
    const sender = new Sender(address);
    await sender.fill();
    assert.match(await whileRefusing(sender, address), /can't be written since/);
    await assertAlive(address);
    await liftFileLimit(program.pid);
    await sender.again();
    assert.equal((await ready(address)).store, undefined);
    taken = sender.taken;
    await program.kill("SIGKILL");
  }
  await using program = await startProgram({ env });
  await program.ready("/health/live");
  await assertCounted(program, taken);
});

Deno.test("a start on a full disk: alive, not ready, the true reason, and it begins when there is room", async () => {
  using folder = tempFolder();
  await using disk = await smallDisk(folder.path, 16);
  const env = { KAFKA_ENABLED: "false", DATA_DIR: folder.path };
  let taken: number;
  {
    await using program = await startProgram({ env });
    const sender = new Sender(await program.ready());
    await sender.send();
    taken = sender.taken;
    assert.equal((await program.kill("SIGTERM")).code, 0);
  }
  disk?.fill(0);
  // Even the shared memory of the write-ahead log has no room.
  await using program = await startProgram({ env, under: disk === undefined ? fileLimit(8) : [] });
  const address = await program.ready("/health/live");
  const waiting = await ready(address);
  assert.equal(waiting.status, 503);
  assert.match(waiting.store!, /^opening the data folder .*: the disk is full: /);
  const refused = await fetch(`${address}/api/data`, { method: "POST", body: '{"device_id":"d"}' });
  assert.equal(refused.status, 503);
  assert.match((await refused.json()).message, /the disk is full/);
  if (disk === undefined) await liftFileLimit(program.pid);
  else disk.free();
  await program.line("plumbline is running");
  assert.equal((await ready(address)).status, 200);
  await assertCounted(program, taken);
  await new Sender(address).again();
  assert.deepEqual(await program.kill("SIGTERM"), { code: 0, signal: null });
});

Deno.test("a start on a full disk that is stopped before there was room", async () => {
  using folder = tempFolder();
  await using disk = await smallDisk(folder.path, 16);
  disk?.fill(0);
  const env = { KAFKA_ENABLED: "false", DATA_DIR: folder.path };
  await using program = await startProgram({ env, under: disk === undefined ? fileLimit(8) : [] });
  assert.equal((await ready(await program.ready("/health/live"))).status, 503);
  assert.deepEqual(await program.kill("SIGTERM"), { code: 0, signal: null });
});

Deno.test("with Kafka: the disk fills under load, Kafka keeps the rest, and every result comes once", async () => {
  await using road = await makeRoad({ name: "full-disk" });
  const dir = road.storeFile.replace(/\/[^/]*$/, "");
  await using disk = await smallDisk(dir, 64);
  await using writer = new Writer(road.input);
  await writer.connect();
  const load = makeLoad({ devices: 300, random: seededRandom(5) });
  const pouring = pour(load, { writer, perSecond: 4000, random: seededRandom(6) });
  await using _ = { [Symbol.asyncDispose]: () => pouring.stop() };
  const under = disk === undefined ? fileLimit(8_000) : [];
  const program = await road.start({}, { under });
  const address = await program.ready("/health/ready");
  await road.until(({ read }) => read > 5000);
  disk?.fill(MIB);
  await program.line((line) => /reading pauses until/.test(line));
  assert.match((await ready(address)).store!, /nearly full|can't be written/);
  await assertAlive(address);
  const before = await road.size(road.input);
  while (await road.size(road.input) < before + 10_000) {
    await new Promise((go) => setTimeout(go, 20));
  }
  assert.ok(road.counters().read < before + 10_000, "it read on without room");
  if (disk === undefined) await liftFileLimit(program.pid);
  else disk.free();
  await program.line((line) => /room on the disk again|can be written again/.test(line));
  await pouring.stop();
  await road.assertRight();
});
