import assert from "node:assert/strict";
import { StoreUnavailable } from "../../src/pipeline/ports.ts";
import { apiOver } from "./in_memory.ts";
import { EventReader } from "../harness/event_stream.ts";
import { eventually, idAt, reading, refusal, streamRig } from "./stream_rig.ts";

Deno.test("a reader sees what is committed from now on, byte for byte, by type", async () => {
  await using it = streamRig();
  await it.submit(reading("before"));
  const response = it.ask();
  assert.equal(response.status, 200);
  assert.deepEqual(Object.fromEntries(response.headers), {
    "cache-control": "no-store, no-transform",
    "content-type": "text/event-stream",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
  });
  await response.body!.cancel();
  await using reader = it.open();
  const results = [
    ...await it.submit(reading("a"), reading("ü\u2028'\"", { anomaly: true })),
    ...await it.submit(reading("b")),
  ];
  await reader.until(({ events }) => events.length === 3);
  assert.deepEqual(reader.events.map(({ data }) => data), results);
  assert.deepEqual(reader.events.map(({ type }) => type), ["result", "anomaly", "result"]);
  assert.equal(reader.parser.retry, 1000);
  assert.equal(it.readers.size, 1);
  assert.deepEqual(it.readers.counts().events, { result: 2, anomaly: 1, gap: 0 });
});

Deno.test("what a batch that was given up had judged isn't shown", async () => {
  await using it = streamRig();
  await using reader = it.open();
  it.store.failingCommits = Infinity;
  // Requests lose their patience.
  it.store.onFailure = () => it.clock.time += 5_000;
  await assert.rejects(it.submit(reading("never")), StoreUnavailable);
  it.store.failingCommits = 0;
  it.ingest.maintain();
  const [result] = await it.submit(reading("a"));
  await reader.until(({ events }) => events.length > 0);
  assert.equal(reader.events[0].data, result);
});

Deno.test("tenant, device and anomalies filter, together or alone", async () => {
  await using it = streamRig();
  const open = (query: Record<string, string>) => it.open({ query });
  await using north = open({ tenant: "north" });
  await using a = open({ device: "a" });
  await using anomalies = open({ anomalies: "true" });
  await using all = open({ tenant: "north", device: "a", anomalies: "true" });
  await using none = open({ tenant: "nor" });
  const results = await it.submit(
    ...["north", "south"].flatMap((tenant) =>
      ["a", "aa"].flatMap((device) =>
        [true, false].map((anomaly) => reading(device, { tenant, anomaly }))
      )
    ),
  );
  const pick = (...numbers: number[]) => numbers.map((number) => results[number]);
  for (
    const [reader, expected] of [
      [north, pick(0, 1, 2, 3)],
      [a, pick(0, 1, 4, 5)],
      [anomalies, pick(0, 2, 4, 6)],
      [all, pick(0)],
    ] as const
  ) {
    await reader.until(({ events }) => events.length >= expected.length);
    assert.deepEqual(reader.events.map(({ data }) => data), expected);
  }
  // It is told where it stands, so that it resumes from there.
  const end = `.${it.store.journal.lastId() + 1}.0.8`;
  for (const reader of [none, all]) await reader.until((it) => it.lastEventId.endsWith(end));
  assert.deepEqual(none.events, []);
});

Deno.test("a request of some tenants sees theirs alone, and no counts", async () => {
  await using it = streamRig();
  const tenants = new Set(["north"]);
  await using reader = it.open({ tenants });
  await using named = it.open({ tenants, query: { tenant: "north" } });
  await using foreign = it.open({ tenants, query: { tenant: "south" } });
  await using nobody = it.open({ tenants: new Set() });
  const [, mine] = await it.submit(
    reading("a", { tenant: "south" }),
    reading("a", { tenant: "north" }),
  );
  for (const it of [reader, named]) await it.until(({ events }) => events.length > 0);
  assert.deepEqual(reader.events.map(({ data }) => data), [mine]);
  assert.match(reader.events[0].lastEventId, /^[0-9a-f]{8}\.2\.0$/);
  for (const other of [foreign, nobody]) {
    await other.until((it) => /\.2\.0$/.test(it.lastEventId));
    assert.deepEqual(other.events, []);
  }
  it.prune();
  await using next = streamRig({ after: it });
  await using resumed = next.open({ tenants, lastEventId: idAt(next, 1) });
  await resumed.until(({ events }) => events.length > 0);
  assert.deepEqual(JSON.parse(resumed.events[0].data).missed, null);
});

Deno.test("Last-Event-ID: what is in the journal comes again from there, in the middle of a row, too", async () => {
  await using it = streamRig();
  await using first = it.open();
  const results = await it.submit(...["a", "b", "c", "d"].map((device) => reading(device)));
  results.push(...await it.submit(reading("e")));
  await first.until(({ events }) => events.length === 5);
  const ids = first.events.map(({ lastEventId }) => lastEventId);
  for (const [i, lastEventId] of ids.slice(0, -1).entries()) {
    await using resumed = it.open({ lastEventId });
    await resumed.until(({ events }) => events.length === 4 - i);
    assert.deepEqual(resumed.events, first.events.slice(i + 1));
    await using byQuery = it.open({ query: { after: lastEventId } });
    await byQuery.until(({ events }) => events.length === 4 - i);
    assert.deepEqual(byQuery.events, first.events.slice(i + 1));
  }
  await using next = streamRig({ after: it });
  await using again = next.open({ lastEventId: ids[1] });
  await again.until(({ events }) => events.length === 3);
  assert.deepEqual(again.events, first.events.slice(2));
});

Deno.test("what was pruned comes from memory; a minute after the last reader left it is forgotten", async () => {
  await using it = streamRig();
  await using reader = it.open();
  await it.submit(reading("a"), reading("b"));
  await reader.until(({ events }) => events.length === 2);
  const lastEventId = reader.events[0].lastEventId;
  await reader[Symbol.asyncDispose]();
  assert.equal(it.readers.size, 0);
  it.clock.time += 59_000;
  await it.submit(reading("c"));
  it.prune();
  assert.equal(it.store.journal.size().rows, 0);
  await using resumed = it.open({ lastEventId });
  await resumed.until(({ events }) => events.length === 2);
  assert.deepEqual(devices(resumed.events), ["b", "c"]);
  await resumed[Symbol.asyncDispose]();
  it.clock.time += 60_000;
  await it.submit(reading("d"));
  assert.equal(it.tail.bytes, 0);
  it.prune();
  await using late = it.open({ lastEventId });
  await it.submit(reading("e"));
  await late.until(({ events }) => events.length === 2);
  const [gap, event] = late.events;
  assert.equal(gap.type, "gap");
  assert.deepEqual(JSON.parse(gap.data), { reason: "not kept", after: lastEventId, missed: 3 });
  assert.deepEqual(devices([event]), ["e"]);
  // Whoever comes back from the gap isn't told of it again.
  await using after = it.open({ lastEventId: gap.lastEventId });
  await after.until(({ events }) => events.length === 1);
  assert.deepEqual(after.events, [event]);
});

function devices(events: readonly { readonly data: string }[]): string[] {
  return events.map(({ data }) => JSON.parse(data).device_id);
}

Deno.test("the end of a row that is gone was missed, and counted over a restart", async () => {
  await using it = streamRig();
  await using reader = it.open();
  await it.submit(reading("a"), reading("b"), reading("c"));
  await reader.until(({ events }) => events.length === 3);
  const lastEventId = reader.events[0].lastEventId;
  it.prune();
  await using next = streamRig({ after: it });
  await using resumed = next.open({ lastEventId });
  await resumed.until(({ events }) => events.length === 1);
  assert.equal(JSON.parse(resumed.events[0].data).missed, 2);
  // The others lie behind it already: nothing is missing.
  await using whole = next.open({ lastEventId: reader.events[2].lastEventId });
  await next.submit(reading("d"));
  await whole.until(({ events }) => events.length === 1);
  assert.deepEqual(devices(whole.events), ["d"]);
});

Deno.test("a row that was deleted out of the journal's middle is told; a copy isn't missed", async () => {
  await using it = streamRig();
  for (const device of ["a", "b", "c"]) await it.submit(reading(device));
  const copy = it.store.journal.row(3)!;
  it.store.transact((tx) => tx.append({ ...copy, id: 4 }, "resent"));
  it.ids.last = 4;
  await it.submit(reading("d"));
  await using whole = it.open({ lastEventId: idAt(it, 1) });
  await whole.until(({ events }) => events.length === 4);
  assert.deepEqual(devices(whole.events), ["a", "b", "c", "d"]);

  it.store.transact((tx) => tx.deleteRows([2]));
  await using next = streamRig({ after: it });
  await using before = next.open({ lastEventId: `${idAt(next, 2)}.1` });
  await before.until(({ events }) => events.length === 3);
  assert.equal(JSON.parse(before.events[0].data).missed, 1);
  assert.deepEqual(devices(before.events.slice(1)), ["c", "d"]);
  // One that comes to it later is ended there, and told when it comes back.
  await using across = next.open({ lastEventId: idAt(next, 1) });
  await across.toEnd();
  assert.deepEqual(devices(across.events), ["a"]);
  assert.deepEqual(next.readers.counts().dropped, { unread: 0, behind: 1 });
  // It gets what was made for it before, whenever it reads: or it would come back to the same place for ever.
  const late = next.ask({ lastEventId: idAt(next, 1) });
  await eventually(() => next.readers.counts().dropped.behind === 2);
  await using later = new EventReader(late.body!);
  await later.toEnd();
  assert.deepEqual(later.events, across.events);
  await using blind = next.open({ lastEventId: idAt(next, 1), query: { device: "none" } });
  await blind.toEnd();
  assert.match(blind.parser.lastEventId, /\.2\.0(\.\d+)?$/);
  // One that doesn't read even that is dropped in the end.
  const never = next.ask({ lastEventId: idAt(next, 1) });
  await eventually(() => next.readers.counts().dropped.behind === 4);
  next.clock.time += 30_000;
  await eventually(() => next.readers.size === 1);
  assert.equal((await never.text()).includes("event:"), false);
  assert.deepEqual(next.readers.counts().dropped, { unread: 0, behind: 4 });
});

Deno.test("an id that isn't of these results is told, and all that is kept is sent", async () => {
  await using it = streamRig();
  await it.submit(reading("a"));
  const folder = it.store.positions.folderId.slice(0, 8);
  const wrong = [
    "bogus",
    "00000000.1.0.0",
    `${folder}.3.0.1`,
    `${folder}.2.1.1`,
    `${folder}.2.0.2`,
    `${folder}.0.0`,
    `${folder}.1.1.0`,
    "x".repeat(5000),
  ];
  for (const lastEventId of wrong) {
    await using reader = it.open({ lastEventId });
    await reader.until(({ events }) => events.length === 2);
    const [gap, event] = reader.events;
    assert.deepEqual(JSON.parse(gap.data), {
      reason: "unknown id",
      after: lastEventId.slice(0, 80),
      missed: null,
    });
    assert.deepEqual(devices([event]), ["a"]);
  }
  // A record that its row doesn't have: as if the row lay behind it.
  await using beyond = it.open({ lastEventId: idAt(it, 1, 7) });
  await it.submit(reading("b"));
  await beyond.until(({ events }) => events.length === 1);
  assert.deepEqual(devices(beyond.events), ["b"]);
});

Deno.test("wrong parameters are refused, HEAD answers without a stream", async () => {
  await using it = streamRig({ limits: { readers: 1 } });
  const message = (query: Record<string, string>) => refusal(() => it.ask({ query })).message;
  assert.equal(message({ anomalies: "yes" }), 'anomalies: expected true or false, got "yes"');
  assert.equal(message({ tenant: "" }), 'tenant: expected a tenant\'s name, got ""');
  assert.match(message({ anomaly: "true" }), /did you mean anomalies\?/);
  const head = it.ask({ method: "HEAD" });
  assert.equal(head.body, null);
  assert.equal(head.headers.get("content-type"), "text/event-stream");
  assert.equal(it.readers.size, 0);
  await using _reader = it.open();
  for (const method of ["GET", "HEAD"]) {
    const full = refusal(() => it.ask({ method }));
    assert.equal(full.status, 503);
    assert.equal(full.message, "reading the stream: 1 are there already");
    assert.equal(full.headers["retry-after"], "5");
  }
  assert.equal(it.readers.counts().refused, 2);
  await _reader[Symbol.asyncDispose]();
  await it.ask().body!.cancel();
});

Deno.test("over the whole API: HEAD without an end to wait for, and the metrics", async () => {
  const { api, get } = apiOver();
  const head = await api.request("/api/stream", { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get("content-length"), null);
  const stream = await api.request("/api/stream");
  await stream.body!.cancel();
  const { text } = await get("/metrics");
  assert.match(
    text,
    /http_request_duration_seconds_count\{endpoint="\/api\/stream",method="GET"\} 1/,
  );
  const wrong = await api.request("/api/stream", { method: "POST" });
  assert.equal(wrong.headers.get("allow"), "GET, HEAD");
});
