/**
 * Dead letters of all three kinds, thousands of them, replayed under load while the engine is killed
 * again and again: each reading becomes a result once, the output topic has each once, the storage
 * service all of them. KILL_SEED repeats a run's delays.
 */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { broker, createTopic, produce, readTopic, topicName } from "../harness/kafka.ts";
import { type Program, startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { open } from "../store/samples.ts";
import { seededRandom } from "./load.ts";
import { setMaxMessageBytes } from "../harness/topic_config.ts";

const KILLS = 8;
const LONG = 1500, REFUSED = 1500, WIDE = 60, PLAIN = 500;
/** Results of wide readings are larger, those of others aren't. */
const SMALL_TOPIC = 1000;
const LATER = 4000;

function storageService() {
  const state = { refuses: true, ids: new Set<string>() };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { device_id: device, id } = await request.json();
    if (state.refuses && device.startsWith("refused")) return new Response("", { status: 422 });
    state.ids.add(id);
    return Response.json({});
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return { state, url, [Symbol.asyncDispose]: () => server.shutdown() };
}

function reading(kind: string, i: number): string {
  const head = `"device_id":"${kind}-${i % 50}","temperature":${i % 30}`;
  if (kind === "long") return `{${head},"note":"${"x".repeat(2000)}"}`;
  if (kind !== "wide") return `{${head}}`;
  const metrics = Array.from({ length: 16 }, (_, n) => `"a-metric-${n}":${n}`);
  return `{${head},"metrics":{${metrics.join()}}}`;
}

interface Counts {
  read: number;
  kept: { input: number; output: number; storage: number };
  gone: number;
  /** What waits for the sinks, and for the copy of the letters. */
  behind: number;
}

/** What the engine says of itself. */
async function counts(address: string): Promise<Counts> {
  const text = await (await fetch(`${address}/metrics`)).text();
  const value = (name: string) => {
    const line = text.split("\n").find((line) => line.startsWith(`${name} `));
    return line === undefined ? 0 : Number(line.slice(name.length + 1));
  };
  const kept = (sink: string) => value(`plumbline_dead_letters_kept{sink="${sink}"}`);
  return {
    read: value("plumbline_readings_read_total"),
    kept: { input: kept("input"), output: kept("output"), storage: kept("storage") },
    gone: value('plumbline_dead_letters_gone_total{how="replayed"}'),
    behind: value('plumbline_backlog_rows{sink="output"}') +
      value('plumbline_backlog_rows{sink="storage"}') + value("plumbline_dead_letter_copy_behind"),
  };
}

/** Throws, with the engine's last lines, where it takes longer than two minutes. */
async function until(program: Program, holds: (now: Counts) => boolean): Promise<Counts> {
  const address = await program.ready();
  for (const deadline = Date.now() + 120_000;;) {
    const now = await counts(address);
    if (holds(now)) return now;
    if (Date.now() > deadline) {
      throw new Error(
        `Two minutes: ${JSON.stringify(now)}\n${program.lines.slice(-20).join("\n")}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Resolves when a replay has replayed some, or has been answered. */
async function replaying(
  dir: string,
  { over, replay }: { over: number; replay: Promise<unknown> },
): Promise<void> {
  const db = new Database(`${dir}/plumbline.db`, { readonly: true });
  const replayed = db.prepare("SELECT dead_letters_replayed FROM counters").pluck();
  let answered = false;
  void replay.then(() => answered = true);
  while (!answered && replayed.get() === over) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  db.close();
}

Deno.test("replays that are killed again and again: nothing lost, nothing twice", async () => {
  const seed = Number(Deno.env.get("KILL_SEED") ?? Math.floor(Math.random() * 2 ** 32));
  console.log(`KILL_SEED=${seed}`);
  const random = seededRandom(seed);
  await using storage = storageService();
  const input = await createTopic({ name: topicName("replay-in"), partitions: 2 });
  const dead = await createTopic({ name: topicName("replay-dead"), partitions: 2 });
  const output = await createTopic({
    name: topicName("replay-out"),
    partitions: 2,
    config: { "max.message.bytes": SMALL_TOPIC },
  });
  using folder = tempFolder();
  const start = (env: Record<string, string>) =>
    startProgram({
      env: {
        KAFKA_BROKER: broker(),
        INPUT_TOPIC: input,
        OUTPUT_TOPIC: output,
        CONSUMER_GROUP: output,
        STORAGE_SERVICE_URL: storage.url,
        DEAD_LETTER_TOPIC: dead,
        DATA_DIR: folder.path,
        ...env,
      },
    });

  const kinds = Object.entries({ long: LONG, refused: REFUSED, wide: WIDE, plain: PLAIN });
  // Mixed: a storage service that stores nothing in between would be left alone for a while.
  const first = kinds.flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, i) => ({ at: i / count, value: reading(kind, i) }))
  ).sort((a, b) => a.at - b.at);
  await produce(input, first.map(({ value }) => ({ value })));
  {
    await using engine = await start({ MAX_READING_BYTES: "1KiB" });
    await until(
      engine,
      ({ kept, behind }) =>
        kept.input === LONG && kept.output === WIDE && kept.storage === REFUSED && behind === 0,
    );
    await engine.kill();
  }

  // All that made letters of them is over.
  storage.state.refuses = false;
  await setMaxMessageBytes(output, 1_048_588);
  const later = Array.from({ length: LATER }, (_, i) => ({ value: reading("plain", i) }));
  const pouring = (async () => {
    for (let i = 0; i < LATER; i += 100) await produce(input, later.slice(i, i + 100));
  })();

  const env = { MAX_READING_BYTES: "1MiB" };
  let midway = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    await using engine = await start(env);
    const address = await engine.ready();
    const before = await counts(address);
    const body = JSON.stringify({ filter: {} });
    const replay = fetch(`${address}/api/dead-letters/replay`, { method: "POST", body })
      .then((response) => response.text(), () => "killed");
    // Any moment after its first slice.
    await replaying(folder.path, { over: before.gone, replay });
    await new Promise((resolve) => setTimeout(resolve, random() * 15));
    await engine.kill();
    await replay;
    const store = open(folder.path);
    const { kept, replayed } = store.letters.counts();
    const left = kept.reduce((sum, { count }) => sum + count, 0);
    store.close();
    if (replayed > before.gone && left > 0) midway++;
    if (left === 0) break;
  }
  await pouring;
  await using engine = await start(env);
  const address = await engine.ready();
  const body = JSON.stringify({ filter: {} });
  await (await fetch(`${address}/api/dead-letters/replay`, { method: "POST", body })).body
    ?.cancel();
  const all = LONG + REFUSED + WIDE + PLAIN + LATER;
  // Each long reading was read twice.
  await until(
    engine,
    ({ read, kept, behind }) =>
      read === all + LONG && kept.input + kept.output + kept.storage === 0 && behind === 0,
  );
  assert.deepEqual(await engine.kill("SIGTERM"), { code: 0, signal: null });

  const store = open(folder.path);
  assert.deepEqual(store.counters(), {
    read: all + LONG,
    results: all,
    rejected: LONG,
    sampledOut: 0,
    dropped: 0,
    passedOn: 0,
  });
  assert.equal(store.letters.counts().replayed, LONG + REFUSED + WIDE);
  store.close();
  const expected = (await readTopic(input)).map(({ partition, offset }) =>
    `${input}-${partition}-${offset}`
  ).sort();
  const sent = (await readTopic(output)).map(({ value }) => JSON.parse(String(value)).id).sort();
  assert.equal(sent.length, all);
  assert.deepEqual(sent, expected);
  assert.deepEqual([...storage.state.ids].sort(), expected);
  const copies = (await readTopic(dead)).map(({ headers }) => `${headers.sink} ${headers.id}`);
  assert.equal(new Set(copies).size, LONG + REFUSED + WIDE);
  assert.ok(midway > 1, `${midway} kills hit a replay`);
  console.log(`${midway} kills in the middle of a replay`);
});
