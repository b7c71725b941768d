/**
 * The sink against a broker of its own whose log isn't what it was: records deleted, lost, a topic made
 * anew; and that refuses what may be taken later.
 */
import assert from "node:assert/strict";
import { type Broker, startBroker } from "../../tools/broker.ts";
import kafkajs from "kafkajs";
import { client, createTopic, deleteTopic, readTopic, topicName } from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { MemoryFeed } from "./memory_feed.ts";
import { assertComplete, numbersIn, startSink } from "./output_sink.ts";
import { killedInFlight } from "./killed_output.ts";

Deno.test("a log that isn't what it was: said and counted, nothing silently", async (t) => {
  using folder = tempFolder();
  await using broker = await startBroker({
    dir: `${folder.path}/broker`,
    config: {
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "super.users": "User:nobody",
      "allow.everyone.if.no.acl.found": true,
    },
  });
  const { bootstrap } = broker;

  await t.step("not allowed to write: all is kept, in order, until it is", async () => {
    const topic = await createTopic({ name: topicName("out"), partitions: 4 }, bootstrap);
    await denyWriting(topic, { deny: true, bootstrap });
    const feed = new MemoryFeed();
    feed.addNumbered(4, { rows: 30, each: 5 });
    await using at = startSink(feed, { topic, bootstrap });
    const failing = (reason: RegExp) => () =>
      at.lines.filter(({ fields }) => reason.test(String(fields?.reason))).length > 0;
    await at.until(failing(/TOPIC_AUTHORIZATION_FAILED \(29\)/));
    assert.equal(at.sink.state(), "error");
    const todos = at.lines.filter(({ level }) => level === "error").map(({ fields }) =>
      fields!.todo
    );
    assert.ok(todos.some((todo) => /ACLs/.test(String(todo))), todos.join());
    assert.equal(new Set(todos).size, todos.length, "each once");
    assert.equal(feed.acknowledged, 0);
    await denyWriting(topic, { deny: false, bootstrap });
    await feed.until(() => feed.drained);
    assert.deepEqual(feed.refused, []);
    assert.equal(at.count("unsure"), 0);
    assert.equal(at.count("new producer id"), 4);
    await assertComplete(topic, { lanes: 4, count: 150, bootstrap });
  });

  await t.step("records deleted in front, and the broker killed after that", async () => {
    const topic = await createTopic({ name: topicName("out") }, bootstrap);
    const feed = new MemoryFeed();
    feed.addNumbered(1, { rows: 20, each: 5 });
    await using at = startSink(feed, { topic, bootstrap });
    await feed.until(() => feed.drained);
    await deleteRecords(topic, { before: 100, bootstrap });
    feed.addNumbered(1, { rows: 20, each: 5, first: 100 });
    await feed.until(() => feed.drained);
    await deleteRecords(topic, { before: 200, bootstrap });
    await broker.kill();
    await broker.start();
    feed.addNumbered(1, { rows: 20, each: 5, first: 200 });
    await feed.until(() => feed.drained);
    assert.equal(at.count("unsure"), 0);
    assert.equal(at.count("lost by broker"), 0);
    // A killed broker may have forgotten that it has deleted some.
    const [found] = await numbersIn(topic, bootstrap);
    assert.deepEqual(found, range(found[0], 300 - found[0]));
  });

  await t.step("the end of the log is lost: an older replica came back", async () => {
    const topic = await createTopic({ name: topicName("out") }, bootstrap);
    const feed = new MemoryFeed();
    feed.addNumbered(1, { rows: 10, each: 5 });
    await using at = startSink(feed, { topic, bootstrap });
    await feed.until(() => feed.drained);
    await broker.stop();
    const older = await readPartition(broker, topic);
    await broker.start();
    feed.addNumbered(1, { rows: 30, each: 5, first: 50 });
    await feed.until(() => feed.drained);
    await broker.stop();
    await writePartition(broker, { topic, files: older });
    await broker.start();
    // Far fewer records than were lost: their offsets aren't above the last one for long.
    for (let first = 200; first < 215; first += 5) {
      feed.addNumbered(1, { rows: 1, each: 5, first });
      await feed.until(() => feed.drained);
    }
    assert.equal(at.count("lost by broker"), 150);
    assert.ok(at.lines.some(({ level, message }) => level === "error" && /lost/.test(message)));
    const found = (await numbersIn(topic, bootstrap))[0];
    assert.deepEqual([...new Set(found)], [...range(0, 50), ...range(200, 15)]);
    assert.equal(found.length, 65, "nothing twice");
    assert.equal(at.count("unsure"), 0);
  });

  await t.step("the whole log is lost, its producers with it", async () => {
    const topic = await createTopic({ name: topicName("out") }, bootstrap);
    const feed = new MemoryFeed();
    feed.addNumbered(1, { rows: 10, each: 5 });
    await using at = startSink(feed, { topic, bootstrap });
    await feed.until(() => feed.drained);
    await broker.stop();
    await writePartition(broker, { topic, files: new Map() });
    await broker.start();
    for (let first = 50; first < 65; first += 5) {
      feed.addNumbered(1, { rows: 1, each: 5, first });
      await feed.until(() => feed.drained);
    }
    const found = (await numbersIn(topic, bootstrap))[0];
    assert.deepEqual([...new Set(found)], range(50, 15));
    assert.equal(at.count("offset not new"), 1);
    assert.equal(at.count("unsure"), 5);
    assert.equal(found.length, 20, "the first row came twice, and was counted");
    assert.ok(
      at.lines.some(({ level, message }) => level === "error" && /isn't new/.test(message)),
    );
  });

  await t.step("a topic made anew while rows are on their way, again and again", async () => {
    const topic = await createTopic({ name: topicName("out") }, bootstrap);
    const feed = new MemoryFeed();
    feed.addNumbered(1, { rows: 3_000, each: 2 });
    await using at = startSink(feed, { topic, bootstrap, refreshMs: 50 });
    for (const until of [500, 2_000, 3_500]) {
      await feed.until(() => feed.acknowledged >= until);
      const seen = feed.opened.length;
      await deleteTopic(topic, bootstrap);
      await feed.until(() => feed.opened.length > seen); // the sink has it made again
    }
    await feed.until(() => feed.drained);
    // What the last topic has is a stretch up to the end, without a hole.
    const found = (await numbersIn(topic, bootstrap))[0];
    const distinct = [...new Set(found)];
    assert.deepEqual(distinct, range(distinct[0], 6_000 - distinct[0]));
    assert.ok(found.length - distinct.length <= at.count("unsure"));
  });

  await t.step("a process killed again and again while its sequences wrap", async () => {
    const topic = await createTopic({ name: topicName("out"), partitions: 2 }, bootstrap);
    const rows = 2_000;
    // 2^31 comes in the middle of a row, a quarter of the way.
    const first = 2 ** 31 - 2_503;
    const until = [1_000, 4_500, 5_300, 12_000];
    const { unsure } = await killedInFlight({ bootstrap, topic, rows, until, first });
    assert.equal(unsure, 0);
    await assertComplete(topic, { lanes: 2, count: rows * 5, bootstrap });
    assert.equal((await readTopic(topic, { bootstrap })).length, 2 * rows * 5);
  });
});

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

/** Denies everybody to write into the topic, or takes that back. */
async function denyWriting(
  topic: string,
  { deny, bootstrap }: { deny: boolean; bootstrap: string },
): Promise<void> {
  const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
  const entry = {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: "User:*",
    host: "*",
  };
  const acls = [
    { ...entry, operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.ALLOW },
    { ...entry, operation: AclOperationTypes.WRITE, permissionType: AclPermissionTypes.DENY },
  ];
  const admin = client(bootstrap).admin();
  await admin.connect();
  if (deny) await admin.createAcls({ acl: acls });
  else await admin.deleteAcls({ filters: [acls[1]] });
  await admin.disconnect();
}

async function deleteRecords(
  topic: string,
  { before, bootstrap }: { before: number; bootstrap: string },
): Promise<void> {
  const admin = client(bootstrap).admin();
  await admin.connect();
  await admin.fetchTopicOffsets(topic); // kafkajs deletes only of topics that it has looked at
  await admin.deleteTopicRecords({
    topic,
    partitions: [{ partition: 0, offset: String(before) }],
  });
  await admin.disconnect();
}

/** The files of the topic's one partition; only while the broker is down. */
async function readPartition(broker: Broker, topic: string): Promise<Map<string, Uint8Array>> {
  const dir = `${broker.dir}/data/${topic}-0`;
  const files = new Map<string, Uint8Array>();
  for await (const { name } of Deno.readDir(dir)) {
    files.set(name, await Deno.readFile(`${dir}/${name}`));
  }
  return files;
}

/** Puts them in the place of those that are there; the partition's own id stays. */
async function writePartition(
  broker: Broker,
  { topic, files }: { topic: string; files: ReadonlyMap<string, Uint8Array> },
): Promise<void> {
  const dir = `${broker.dir}/data/${topic}-0`;
  for await (const { name } of Deno.readDir(dir)) {
    if (name !== "partition.metadata") await Deno.remove(`${dir}/${name}`);
  }
  for (const [name, bytes] of files) await Deno.writeFile(`${dir}/${name}`, bytes);
}
