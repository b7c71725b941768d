/** Dead letters copied to a topic: a real store, a real broker. */
import assert from "node:assert/strict";
import { DeadLetterTopic } from "../../src/kafka/dead_letter_topic.ts";
import { settleLetterCopy, StoreLetterCopyFeed } from "../../src/pipeline/letter_copy.ts";
import { type Rejected, StoreUnavailable } from "../../src/pipeline/ports.ts";
import { startBroker } from "../../tools/broker.ts";
import { broker, createTopic, type ReadRecord, readTopic, topicName } from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { open } from "../store/samples.ts";

const encoder = new TextEncoder();
const STALLED_MS = 30_000;

interface Line {
  level: string;
  message: string;
  fields: Record<string, unknown>;
}

/** A store with a copy that is switched on, and whoever sends it. */
function rig(topic: string, { bootstrap = broker(), dir }: { bootstrap?: string; dir: string }) {
  const store = open(dir);
  settleLetterCopy(store, { on: true });
  const lines: Line[] = [];
  const at = (level: string) => (message: string, fields: Record<string, unknown> = {}) =>
    void lines.push({ level, message, fields });
  const log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  const feed = new StoreLetterCopyFeed(store);
  const copy = new DeadLetterTopic({
    brokers: [bootstrap],
    clientId: "plumbline-test",
    topic,
    feed,
    log,
    now: () => Date.now(),
    random: () => 0,
  });
  let offset = 0;
  return {
    store,
    feed,
    copy,
    lines,
    counts: () => store.letters.counts().copy,
    reject(bytes: Uint8Array | null, fields: Partial<Rejected> = {}) {
      const id = `in-3-${offset}`;
      const where = { topic: "in", partition: 3, offset: offset++, time: 1_700_000_000_000 };
      store.transact((tx) => tx.reject({ id, ...where, reason: "reading: no", bytes, ...fields }));
    },
    /** Has it look now and then until `holds`. */
    async until(holds: () => boolean): Promise<void> {
      for (const deadline = Date.now() + STALLED_MS; !holds();) {
        if (Date.now() > deadline) throw new Error(`Not within 30 s: ${JSON.stringify(lines)}`);
        copy.look();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async end(): Promise<void> {
      await copy.close(5_000);
      store.close();
    },
  };
}

function headersOf({ headers }: ReadRecord): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(value)]),
  );
}

Deno.test("every letter is copied: its bytes, a result's device as key, what is known in headers", async () => {
  const topic = await createTopic({ name: topicName("dead"), partitions: 3 });
  using folder = tempFolder();
  const it = rig(topic, { dir: folder.path });
  it.reject(Uint8Array.of(0xff, 0, 1));
  it.reject(null);
  it.reject(new Uint8Array(0), { id: "01M84", topic: "", partition: -1, offset: -1 });
  it.store.transact((tx) =>
    tx.refuse({
      id: "in-0-9",
      sink: "storage",
      tenant: "nörd",
      time: 1_700_000_000_000,
      reason: "status 422",
      status: 422,
      answer: '{"error":"ü"}',
      attempts: 2,
      bytes: encoder.encode('{"device_id":"é/1"}'),
    })
  );
  await it.until(() => it.counts().sent === 4);
  assert.equal(it.copy.state(), "connected");
  const records = (await readTopic(topic)).sort((a, b) =>
    Number(headersOf(a).number) - Number(headersOf(b).number)
  );
  const common = { sink: "input", reason: "reading: no", time: "2023-11-14T22:13:20.000Z" };
  const from = (offset: number) => ({ topic: "in", partition: "3", offset: String(offset) });
  assert.deepEqual(records.map(headersOf), [
    { ...common, id: "in-3-0", number: "1", ...from(0) },
    { ...common, id: "in-3-1", number: "2", ...from(1) },
    { ...common, id: "01M84", number: "3" },
    {
      ...common,
      id: "in-0-9",
      number: "4",
      sink: "storage",
      reason: "status 422",
      tenant_id: "nörd",
      status: "422",
      answer: '{"error":"ü"}',
      attempts: "2",
    },
  ]);
  assert.deepEqual(records.map(({ value }) => value && [...value]), [
    [255, 0, 1],
    null,
    [],
    [...encoder.encode('{"device_id":"é/1"}')],
  ]);
  assert.deepEqual(records.map(({ key }) => key?.toString() ?? null), [null, null, null, "é/1"]);
  const partitions = records.slice(0, 3).map(({ partition }) => partition);
  assert.deepEqual(partitions.sort(), [0, 1, 2], "those without a key go everywhere");
  await it.end();
});

Deno.test("a restart goes on behind what was settled; what wasn't comes again", async () => {
  const topic = await createTopic({ name: topicName("dead") });
  using folder = tempFolder();
  const first = rig(topic, { dir: folder.path });
  first.reject(encoder.encode("a"));
  await first.until(() => first.counts().sent === 1);
  first.reject(encoder.encode("b"));
  // As if it were killed before it could settle b.
  first.feed.settled = () => {
    throw new StoreUnavailable("as the test wants");
  };
  await first.until(() => first.lines.length > 0);
  await first.end();

  const second = rig(topic, { dir: folder.path });
  second.reject(encoder.encode("c"), { id: "c" });
  await second.until(() => second.counts().sent === 3);
  await second.end();
  const values = (await readTopic(topic)).map(({ value }) => String(value));
  assert.deepEqual(values.filter((value) => value === "a").length, 1);
  assert.ok(values.filter((value) => value === "b").length >= 2);
  assert.deepEqual(values.at(-1), "c");
});

Deno.test("a letter that is too large for the topic is skipped, counted and told; the others arrive", async () => {
  const config = { "max.message.bytes": 2000 };
  const topic = await createTopic({ name: topicName("dead"), config });
  using folder = tempFolder();
  const it = rig(topic, { dir: folder.path });
  for (const bytes of [100, 5000, 1500, 1500, 5000, 10]) it.reject(new Uint8Array(bytes));
  await it.until(() => it.counts().behind === 0);
  const { sent, tooLarge } = it.counts();
  assert.deepEqual([sent, tooLarge], [4, 2]);
  const lengths = (await readTopic(topic)).map(({ value }) => value!.length);
  assert.deepEqual(lengths, [100, 1500, 1500, 10]);
  assert.deepEqual(it.lines.map(({ level, fields }) => [level, fields.number]), [
    ["warn", 2],
    ["warn", 5],
  ]);
  assert.equal(it.store.deadLetters({ limit: 9 }).length, 6);
  await it.end();
});

Deno.test("a topic that isn't there and a broker that goes away: told once, nothing is lost", async () => {
  using folder = tempFolder();
  await using own = await startBroker({
    dir: `${folder.path}/broker`,
    config: { "auto.create.topics.enable": false },
  });
  const { bootstrap } = own;
  const topic = topicName("dead");
  const it = rig(topic, { dir: `${folder.path}/data`, bootstrap });
  const told = (level: string) => it.lines.filter((line) => line.level === level).length;
  it.reject(encoder.encode("a"));
  await it.until(() => it.copy.state() === "error");
  await createTopic({ name: topic }, bootstrap);
  await it.until(() => it.counts().sent === 1);
  await own.kill();
  it.reject(encoder.encode("b"));
  await it.until(() => told("error") === 1 && it.lines.length > 3);
  await own.start();
  it.reject(encoder.encode("c"));
  await it.until(() => it.counts().behind === 0);
  assert.equal(told("error"), 1);
  assert.equal(told("info"), 1);
  const values = (await readTopic(topic, { bootstrap })).map(({ value }) => String(value));
  assert.deepEqual([...new Set(values)], ["a", "b", "c"]);
  await it.end();
});
