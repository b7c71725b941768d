/** A data folder copied from under a running engine, and a second engine started on the copy. */
import assert from "node:assert/strict";
import {
  broker,
  createTopic,
  produce,
  readTopic,
  topicName,
  topicOffsets,
} from "../harness/kafka.ts";
import { type Program, startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

async function post(address: string, temperature: number): Promise<string> {
  const response = await fetch(`${address}/api/data`, {
    method: "POST",
    body: JSON.stringify({ device_id: "d", temperature }),
  });
  assert.equal(response.status, 200);
  return (await response.json()).data.id;
}

/** Waits until the topic holds as many records, and gives their ids in order. Throws after 20 s. */
async function idsIn(topic: string, atLeast: number): Promise<string[]> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const records = [...(await topicOffsets(topic)).values()].reduce((sum, at) => sum + at.high, 0);
    if (records >= atLeast) break;
    assert.ok(Date.now() < deadline, `${records} records of ${atLeast} in the output topic`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return (await readTopic(topic)).map(({ headers }) => headers.id!.toString());
}

Deno.test("an engine and one on a copy of its folder: no result vanishes, and it is said", async () => {
  using folder = tempFolder();
  const input = await createTopic({ name: topicName("copied-in"), partitions: 2 });
  const output = await createTopic({ name: topicName("copied-out") });
  const start = (dir: string) =>
    startProgram({
      env: {
        KAFKA_BROKER: broker(),
        INPUT_TOPIC: input,
        OUTPUT_TOPIC: output,
        CONSUMER_GROUP: input,
        DATA_DIR: `${folder.path}/${dir}`,
      },
    });
  await using original: Program = await start("original");
  const originalAt = await original.ready("/health/ready");
  const ids = [await post(originalAt, 1), await post(originalAt, 2)];
  await idsIn(output, 2);
  await Deno.mkdir(`${folder.path}/copy`);
  for (const name of ["plumbline.db", "plumbline.db-wal"]) {
    await Deno.copyFile(`${folder.path}/original/${name}`, `${folder.path}/copy/${name}`);
  }
  await using copy: Program = await start("copy");
  const copyAt = await copy.ready("/health/ready");
  // The copy has left the group in the original's name.
  await original.line("the group has removed this member");
  await original.ready("/health/ready");

  // In turns, one result each: under one producer id every second one would be a duplicate.
  for (let n = 0; n < 10; n++) {
    for (const address of [copyAt, originalAt]) {
      ids.push(await post(address, n));
      await idsIn(output, ids.length);
    }
  }
  assert.deepEqual((await idsIn(output, ids.length)).toSorted(), ids.toSorted());

  const readings = Array.from({ length: 40 }, (_, n) => ({
    value: JSON.stringify({ device_id: `k-${n}`, temperature: n }),
    partition: n % 2,
  }));
  await produce(input, readings);
  const all = await idsIn(output, ids.length + 40);
  assert.equal(new Set(all).size, all.length, "both have read it");
  assert.equal(all.length, ids.length + 40);
});
