/** Faults between the source and its broker, by a proxy: networks that are gone, answers that never come. */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { freePort } from "../../tools/ports.ts";
import { client, createTopic, produce, topicName } from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { proxiedBroker } from "./proxied_broker.ts";
import { Reader } from "./reader.ts";
import { TcpProxy } from "./tcp_proxy.ts";

const STALL_MS = 400;

function values(from: number, to: number): { value: string; partition: number }[] {
  return Array.from({ length: to - from }, (_, i) => ({ value: String(from + i), partition: 0 }));
}

function texts(from: number, to: number): string[] {
  return values(from, to).map(({ value }) => value);
}

/** Waits until the coordinator has thrown out the group's last member: its session has ended. */
async function untilEmpty(group: string, bootstrap: string): Promise<void> {
  const admin = client(bootstrap).admin();
  await admin.connect();
  const deadline = Date.now() + 30_000;
  try {
    for (;;) {
      const { groups: [{ state }] } = await admin.describeGroups([group]);
      if (state === "Empty") return;
      if (Date.now() > deadline) throw new Error(`the group's last member: still there (${state})`);
    }
  } finally {
    await admin.disconnect();
  }
}

Deno.test("between the source and its broker", async (t) => {
  using folder = tempFolder();
  const [inner, outer] = [await freePort(), await freePort()];
  await using broker = await proxiedBroker(folder.path, { inner, outer });
  await using proxy = new TcpProxy({ port: outer, target: inner });
  const { bootstrap } = broker;
  const proxied = `127.0.0.1:${outer}`;
  const write = (topic: string, from: number, to: number) =>
    produce(topic, values(from, to), { bootstrap });

  await t.step("a network that is gone for longer than the session", async () => {
    using data = tempFolder();
    const topic = await createTopic({ name: topicName("outage") }, bootstrap);
    const options = { topic, group: topic, dir: data.path, stallMs: STALL_MS };
    await write(topic, 0, 10);
    await using reader = new Reader({ ...options, bootstrap: proxied });
    await reader.untilRead(10);
    proxy.refuses = true;
    proxy.cut();
    await write(topic, 10, 20);
    await untilEmpty(topic, bootstrap);
    assert.equal(reader.source.state(), "error");
    assert.equal(reader.source.counts().remade, 0, "an outage is no standstill");
    proxy.refuses = false;
    await reader.untilRead(20, 10_000);
    assert.deepEqual(reader.values(), texts(0, 20));
    await reader.until("well again", () => reader.source.state() === "connected");
    const over = reader.logged("works again").filter(({ level }) => level === "info");
    assert.equal(over.length, 1, "told once");
  });

  await t.step("answers that never come: the consumers are made anew", async () => {
    using data = tempFolder();
    const topic = await createTopic({ name: topicName("outage") }, bootstrap);
    const options = { topic, group: topic, dir: data.path, stallMs: STALL_MS };
    await write(topic, 0, 10);
    await using reader = new Reader({ ...options, bootstrap: proxied });
    await reader.untilRead(10);
    proxy.swallowFetches(1);
    await write(topic, 10, 20);
    // The request itself would only be given up after 30 s.
    await reader.untilRead(20, 15_000);
    assert.deepEqual(reader.values(), texts(0, 20));
    assert.equal(reader.source.counts().remade, 1);
    const [told] = reader.logged("none of them come");
    assert.deepEqual([told.level, told.fields.partitions], ["error", [0]]);
    await reader.until("word of it", () => reader.logged("records come again").length === 1);
    assert.equal(reader.source.counts().joins, 1, "the group isn't troubled");
  });

  await t.step("a pipeline that takes nothing is no standstill", async () => {
    using data = tempFolder();
    using stalledData = tempFolder();
    const [topic, other] = [topicName("outage"), topicName("outage")];
    for (const name of [topic, other]) await createTopic({ name }, bootstrap);
    const options = { stallMs: STALL_MS, bootstrap };
    const room = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    await write(topic, 0, 10);
    await using paused = new Reader({
      ...options,
      topic,
      group: topic,
      dir: data.path,
      beforeCommit: () => {
        held.resolve();
        return room.promise;
      },
    });
    try {
      await held.promise;
      await write(topic, 10, 20);
      // Meanwhile another one is made anew three times, with the same patience.
      const end = proxy.swallowFetches(Infinity);
      await write(other, 0, 10);
      await using stalled = new Reader({
        ...options,
        topic: other,
        group: other,
        dir: stalledData.path,
        bootstrap: proxied,
      });
      await stalled.until("made anew three times", () => stalled.source.counts().remade >= 3);
      end();
      assert.equal(paused.source.counts().remade, 0);
      room.resolve();
      await paused.untilRead(20);
      await stalled.untilRead(10, 15_000);
      assert.equal(stalled.logged("none of them come").length, 1);
      assert.equal(paused.source.counts().remade, 0);
    } finally {
      room.resolve();
    }
  });

  await t.step("another cluster under the same folder: ids don't come again", async () => {
    using data = tempFolder();
    const topic = await createTopic({ name: topicName("outage") });
    await createTopic({ name: topic }, bootstrap);
    await produce(topic, values(0, 1));
    await write(topic, 0, 1);
    const options = { topic, group: topic, dir: data.path };
    await using before = new Reader(options);
    await before.untilRead(1);
    await before.close();
    await using after = new Reader({ ...options, bootstrap });
    await after.untilRead(1);
    assert.deepEqual(
      [before, after].map((reader) => reader.records.map(({ id }) => id)),
      [[`${topic}-0-0`], [`${topic}~1-0-0`]],
    );
    assert.deepEqual([...after.store.jumps()], [["first start", 2]]);
  });

  await t.step(
    "a log that was cut below the position, as by a leader that was not in sync",
    async () => {
      using data = tempFolder();
      const topic = await createTopic({ name: topicName("outage") }, bootstrap);
      const log = `${broker.dir}/data/${topic}-0`;
      const options = { topic, group: topic, dir: data.path, bootstrap };
      await write(topic, 0, 50);
      await broker.stop();
      cpSync(log, `${folder.path}/earlier`, { recursive: true });
      await broker.start();
      await write(topic, 50, 100);
      await using before = new Reader(options);
      await before.untilRead(100);
      await before.close();
      await broker.stop();
      Deno.removeSync(log, { recursive: true });
      cpSync(`${folder.path}/earlier`, log, { recursive: true });
      await broker.start();
      await using after = new Reader(options);
      await after.until("word of it", () => after.logged("has lost records").length > 0);
      const [{ level, fields }] = after.logged("has lost records");
      assert.deepEqual([level, fields.from, fields.to, fields.lost], ["error", 100, 50, 50]);
      await write(topic, 100, 105);
      await after.untilRead(5);
      assert.deepEqual(after.values(), texts(100, 105));
      assert.equal(after.records[0].id, `${topic}~1-0-50`, "50 was another reading");
      assert.equal(after.store.jumps().get("log truncated"), 1);
      assert.equal(after.store.skippedRecords(), 0);
      assert.deepEqual(after.logged("older copy"), []);
    },
  );
});
