import assert from "node:assert/strict";
import { runningBroker, startBroker } from "../../tools/broker.ts";
import { freePort, portIsFree } from "../../tools/ports.ts";
import { consumeAll, createTopic, produce, readTopic, topicOffsets } from "./kafka.ts";
import { tempFolder } from "./temp.ts";

Deno.test("a broker keeps its port and its records over a kill and a restart", async () => {
  using folder = tempFolder();
  await using broker = await startBroker({
    dir: folder.path,
    config: { "message.max.bytes": 3_000_000 },
  });
  const { bootstrap, clusterId, pid } = broker;
  assert.deepEqual(await runningBroker(folder.path), { pid, port: broker.port, clusterId });
  assert.match(clusterId, /^[\w-]{22}$/);

  const topic = await createTopic({ name: "survivor" }, bootstrap);
  await produce(topic, [{ value: "x".repeat(2_500_000) }], { bootstrap });
  await broker.kill();
  assert.equal(broker.running, false);
  assert.equal(await portIsFree(broker.port), true);
  assert.equal(await runningBroker(folder.path), undefined);

  await broker.start();
  assert.notEqual(broker.pid, pid);
  assert.equal(broker.clusterId, clusterId);
  await produce(topic, [{ value: "after the kill" }], { bootstrap });

  await broker.restart({ "message.max.bytes": 1_000 });
  await assert.rejects(
    produce(topic, [{ value: "y".repeat(5_000) }], { bootstrap }),
    /larger than the max message size/i,
  );
  const records = await readTopic(topic, { bootstrap });
  assert.deepEqual(records.map(({ value }) => value!.length), [2_500_000, 14]);

  await broker.stop();
  await broker.stop(); // a second time: nothing to do
  assert.equal(broker.running, false);
});

Deno.test("a reader waits for a broker that is killed and comes back", async () => {
  using folder = tempFolder();
  await using broker = await startBroker({ dir: folder.path });
  const { bootstrap } = broker;
  await createTopic({ name: "t" }, bootstrap);
  await produce("t", [{ value: "one" }], { bootstrap });
  let seen = () => {};
  const first = new Promise<void>((resolve) => seen = resolve);
  const reading = consumeAll("t", {
    bootstrap,
    timeoutMs: 60_000,
    until: (records) => {
      if (records.length) seen();
      return records.length >= 2;
    },
  });
  await first;
  await broker.kill();
  await broker.start();
  assert.deepEqual(await topicOffsets("t", bootstrap), new Map([[0, { low: 0, high: 1 }]]));
  await produce("t", [{ value: "two" }], { bootstrap });
  const values = (await reading).map(({ value }) => value!.toString());
  assert.deepEqual(values, ["one", "two"]);
});

Deno.test("a port in use and a folder in use are refused", async () => {
  using folder = tempFolder();
  const port = await freePort();
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  await assert.rejects(startBroker({ dir: folder.path, port }), /port \d+: it is used/);
  listener.close();
  await using broker = await startBroker({ dir: folder.path, port });
  await assert.rejects(
    startBroker({ dir: folder.path }),
    new RegExp(`pid ${broker.pid} runs there already`),
  );
});

Deno.test("a broker that can't start says what its log says", async () => {
  using folder = tempFolder();
  await assert.rejects(
    startBroker({ dir: folder.path, config: { "log.retention.ms": "soon" } }),
    /log\.retention\.ms/,
  );
});
