/** Traces as a collector gets them, and how a result's id leads to its trace (docs/tracing.md). */
import assert from "node:assert/strict";
import { type CollectedSpan, Collector } from "./collector.ts";
import { makeLoad, seededRandom, take, Writer } from "./load.ts";
import { makeRoad, type Road } from "./road.ts";
import { StorageStandIn } from "./stored.ts";

const ERROR = 2;

interface BatchLine {
  readonly from?: readonly string[];
  readonly ids?: string;
  readonly trace_id?: string;
}

/** The log's lines about batches, as docs/tracing.md tells to look for them. */
function batchLines(road: Road): BatchLine[] {
  return road.program.lines.filter((line) => line.includes('"a batch was committed"'))
    .map((line) => JSON.parse(line));
}

/** The trace of the batch that the reading came in with. */
function traceOf(id: string, lines: readonly BatchLine[]): string {
  const [, partition, offset] = id.match(/^(.*-\d+)-(\d+)$/) ?? [];
  const found = lines.filter(({ from = [], ids = "" }) => {
    if (offset === undefined) {
      const [first, last = first] = ids.split(" to ");
      return first <= id && id <= last;
    }
    return from.some((text) => {
      const [name, span] = text.split(": ");
      const [first, last = first] = span.split(" to ").map(Number);
      return name === partition && first <= Number(offset) && Number(offset) <= last;
    });
  });
  assert.equal(found.length, 1, `${id} stands in ${found.length} of ${lines.length} batches`);
  assert.match(found[0].trace_id ?? "", /^[0-9a-f]{32}$/);
  return found[0].trace_id!;
}

function within(inner: CollectedSpan, outer: CollectedSpan): boolean {
  return BigInt(outer.startTimeUnixNano) <= BigInt(inner.startTimeUnixNano) &&
    BigInt(inner.endTimeUnixNano) <= BigInt(outer.endTimeUnixNano);
}

Deno.test("a result's id leads through the log to its trace: batch, judge, commit and both sends", async () => {
  await using collector = new Collector();
  await using storage = new StorageStandIn();
  await using road = await makeRoad({
    name: "tracing",
    env: { ...collector.env, STORAGE_SERVICE_URL: storage.url, LOG_LEVEL: "debug" },
  });
  await using writer = new Writer(road.input);
  await writer.connect();
  await road.start();
  await writer.send(take(makeLoad({ devices: 20, random: seededRandom(5) }), 300));
  const { results } = await road.drained();
  const url = await road.program.address();
  const body = '{"device_id":"by-http","temperature":21}';
  const answer = await (await fetch(`${url}/api/data`, { method: "POST", body })).json();
  const byHttp: string = answer.data.id;
  await storage.until(() => storage.posts.some(({ id }) => id === byHttp));
  const stored = () => collector.named("send storage").length;
  await collector.until(() => stored() === results + 1);
  const { output } = await road.records();
  const sent = () =>
    collector.named("send output")
      .reduce((sum, span) => sum + Number(span.attributes["messaging.batch.message_count"]), 0);
  await collector.until(() => sent() === results + 1);

  const lines = batchLines(road);
  const ids = output.map(({ value }) => JSON.parse(new TextDecoder().decode(value!)).id as string);
  assert.ok(ids.includes(byHttp));
  for (const id of ids) {
    const trace = traceOf(id, lines);
    const [batch] = collector.named("batch").filter(({ traceId }) => traceId === trace);
    assert.equal(batch.parentSpanId, "", "a batch is a trace of its own");
    const parts = collector.spans.filter(({ parentSpanId }) => parentSpanId === batch.spanId);
    const names = new Set(parts.map(({ name }) => name));
    assert.deepEqual([...names].sort(), ["commit", "judge", "send output", "send storage"]);
    for (const part of parts.filter(({ name }) => name === "judge" || name === "commit")) {
      assert.ok(within(part, batch), `${part.name} lies within its batch`);
    }
    const posts = parts.filter(({ attributes }) => attributes["plumbline.reading.id"] === id);
    assert.equal(posts.length, 1, `${id} was posted in its batch's trace`);
    assert.ok(
      collector.spans.some(({ parentSpanId }) => parentSpanId === posts[0].spanId),
      "the runtime's own span of the request lies below it",
    );
  }
  assert.deepEqual(collector.services, ["plumbline"]);
  assert.ok(collector.spans.every(({ status }) => status.code !== ERROR));
});

Deno.test("a post that fails is a span with the reason, and the next attempt is one of its own", async () => {
  await using collector = new Collector();
  await using storage = new StorageStandIn();
  storage.mood = "fails";
  await using road = await makeRoad({
    name: "tracing-fails",
    env: { ...collector.env, STORAGE_SERVICE_URL: storage.url },
  });
  await road.start();
  const url = await road.program.address();
  const body = '{"device_id":"by-http","temperature":21}';
  const answer = await (await fetch(`${url}/api/data`, { method: "POST", body })).json();
  const posts = () => collector.named("send storage");
  await collector.until(() => posts().some(({ status }) => status.code === ERROR));
  storage.mood = "stores";
  await collector.until(() => posts().some(({ status }) => status.code !== ERROR));
  const [failed] = posts();
  assert.equal(failed.attributes["plumbline.reading.id"], answer.data.id);
  assert.match(failed.status.message ?? "", /^status 5\d\d$/);
  assert.equal(new Set(posts().map(({ traceId }) => traceId)).size, 1);
});
