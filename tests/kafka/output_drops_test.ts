/** Results dropped on their way to the output topic, with the journal's own feed and a real broker. */
import assert from "node:assert/strict";
import type { OutputFeed } from "../../src/pipeline/ports.ts";
import { createTopic, readTopic, topicName } from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { type Node, startNode } from "../pipeline/node.ts";
import { startSink } from "./output_sink.ts";

const LANES = 2;

/** The feed, which tells the sink of new rows only when the test wants it. */
function quiet(feed: OutputFeed) {
  let wake = () => {};
  const quieted = new Proxy(feed, {
    get(target, name) {
      if (name === "onRows") return (callback: () => void) => wake = callback;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { feed: quieted, wake: () => wake() };
}

function rig(topic: string) {
  const folder = tempFolder();
  let submitted = 0;
  const start = () => {
    const node = startNode({
      dir: folder.path,
      clock: { time: Date.now() },
      limits: { output: { policy: "drop_oldest", maxBytes: 3000 } },
      newId: () => `r${submitted++}`,
    });
    const { feed, wake } = quiet(node.output!);
    return { node, wake, ...startSink(feed, { topic }) };
  };
  let at = start();
  return {
    get at() {
      return at;
    },
    get submitted() {
      return submitted;
    },
    async submit(count: number): Promise<void> {
      for (let i = 0; i < count; i++) {
        const body = `{"device_id":"d${submitted % 7}","temperature":${submitted}}`;
        await at.node.ingest.submit(new TextEncoder().encode(body));
      }
    },
    async drained(): Promise<void> {
      at.wake();
      await at.until(() => isDrained(at.node));
    },
    /** As SIGKILL, as far as the store goes. */
    async restart(): Promise<void> {
      await at.sink.close(1000);
      at.node.crash();
      at = start();
    },
    async [Symbol.asyncDispose]() {
      await at.sink.close(1000);
      at.node.crash();
      folder[Symbol.dispose]();
    },
  };
}

function isDrained({ output }: Node): boolean {
  return output!.laneCount === LANES &&
    output!.lanes().every(({ acknowledged, end }) => acknowledged === end);
}

/** Everything but what was dropped arrived, once, each device's in order; how many were dropped. */
async function check(topic: string, it: ReturnType<typeof rig>): Promise<number> {
  const last = new Map<string, number>();
  const records = await readTopic(topic);
  for (const { value } of records) {
    const { device_id: device, temperature: number } = JSON.parse(value!.toString());
    assert.ok(number > (last.get(device) ?? -1), `${device}: ${number} came again or too late`);
    last.set(device, number);
  }
  const { output: dropped } = it.at.node.dropped();
  assert.equal(records.length + dropped, it.submitted);
  return dropped;
}

function assertQuiet({ lines, count }: ReturnType<typeof startSink>): void {
  assert.deepEqual(lines.filter(({ level }) => level === "warn" || level === "error"), []);
  assert.equal(count("lost by broker"), 0);
  assert.equal(count("unsure"), 0);
}

Deno.test("a gap in lanes at work: a new producer id for each, nothing twice, nothing but the dropped missing", async () => {
  const topic = await createTopic({ name: topicName("drops"), partitions: LANES });
  await using it = rig(topic);
  await it.at.until(() => it.at.node.output!.laneCount === LANES);
  await it.submit(10);
  await it.drained();
  const before = it.at.count("new producer id");
  await it.submit(40);
  it.at.node.ingest.maintain();
  await it.submit(5);
  await it.drained();
  assert.ok(await check(topic, it) > 20);
  assert.equal(it.at.count("new producer id"), before + LANES);
  assertQuiet(it.at);
});

Deno.test("killed with a gap in the journal, and just behind one: the broker's records and the dropped ones are all there are", async () => {
  const topic = await createTopic({ name: topicName("drops"), partitions: LANES });
  await using it = rig(topic);
  await it.at.until(() => it.at.node.output!.laneCount === LANES);
  for (let round = 0; round < 3; round++) {
    await it.submit(6);
    await it.drained();
    await it.submit(40);
    it.at.node.ingest.maintain();
    await it.restart();
    await it.drained();
    const dropped = await check(topic, it);
    assert.ok(dropped > 15 * (round + 1), `${dropped} dropped`);
    assertQuiet(it.at);
    // The cursors behind the gap aren't flushed, but the new producer ids are stored.
    await it.restart();
    await it.submit(4);
    await it.drained();
    assert.equal(await check(topic, it), dropped);
    assertQuiet(it.at);
  }
});
