import assert from "node:assert/strict";
import type { Sink } from "../../src/pipeline/ports.ts";
import { createStorageSink, type StorageSinkOptions } from "../../src/storage_service/sink.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { JournalInMemory, rowOf, type TestResult, valueOf } from "./journal_in_memory.ts";
import { StandIn, stored } from "./stand_in.ts";

interface Running extends AsyncDisposable {
  readonly sink: Sink;
  readonly journal: JournalInMemory;
  readonly lines: { level: string; message: string; cause?: string }[];
}

function start(
  url: string,
  options: Partial<StorageSinkOptions> & { feed?: JournalInMemory } = {},
): Running {
  const lines: Running["lines"] = [];
  const journal = options.feed ?? new JournalInMemory();
  const sink = createStorageSink({
    url: `${url}/base`,
    feed: journal,
    concurrency: 8,
    timeoutMs: 30_000,
    log: createLog({ level: "info", write: (it) => lines.push(JSON.parse(it)), now: Date.now }),
    now: Date.now,
    random: () => 0,
    ...options,
  });
  sink.start();
  return { sink, journal, lines, [Symbol.asyncDispose]: () => sink.close(0) };
}

/** `count` results of so many devices, taking turns. */
function results(count: number, devices: number, first = 0): TestResult[] {
  return Array.from({ length: count }, (_, i) => ({
    device: `d${(first + i) % devices}`,
    id: `in-0-${first + i}`,
  }));
}

/** Fails where a device's results were stored in another order than they stand in the journal. */
function assertInOrder(ids: readonly string[], all: readonly TestResult[]): void {
  const deviceOf = new Map(all.map((it) => [it.id, it.device]));
  for (const device of new Set(deviceOf.values())) {
    assert.deepEqual(
      ids.filter((id) => deviceOf.get(id) === device),
      all.filter((it) => it.device === device).map((it) => it.id),
      device,
    );
  }
}

Deno.test("a result is one POST: the value's bytes, JSON, the id as Idempotency-Key", async () => {
  await using service = new StandIn();
  await using running = start(service.url);
  const result = { device: "gerät", id: "sensor-data-3-17" };
  running.journal.append(rowOf(1, [result]));
  await running.journal.drained();
  const [post] = service.posts;
  assert.equal(post.body, valueOf(result));
  assert.equal(post.headers.get("content-type"), "application/json");
  assert.equal(post.headers.get("idempotency-key"), "sensor-data-3-17");
  assert.deepEqual(running.journal.cursor, { row: 1, record: 1 });
  assert.equal(running.sink.state(), "connected");
  assert.deepEqual(running.lines, []);
});

Deno.test("everything once, in order per device, at most so many at a time, on kept connections", async () => {
  const all = results(3000, 40);
  await using service = new StandIn(async (post) => {
    // The first eight wait for each other, d3 is slower than all the rest.
    await service.until(() => service.open === 8 || service.posts.length > 8);
    if (post.device === "d3") await new Promise((resolve) => setTimeout(resolve, 1));
    return stored();
  });
  await using running = start(service.url);
  const { journal } = running;
  let checked = 0;
  journal.onCursor = ({ row, record }) => {
    for (; checked < (row - 1) * 100 + record; checked++) {
      assert.ok(service.stored.includes(all[checked].id), `${all[checked].id} isn't stored yet`);
    }
  };
  for (let row = 0; row < 30; row++) {
    journal.append(rowOf(row + 1, all.slice(row * 100, row * 100 + 100)));
  }
  await journal.drained();
  assert.equal(service.posts.length, 3000);
  assertInOrder(service.stored, all);
  assert.equal(service.mostOpen, 8);
  const connections = new Set(service.posts.map((it) => it.connection)).size;
  assert.ok(connections <= 8, `${connections} connections`);
});

Deno.test("begins behind what is stored already", async () => {
  await using service = new StandIn();
  const feed = new JournalInMemory({ from: { row: 7, record: 2 } });
  const all = results(5, 5);
  feed.append(rowOf(7, all.slice(0, 3)), rowOf(9, all.slice(3)));
  await using running = start(service.url, { feed });
  await running.journal.drained();
  assert.deepEqual(service.stored.toSorted(), ["in-0-2", "in-0-3", "in-0-4"]);
  assert.deepEqual(feed.cursor, { row: 9, record: 2 });
});

Deno.test("a row that is stored to its end is skipped", async () => {
  await using service = new StandIn();
  const feed = new JournalInMemory({ from: { row: 1, record: 3 } });
  const all = results(6, 6);
  feed.append(rowOf(1, all.slice(0, 3)), rowOf(2, all.slice(3)));
  await using _running = start(service.url, { feed });
  await feed.drained();
  assert.deepEqual(service.stored.toSorted(), ["in-0-3", "in-0-4", "in-0-5"]);
});

Deno.test("one device's failing result: its lane waits and keeps its order, all others go on", async () => {
  const all = results(400, 20);
  let refuse = true;
  await using service = new StandIn((post) =>
    refuse && post.device === "d5" ? new Response("no such sensor", { status: 500 }) : stored()
  );
  await using running = start(service.url);
  const { journal, lines } = running;
  journal.append(rowOf(1, all.slice(0, 200)), rowOf(2, all.slice(200)));
  await service.until(() => service.stored.length === 380);
  assert.equal(journal.cursor.record, 5, "the cursor stands before the first refused one");
  const tried = service.posts.filter((it) => it.device === "d5");
  assert.ok(tried.every((it) => it.id === "in-0-5"));
  refuse = false;
  await journal.drained();
  assertInOrder(service.stored, all);
  assert.deepEqual(lines.map(({ level, cause }) => [level, cause]), [
    ["warn", "status 500"],
    ["info", undefined],
  ]);
  assert.ok(!JSON.stringify(lines).includes("no such sensor"), "an answer may quote the reading");
});

Deno.test("a device that is refused for ever doesn't hold up the others by its retries", async () => {
  await using service = new StandIn((post) =>
    post.device === "bad" ? new Response(null, { status: 500 }) : stored()
  );
  await using running = start(service.url);
  const bad = { device: "bad", id: "bad-1" };
  const { journal } = running;
  journal.append(rowOf(1, [bad]));
  await service.until(() => service.posts.some((it) => it.attempt === 2));
  // Alone, three times refused: what comes now still goes out at once.
  const refusedSoFar = service.posts.length;
  journal.append(rowOf(2, results(100, 10)));
  await service.until(() => service.stored.length === 100);
  assert.ok(service.posts.length - 100 <= refusedSoFar + 1, "waited for retries of the bad one");
});

Deno.test("a service that isn't there: nothing is lost, told once, connected when it comes", async () => {
  let port: number;
  {
    await using gone = new StandIn();
    port = gone.port;
  }
  await using running = start(`http://127.0.0.1:${port}`);
  const { journal, sink, lines } = running;
  assert.equal(sink.state(), "connecting");
  const all = results(500, 30);
  journal.append(rowOf(1, all));
  while (sink.state() !== "error") await new Promise((resolve) => setTimeout(resolve, 1));
  await using service = new StandIn(stored, port);
  await journal.drained();
  assertInOrder(service.stored, all);
  assert.equal(service.stored.length, 500);
  assert.equal(sink.state(), "connected");
  assert.deepEqual(lines.map((it) => it.level), ["warn", "info"]);
  assert.match(lines[0].cause!, /Connection refused/);
});

Deno.test("while the service is down one request at a time probes it, less and less often", async () => {
  const times: number[] = [];
  let down = true;
  await using service = new StandIn(() => {
    times.push(performance.now());
    return down ? new Response("later", { status: 503 }) : stored();
  });
  await using running = start(service.url, { concurrency: 8 });
  const { journal } = running;
  const all = results(1000, 100);
  journal.append(rowOf(1, all));
  await service.until(() => times.length >= 14);
  // Eight at once, a ninth while only one had failed, a first probe; from then on with pauses.
  const pauses = times.slice(10).map((time, i) => time - times[9 + i]);
  assert.ok(pauses.every((pause) => pause > 40), pauses.join());
  assert.ok(pauses.at(-1)! > pauses[0] * 1.5, pauses.join());
  assert.equal(service.open, 0);
  down = false;
  await journal.drained();
  assertInOrder(service.stored, all);
  assert.equal(service.stored.length, 1000);
});

Deno.test("a service that never answers: the timeout ends the request, the result comes again", async () => {
  const never = new Promise<Response>(() => {});
  await using service = new StandIn((post) => post.attempt === 0 ? never : stored());
  await using running = start(service.url, { timeoutMs: 60 });
  const { journal, lines } = running;
  const all = results(20, 4);
  journal.append(rowOf(1, all));
  await journal.drained();
  assertInOrder(service.stored, all);
  assert.equal(lines[0].cause, "no answer within 60 ms");
});

Deno.test("a hanging device delays no other", async () => {
  const hanging = Promise.withResolvers<Response>();
  await using service = new StandIn((post) => post.device === "d0" ? hanging.promise : stored());
  await using running = start(service.url);
  const { journal } = running;
  const all = results(1000, 50);
  journal.append(rowOf(1, all));
  await service.until(() => service.stored.length === 980);
  assert.equal(service.posts.filter((it) => it.device === "d0").length, 1);
  assert.deepEqual(journal.cursor, { row: 0, record: 0 });
  service.answer = stored;
  hanging.resolve(stored());
  await journal.drained();
  assertInOrder(service.stored, all);
});

Deno.test("a connection that is cut: the result comes again", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for (let i = 0; i < 3; i++) {
      using connection = await listener.accept();
      await connection.read(new Uint8Array(10));
    }
    using connection = await listener.accept();
    await connection.read(new Uint8Array(10_000));
    const text = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    await connection.write(new TextEncoder().encode(text));
  })();
  await using running = start(`http://127.0.0.1:${listener.addr.port}`, { concurrency: 1 });
  running.journal.append(rowOf(1, results(1, 1)));
  await running.journal.drained();
  await serving;
});

Deno.test("redirects aren't followed, long answers aren't read to their end", async () => {
  let attempts = 0;
  await using service = new StandIn(() => {
    attempts++;
    if (attempts === 1) return new Response(null, { status: 307, headers: { location: "/else" } });
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent++;
        controller.enqueue(new Uint8Array(16_384).fill(120));
        if (sent > 1000) controller.error(new Error("read on and on"));
      },
    });
    return new Response(endless, { status: attempts === 2 ? 500 : 200 });
  });
  await using running = start(service.url);
  running.journal.append(rowOf(1, results(1, 1)));
  await running.journal.drained();
  assert.equal(attempts, 3);
  assert.match(running.lines[0].cause!, /^status 307/);
});

Deno.test("what is in hand is bounded while a device blocks the cursor", async () => {
  await using service = new StandIn((post) =>
    post.device === "d0" ? new Promise<Response>(() => {}) : stored()
  );
  await using running = start(service.url, { concurrency: 64 });
  const { journal } = running;
  const blocked: TestResult = { device: "d0", id: "blocked" };
  const rest = results(9000, 900).map((it) => ({ ...it, device: `x${it.device}` }));
  journal.append(rowOf(1, [blocked]));
  for (let i = 0; i < 90; i++) journal.append(rowOf(i + 2, rest.slice(i * 100, i * 100 + 100)));
  await service.until(() => service.stored.length === 4095);
  assert.ok(journal.taken <= 42, `${journal.taken} rows were taken`);
});

Deno.test("a journal that can't be read is tried again", async () => {
  await using service = new StandIn();
  await using running = start(service.url);
  const { journal, lines } = running;
  journal.failure = new Error("disk I/O error");
  journal.append(rowOf(1, results(3, 3)));
  await journal.drained();
  assert.equal(lines.filter((it) => it.level === "error").length, 1);
});

Deno.test("close waits for what is in flight, and its results count", async () => {
  const answer = Promise.withResolvers<void>();
  await using service = new StandIn(() => answer.promise.then(stored));
  const { sink, journal } = start(service.url, { concurrency: 2 });
  journal.append(rowOf(1, results(10, 10)));
  await service.until(() => service.open === 2);
  const closing = sink.close(30_000);
  answer.resolve();
  await closing;
  assert.equal(service.posts.length, 2);
  assert.deepEqual(journal.cursor, { row: 1, record: 2 });
});

Deno.test("close gives up at its deadline: the cursor stays before what wasn't answered", async () => {
  await using service = new StandIn(() => new Promise<Response>(() => {}));
  const { sink, journal, lines } = start(service.url);
  journal.append(rowOf(1, results(10, 10)));
  await service.until(() => service.open === 8);
  await sink.close(20);
  assert.deepEqual(journal.cursor, { row: 0, record: 0 });
  assert.deepEqual(lines, []);
});

Deno.test("a refused result is a dead letter with the answer, and its device goes on", async () => {
  const all = results(40, 4);
  await using service = new StandIn((post) =>
    post.id === "in-0-5" ? new Response("x".repeat(3000), { status: 422 }) : stored()
  );
  await using running = start(service.url);
  running.journal.append(rowOf(1, all));
  await running.journal.drained();
  assertInOrder(service.stored, all.filter(({ id }) => id !== "in-0-5"));
  const [letter, ...others] = running.journal.refused;
  assert.deepEqual(others, []);
  assert.equal(new TextDecoder().decode(letter.bytes), valueOf(all[5]));
  assert.deepEqual(
    [letter.id, letter.tenant, letter.sink, letter.status, letter.answer, letter.attempts],
    ["in-0-5", "default", "storage", 422, "x".repeat(1024), 1],
  );
  assert.deepEqual(running.lines.map(({ level }) => level), ["error"]);
});

Deno.test("404 to everything is a wrong address: all is kept; 404 to one is that result's", async () => {
  let wrong = true;
  await using service = new StandIn((post) =>
    wrong || post.id === "in-0-5" ? new Response(null, { status: 404 }) : stored()
  );
  await using running = start(service.url);
  const all = results(40, 4);
  running.journal.append(rowOf(1, all));
  await service.until(() => service.posts.length >= 12);
  assert.deepEqual(running.journal.refused, []);
  wrong = false;
  await running.journal.drained();
  assert.deepEqual(running.journal.refused.map(({ id }) => id), ["in-0-5"]);
  assert.equal(service.stored.length, 39);
});

Deno.test("401 and 429 are kept; nothing is posted before Retry-After is over", async () => {
  const times: number[] = [];
  await using service = new StandIn(() => {
    times.push(performance.now());
    if (times.length === 1) return new Response(null, { status: 401 });
    if (times.length > 2) return stored();
    return new Response(null, { status: 429, headers: { "retry-after": "1" } });
  });
  await using running = start(service.url, { concurrency: 1 });
  running.journal.append(rowOf(1, results(10, 5)));
  await running.journal.drained();
  assert.ok(times[2] - times[1] > 990, `${times[2] - times[1]} ms`);
  assert.deepEqual(running.journal.refused, []);
  assert.equal(service.stored.length, 10);
});

Deno.test("Retry-After as a date: nothing is posted before it, not by any device", async () => {
  const times: number[] = [];
  await using service = new StandIn(() => {
    times.push(Date.now());
    if (times.length > 1) return stored();
    // To the second, as such dates are: from one to two seconds from now.
    const date = new Date(Date.now() + 2_000).toUTCString();
    return new Response(null, { status: 503, headers: { "retry-after": date } });
  });
  await using running = start(service.url, { concurrency: 1 });
  running.journal.append(rowOf(1, results(10, 5)));
  await running.journal.drained();
  assert.ok(times[1] - times[0] > 900, `${times[1] - times[0]} ms`);
  assert.equal(service.stored.length, 10);
});

Deno.test("a service that refuses everything: not at full speed", async () => {
  await using service = new StandIn(() => new Response(null, { status: 400 }));
  await using running = start(service.url);
  running.journal.append(rowOf(1, results(1000, 100)));
  await service.until(() => service.posts.length >= 108);
  assert.ok(running.journal.refused.length < 115, `${running.journal.refused.length}`);
});
