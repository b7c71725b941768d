import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { linesOf } from "../../tools/lines.ts";
import { type Order, readOrder } from "../../tools/kafka_order.ts";
import { readRecords, sendLines } from "../../tools/kafka_records.ts";
import { makeDefaultTopics, makeTopic } from "../../tools/kafka_topics.ts";
import { broker, consumeAll, describeTopic, produce, topicName } from "../harness/kafka.ts";

function order(...args: string[]): Order | number {
  return readOrder(args, { out: () => {}, err: () => {} });
}

async function* lines(...all: string[]) {
  yield* all;
}

async function recordsRead(topic: string, of: { follow?: boolean; max?: number } = {}) {
  const written: string[] = [];
  const { follow = false, max = Infinity } = of;
  await readRecords({ brokers: broker(), topic, follow, max, write: (it) => written.push(it) });
  return written;
}

Deno.test("the command line of the broker", () => {
  assert.deepEqual(order(), { word: "start" });
  assert.deepEqual(order("--port", "0"), { word: "start", port: 0 });
  assert.deepEqual(order("stop", "--port", "19292", "--dir", "x"), {
    word: "stop",
    port: 19292,
    dir: "x",
  });
  assert.deepEqual(order("topic", "a", "--partitions", "3"), {
    word: "topic",
    topic: "a",
    partitions: 3,
  });
  assert.deepEqual(order("send"), { word: "send", topic: undefined });
  assert.deepEqual(order("read", "a", "--follow", "--max", "2", "--port", "7"), {
    word: "read",
    topic: "a",
    follow: true,
    max: 2,
    port: 7,
  });
  for (
    const wrong of [
      "restart",
      "--port",
      "--port x",
      "--port 65536",
      "--port -1",
      "--dir",
      "stop now",
      "topic",
      "topic a --partitions 0",
      "read --max 0",
      "send a b",
    ]
  ) {
    assert.equal(order(...wrong.split(" ")), 2, wrong);
  }
});

Deno.test("--help tells every word", () => {
  let text = "";
  assert.equal(readOrder(["--help"], { out: (it) => text += it, err: () => {} }), 0);
  for (const word of ["start", "stop", "wipe", "status", "topic", "send", "read"]) {
    assert.match(text, new RegExp(`^  ${word} `, "m"));
  }
});

Deno.test("the topics that the engine uses are made once, by the names that it would use", async () => {
  const [input, output] = [topicName("in"), topicName("out")];
  const env = { KAFKA_TOPIC: input, OUTPUT_TOPIC: output };
  const topics = (made: boolean) => [
    { name: input, made, partitions: 4 },
    { name: output, made, partitions: 4 },
  ];
  assert.deepEqual(await makeDefaultTopics(broker(), env), topics(true));
  assert.deepEqual(await makeDefaultTopics(broker(), env), topics(false));
  assert.equal((await describeTopic(input)).partitions.length, 4);
  const inputAlone = await makeDefaultTopics(broker(), { INPUT_TOPIC: input, OUTPUT_TOPIC: "" });
  assert.deepEqual(inputAlone, topics(false).slice(0, 1));
  await assert.rejects(makeDefaultTopics(broker(), { INPUT_TOPIC: "a b" }), /Read INPUT_TOPIC: /);
});

Deno.test("a topic that was just made can be read at once", async () => {
  for (let i = 0; i < 15; i++) {
    const { name } = await makeTopic(broker(), { name: topicName("new"), partitions: 8 });
    assert.deepEqual(await recordsRead(name), []);
  }
});

Deno.test("lines are sent as records, a device's under its id", async () => {
  const { name } = await makeTopic(broker(), { name: topicName("sent"), partitions: 1 });
  const readings = ['{"device_id":"a","temperature":1}', "no JSON", '{"device_id":7}', "null"];
  assert.equal(
    await sendLines(
      { brokers: broker(), topic: name },
      lines(readings[0], "", ...readings.slice(1)),
    ),
    4,
  );
  const records = await consumeAll(name, { until: (it) => it.length === 4 });
  assert.deepEqual(records.map(({ value }) => String(value)), readings);
  assert.deepEqual(records.map(({ key }) => key && String(key)), ["a", null, null, null]);
});

Deno.test("a topic is read to its end: key, headers, value", async () => {
  const { name } = await makeTopic(broker(), { name: topicName("read"), partitions: 2 });
  assert.deepEqual(await recordsRead(name), []);
  await produce(name, [
    { partition: 0, key: "k", value: "v", headers: { id: "1", tenant_id: "t" } },
    { partition: 1, key: null, value: null },
  ]);
  await produce(name, [{ partition: 0, value: "never" }], { transactionalId: name, abort: true });
  assert.deepEqual((await recordsRead(name)).sort(), ["-\t-\t-", "k\tid=1,tenant_id=t\tv"]);
  assert.equal((await recordsRead(name, { max: 1 })).length, 1);
});

Deno.test("a topic is followed, up to so many records", async () => {
  const { name } = await makeTopic(broker(), { name: topicName("follow") });
  const read = recordsRead(name, { follow: true, max: 2 });
  await produce(name, [{ partition: 0, value: "1" }]);
  await produce(name, [{ partition: 0, value: "2" }, { partition: 0, value: "3" }]);
  assert.deepEqual(await read, ["-\t-\t1", "-\t-\t2"]);
});

Deno.test("a topic that isn't there is told, with what makes it", async () => {
  const place = { brokers: broker(), topic: topicName("missing") };
  const wanted = /: there is no topic of this name; `deno task kafka topic missing-/;
  await assert.rejects(sendLines(place, lines("x")), wanted);
  await assert.rejects(recordsRead(place.topic), wanted);
});

Deno.test("lines of a stream, whatever its pieces and ends", async () => {
  const pieces = ["a\nb", "\r\n\n", "c", "ä"].map((it) => Buffer.from(it));
  const found = await Array.fromAsync(
    linesOf(ReadableStream.from(pieces.map((it) => new Uint8Array(it)))),
  );
  assert.deepEqual(found, ["a", "b", "", "cä"]);
});
