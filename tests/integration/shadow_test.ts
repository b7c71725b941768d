/** MODE=shadow over a real broker: beside a group of the same name, which it takes nothing from. */
import assert from "node:assert/strict";
import {
  broker,
  client,
  consumeAll,
  createTopic,
  produce,
  topicName,
  topicOffsets,
} from "../harness/kafka.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

Deno.test("a shadow reads everything, sends to its own topic and posts nothing", async () => {
  const input = await createTopic({ name: topicName("shadow-in"), partitions: 2 });
  const output = await createTopic({ name: topicName("shadow-out"), partitions: 2 });
  const shadow = await createTopic({ name: `${output}.shadow`, partitions: 2 });
  using folder = tempFolder("shadow-");
  let posts = 0;
  await using storage = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    posts++;
    return new Response("{}");
  });
  const devices = Array.from({ length: 50 }, (_, number) => `device-${number}`);
  const other = client().consumer({ groupId: output });
  await other.connect();
  try {
    await other.subscribe({ topic: input, fromBeginning: true });
    const joins: number[] = [];
    const joined = Promise.withResolvers<void>();
    other.on(other.events.GROUP_JOIN, ({ payload }) => {
      joins.push(payload.memberAssignment[input]?.length ?? 0);
      joined.resolve();
    });
    const read = new Set<string>();
    const readAll = Promise.withResolvers<void>();
    await other.run({
      eachMessage: ({ message }) => {
        if (read.add(String(message.key)).size === devices.length) readAll.resolve();
        return Promise.resolve();
      },
    });
    await joined.promise;
    await using program = await startProgram({
      env: {
        MODE: "shadow",
        KAFKA_BROKER: broker(),
        INPUT_TOPIC: input,
        OUTPUT_TOPIC: output,
        CONSUMER_GROUP: output,
        STORAGE_SERVICE_URL: `http://127.0.0.1:${storage.addr.port}`,
        DATA_DIR: folder.path,
      },
    });
    const running = JSON.parse(await program.line('"mode":"shadow"'));
    assert.equal(running.group, `${output}.shadow`);
    assert.equal(running.outputTopic, shadow);
    await program.ready("/health/ready");
    await produce(
      input,
      devices.map((device) => ({
        key: device,
        value: JSON.stringify({ device_id: device, temperature: 20 }),
      })),
    );
    const results = await consumeAll(shadow, { until: (records) => records.length >= 50 });
    const found = results.map(({ value }) => JSON.parse(String(value)).device_id);
    assert.deepEqual(found.sort(), devices.sort());
    assert.deepEqual(await program.kill("SIGTERM"), { code: 0, signal: null });
    assert.equal(posts, 0);
    await readAll.promise;
    // A second member of its group would have made it join again.
    assert.deepEqual(joins, [2]);
    assert.deepEqual([...(await topicOffsets(output)).values()].map(({ high }) => high), [0, 0]);
  } finally {
    await other.disconnect();
  }
});
