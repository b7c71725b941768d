import assert from "node:assert/strict";
import process from "node:process";
import { createTopic, topicName, topicOffsets } from "../harness/kafka.ts";
import { MemoryFeed } from "./memory_feed.ts";
import { numbered, rowOf } from "./output_rows.ts";
import { startSink } from "./output_sink.ts";

const LANES = 4;
const ROWS_PER_LANE = 40;
const RECORDS_PER_ROW = 1_700;

Deno.test("speed of the sink alone, with rows of 0.95 MB (printed, not judged)", async () => {
  const topic = await createTopic({ name: topicName("out"), partitions: LANES });
  const records = Array.from({ length: RECORDS_PER_ROW }, (_, n) => numbered(0, n, 500));
  const row = rowOf(records, { id: 0, lane: 0, lanes: LANES, time: Date.now(), baseSequence: 0 });
  const feed = new MemoryFeed();
  for (let i = 0; i < ROWS_PER_LANE; i++) {
    for (let lane = 0; lane < LANES; lane++) feed.addCopy(row, lane);
  }
  const total = LANES * ROWS_PER_LANE * RECORDS_PER_ROW;
  const cpu = process.cpuUsage();
  const start = performance.now();
  await using at = startSink(feed, { topic });
  await feed.until(() => feed.drained);
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const rate = Math.round(total / seconds);
  const load = Deno.loadavg()[0].toFixed(1);
  console.log(
    `${total} records of ${Math.round(row.body.length / records.length)} bytes in ${
      seconds.toFixed(2)
    } s: ${rate} records/s, ${
      (row.body.length * total / RECORDS_PER_ROW / seconds / 1e6).toFixed(0)
    } MB/s, ${((user + system) / total).toFixed(2)} us CPU a record; load ${load}`,
  );
  assert.equal(at.count("sent again"), 0);
  const ends = await topicOffsets(topic);
  assert.equal([...ends.values()].reduce((sum, { high }) => sum + high, 0), total);
});
