/** Readings that are handed in together have the outcomes that they would have one by one. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { arrayRanges, lineRanges } from "../../src/http/batch_body.ts";
import { type Outcome, StoreUnavailable } from "../../src/pipeline/ports.ts";
import { readingsOf } from "../core/readings.ts";
import { PARITY } from "../core/result_twin.ts";
import { assertCounted, encoder, journalled, reading, rig, START, topicOf } from "./ingest_rig.ts";
import { InputTopic } from "./log_source.ts";
import type { Node } from "./node.ts";

const MAX_READING_BYTES = 400;

function countedIds(): () => string {
  let next = 0;
  return () => `id-${next++}`;
}

/** A node of its own; the same readings in the same order have the same ids in each. */
function fresh() {
  return rig(new InputTopic(1), {
    settings: (tenant) => ({ ...PARITY, sampling: tenant === "half" ? 0.5 : 1 }),
    maxReadingBytes: MAX_READING_BYTES,
    newId: countedIds(),
  });
}

function joined(
  parts: readonly Uint8Array[],
  [before, between, after]: readonly string[],
): Uint8Array {
  const pieces: Uint8Array[] = [encoder.encode(before)];
  parts.forEach((part, i) => {
    if (i > 0) pieces.push(encoder.encode(between));
    pieces.push(part);
  });
  pieces.push(encoder.encode(after));
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

function everything(node: Node) {
  const letters = node.store.deadLetters({ limit: 1000 })
    .map(({ sequence: _, storedAt: __, ...letter }) => letter);
  const keys = node.store.devices.page({ limit: 1000 });
  return {
    results: journalled(node),
    letters,
    counters: node.store.counters(),
    totals: node.totals(),
    devices: keys.map(({ tenant, device }) => node.device(tenant, device)),
  };
}

const WRONG = [
  "1",
  "null",
  '"text"',
  "[]",
  "{}",
  '{"device_id":7}',
  '{"device_id":"a","temperature":"1"}',
  "nonsense",
  '{"device_id":"a"} {"device_id":"b"}',
  `{"device_id":"a","filler":"${"x".repeat(MAX_READING_BYTES)}"}`,
].map((text) => encoder.encode(text));
const NOT_UTF8 = Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d);

const devices = fc.constantFrom("a", "b", "c", "\u00e9", '"]},[');
const tenants = fc.constantFrom("default", "half", "other");
const anyReading = fc.oneof(
  { weight: 6, arbitrary: readingsOf({ devices, tenants }) },
  { weight: 1, arbitrary: fc.constantFrom(...WRONG, NOT_UTF8) },
);
const spellings = fc.constantFrom(
  { framing: ["[", ",", "]"], ranges: arrayRanges },
  { framing: [" \r\n[ \n", " ,\t\n", "\r\n]\n "], ranges: arrayRanges },
  { framing: ["", "\n", ""], ranges: lineRanges },
  { framing: ["\n \r\n", " \r\n\n\t\n ", "\n\n"], ranges: lineRanges },
);

Deno.test("a batch: the same outcomes, results, dead letters and state as one by one", async () => {
  const property = fc.asyncProperty(
    fc.array(anyReading, { minLength: 1, maxLength: 12 }),
    spellings,
    async (readings, { framing, ranges }) => {
      using single = fresh();
      using together = fresh();
      const outcomes: Outcome[] = [];
      for (const reading of readings) outcomes.push(await single.ingest.submit(reading));
      const body = joined(readings, framing);
      const outcome = await together.ingest.submitBatch(body, ranges(body)!);
      const rejected = outcomes.flatMap((it, index) =>
        it.kind === "rejected" ? [{ index, reason: it.reason }] : []
      );
      const accepted = readings.length - rejected.length;
      assert.deepEqual(outcome, { accepted, overQuota: 0, foreign: 0, rejected });
      assert.deepEqual(everything(together), everything(single));
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

function batchOf(count: number, from = 0): { body: Uint8Array; ranges: number[] } {
  const readings = Array.from({ length: count }, (_, i) => reading(`d${(from + i) % 7}`, from + i));
  const body = joined(readings, ["", "\n", ""]);
  return { body, ranges: lineRanges(body) };
}

Deno.test("a batch is one transaction, and many requests share one", async () => {
  using node = rig(new InputTopic(1));
  const commits = node.store.commits;
  const first = batchOf(500), second = batchOf(300);
  const outcomes = await Promise.all([
    node.ingest.submitBatch(first.body, first.ranges),
    node.ingest.submit(reading("alone", 1)),
    node.ingest.submitBatch(second.body, second.ranges),
  ]);
  assert.deepEqual(outcomes[0], { accepted: 500, overQuota: 0, foreign: 0, rejected: [] });
  assert.equal(outcomes[1].kind, "result");
  assert.deepEqual(outcomes[2], { accepted: 300, overQuota: 0, foreign: 0, rejected: [] });
  assert.equal(node.store.commits, commits + 1);
  assertCounted(node, { read: 801 });
});

Deno.test("a request is never torn apart, but not everything that waits is one transaction", async () => {
  using node = rig(new InputTopic(1));
  const commits = node.store.commits;
  const counted: number[] = [];
  const requests = Array.from({ length: 5 }, (_, i) => batchOf(4_000, i));
  await Promise.all(requests.map(async ({ body, ranges }) => {
    await node.ingest.submitBatch(body, ranges);
    counted.push(node.store.counters().read);
  }));
  // Three requests reach 10,000 readings.
  assert.equal(node.store.commits, commits + 2);
  assert.deepEqual(counted, [12_000, 12_000, 12_000, 20_000, 20_000]);
});

Deno.test("a batch whose commit fails is committed later, once", async () => {
  using node = rig(new InputTopic(1));
  node.store.failingCommits = 3;
  const { body, ranges } = batchOf(50);
  assert.deepEqual(await node.ingest.submitBatch(body, ranges), {
    accepted: 50,
    overQuota: 0,
    foreign: 0,
    rejected: [],
  });
  assert.equal(node.store.failingCommits, 0);
  assertCounted(node, { read: 50 });
});

Deno.test("a store that stays unwritable: requests are refused, and taken again once it is mended", async () => {
  const clock = { time: START };
  using node = rig(new InputTopic(1), { clock });
  assert.equal((await node.ingest.submit(reading("a", 1))).kind, "result");
  node.store.failingCommits = Infinity;
  node.store.onFailure = () => clock.time += 1000;
  const { body, ranges } = batchOf(50);
  const requests = [node.ingest.submitBatch(body, ranges), node.ingest.submit(reading("a", 2))];
  for (const request of requests) {
    await assert.rejects(request, {
      name: "StoreUnavailable",
      message: "taking readings: the store can't be written",
    });
  }
  assertCounted(node, { read: 1 });
  assert.equal(node.totals().temperature.count, 1, "nothing of them is left in memory");
  await assert.rejects(node.ingest.submit(reading("a", 3)), StoreUnavailable);

  // Nothing comes in that could find out that the disk has room again.
  const failed = Promise.withResolvers<void>();
  node.store.onFailure = failed.resolve;
  node.ingest.maintain();
  await failed.promise;
  node.store.failingCommits = 0;
  while (node.ingest.unavailableSince > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(await node.ingest.submitBatch(body, ranges), {
    accepted: 50,
    overQuota: 0,
    foreign: 0,
    rejected: [],
  });
  assertCounted(node, { read: 51 });
});

Deno.test("the first write that works says that the store can be written again", async () => {
  const clock = { time: START };
  const topic = topicOf(1, 4);
  using node = rig(topic, { clock });
  node.store.failingCommits = 2;
  // The batch is given up, and with it the attempt that would have told.
  node.store.onFailure = () => node.source.lose(0);
  await node.ingest.run();
  assert.ok(node.ingest.unavailableSince > 0);
  node.store.failingCommits = 0;
  node.source.regain(0);
  await node.ingest.run();
  assert.equal(node.ingest.unavailableSince, 0);
  assertCounted(node, { read: 4 });
});

Deno.test("a device that can't be read in the middle of a batch: all of it is taken once, later", async () => {
  using node = rig(new InputTopic(1), { maxFleetBytes: 1 });
  const first = batchOf(7);
  await node.ingest.submitBatch(first.body, first.ranges);
  node.store.failingLoads = 1;
  node.store.loadsBefore = 3;
  const second = batchOf(21);
  const outcome = await node.ingest.submitBatch(second.body, second.ranges);
  assert.equal(node.store.failingLoads, 0, "a test of nothing otherwise");
  assert.deepEqual(outcome, { accepted: 21, overQuota: 0, foreign: 0, rejected: [] });
  assertCounted(node, { read: 28 });
  assert.equal(node.totals().temperature.count, 28);
});

Deno.test("stopping commits all requests that wait, however many transactions that takes", async () => {
  using node = rig(new InputTopic(1));
  const requests = Array.from({ length: 6 }, (_, i) => batchOf(6_000, i));
  const answered = Promise.all(
    requests.map(({ body, ranges }) => node.ingest.submitBatch(body, ranges)),
  );
  await node.ingest.stop();
  assertCounted(node, { read: 36_000 });
  assert.equal((await answered).length, 6);
});
