/** `GET /api/stream`: what readers cost at most, and how they end. */
import assert from "node:assert/strict";
import { eventually, idAt, reading, refusal, streamRig } from "./stream_rig.ts";

Deno.test("a reader that takes nothing is bounded in bytes, then dropped; others go on", async () => {
  await using it = streamRig({
    limits: { readers: 2, readerBytes: 10_000, allBytes: 15_000, unreadMs: 30_000 },
  });
  const gone = Promise.withResolvers<void>();
  const asleep = it.ask({ completed: gone.promise }).body!;
  await using awake = it.open();
  for (let i = 0; i < 50; i++) {
    await it.submit(...Array.from({ length: 5 }, () => reading("a")));
    await awake.until(({ events }) => events.length === 5 * (i + 1));
  }
  const made = it.readers.counts().events.result;
  // 15,000 bytes for two are 7,500 each, and one event more at most.
  assert.ok(made < 250 + 8_500 / 300, `${made}`);
  it.clock.time += 29_000;
  await it.submit(reading("a"));
  await awake.until(({ events }) => events.length === 251);
  assert.equal(it.readers.size, 2);
  it.clock.time += 1_000;
  await eventually(() => it.readers.size === 1);
  assert.deepEqual(it.readers.counts().dropped, { unread: 1, behind: 0 });
  assert.equal(it.readers.clinging, 1);
  gone.resolve();
  await gone.promise;
  assert.equal(it.readers.clinging, 0);
  // All that there is left to read is what it had been given.
  const rest = await new Response(asleep).text();
  assert.ok(rest.length < 1000, rest);
});

Deno.test("dropped readers that don't go are counted, and bounded", async () => {
  await using it = streamRig({ limits: { readers: 2, unreadMs: 10 } });
  const never = new Promise<void>(() => {});
  for (let i = 1; i <= 2; i++) {
    it.ask({ completed: never });
    it.clock.time += 10;
    await it.submit(reading("a"));
    await eventually(() => it.readers.clinging === i);
  }
  const { status, message } = refusal(() => it.ask());
  assert.equal(status, 503);
  assert.match(message, /2 that were dropped haven't closed their connections$/);
});

Deno.test("those who may see the same tenants only get a quarter of the places, dropped ones too", async () => {
  await using it = streamRig({ limits: { readers: 8, unreadMs: 10 } });
  const never = new Promise<void>(() => {});
  const north = new Set(["north", "x"]);
  for (let i = 0; i < 2; i++) it.ask({ tenants: north, completed: never });
  const full = () => refusal(() => it.ask({ tenants: new Set(["x", "north"]) })).message;
  assert.equal(full(), "reading the stream: 2 with the same access are there already");
  assert.equal(refusal(() => it.ask({ tenants: north, method: "HEAD" })).status, 503);
  await using _south = it.open({ tenants: new Set(["south"]) });
  it.clock.time += 10;
  await it.submit(reading("a", { tenant: "north" }));
  await eventually(() => it.readers.clinging === 2);
  assert.equal(
    full(),
    "reading the stream: 2 with the same access that were dropped haven't closed their connections",
  );
  await using _all = it.open();
  assert.equal(it.readers.size, 2);
});

Deno.test("readers rest three times as long as they were at work", async () => {
  await using it = streamRig();
  // A fake: each look at the results takes 2 ms.
  const next = it.tail.next.bind(it.tail);
  it.tail.next = (at) => {
    it.clock.time += 2;
    return next(at);
  };
  const delays: number[] = [];
  const wait = globalThis.setTimeout;
  globalThis.setTimeout = ((work: () => void, ms: number) => {
    delays.push(ms);
    return wait(work, 0);
  }) as typeof setTimeout;
  try {
    for (let i = 0; i < 3; i++) await it.submit(reading("a"));
    delays.length = 0;
    await using reader = it.open({ lastEventId: idAt(it, 1) });
    await reader.until(({ events }) => events.length === 3);
  } finally {
    globalThis.setTimeout = wait;
  }
  // Three rows, then time is up: 6 ms. The end is seen in a turn of its own.
  assert.ok(delays.includes(18), `${delays}`);
  assert.ok(delays.every((ms) => ms === 0 || ms % 6 === 0), `${delays}`);
});

Deno.test("one whose place isn't kept any more is dropped, and told when it comes back", async () => {
  await using it = streamRig({ tailBytes: 2_000, limits: { readerBytes: 500 } });
  await using slow = it.open();
  await using awake = it.open({ query: { device: "b" } });
  await it.submit(...Array.from({ length: 30 }, () => reading("a")));
  await slow.until(({ events }) => events.length >= 1);
  for (let i = 0; i < 10; i++) await it.submit(...Array.from({ length: 5 }, () => reading("b")));
  it.prune();
  await awake.until(({ events }) => events.length > 0);
  await slow.toEnd();
  assert.equal(it.readers.counts().dropped.behind >= 1, true);
  await using back = it.open({ lastEventId: slow.parser.lastEventId });
  await back.until(({ events }) => events.length > 0);
  const { reason, missed } = JSON.parse(back.events[0].data);
  assert.equal(reason, "not kept");
  assert.equal(missed > 0 && missed < 80, true);
});

Deno.test("who waits hears something now and then, and who goes is noticed", async () => {
  await using it = streamRig({ limits: { heartbeatMs: 15_000 } });
  await using reader = it.open({ query: { device: "none" } });
  await reader.until(({ retry }) => retry !== undefined);
  it.clock.time += 15_000;
  await reader.until(({ comments }) => comments.length === 1);
  it.clock.time += 15_000;
  await reader.until(({ comments }) => comments.length === 2);
  await it.submit(reading("a"));
  await reader.until(({ lastEventId }) => lastEventId.endsWith(".2.0.1"));
  await reader[Symbol.asyncDispose]();
  assert.equal(it.readers.size, 0);
});

Deno.test("at the end readers get what is there, and nobody is waited for", async () => {
  await using it = streamRig();
  await using reader = it.open();
  it.ask(); // Nobody reads it.
  const results = await it.submit(...Array.from({ length: 500 }, (_, i) => reading(`d${i}`)));
  const closing = it.readers.close(50);
  assert.equal(refusal(() => it.ask()).status, 503);
  await reader.toEnd();
  assert.deepEqual(reader.events.map(({ data }) => data), results);
  await closing;
  assert.equal(it.readers.size, 0);
});

Deno.test("while nobody looks on nothing is kept; while somebody does rows are, without their buffers", async () => {
  const tailBytes = 1_000_000;
  await using it = streamRig({ tailBytes });
  const given: unknown[] = [];
  const give = it.pool.give.bind(it.pool);
  it.pool.give = (buffer) => void (given.push(buffer), give(buffer));
  const large = () => it.submit(...Array.from({ length: 600 }, () => reading("a")));
  await large();
  assert.equal(given.length, 1);
  assert.equal(it.tail.bytes, 0);
  await using reader = it.open();
  await large();
  const each = it.tail.bytes;
  const [row] = it.store.journal.resultRows(1, 0);
  assert.ok(each >= row.body.length && each < row.body.length + 1_000, `${each}`);
  const rows = 3 * Math.floor(tailBytes / each);
  for (let i = 1; i < rows; i++) await large();
  assert.equal(given.length, rows + 1);
  // The oldest ones go.
  assert.equal(it.tail.bytes, Math.floor(tailBytes / each) * each);
  await reader.until(({ events }) => events.length === 600 * rows);
  assert.equal(new Set(reader.events.map(({ data }) => JSON.parse(data).id)).size, 600 * rows);
});
