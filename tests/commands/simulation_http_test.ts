import assert from "node:assert/strict";
import { httpTarget, singlesTarget } from "../../src/commands/simulation_http.ts";
import type { SimulatedReading } from "../../src/simulation/simulation.ts";
import { simulation } from "../simulation/fleet.ts";

const fleet = simulation({ devices: 7, faults: [] });
const batch = Array.from({ length: 21 }, (_, number) => fleet.reading(number)!);
const numbers = (readings: readonly SimulatedReading[]) => readings.map(({ number }) => number);

/** A server in the place of an engine's API; it hands each request's text to `answer`. */
function api(answer: (text: string, request: Request) => Response | Promise<Response>) {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => await answer(await request.text(), request),
  );
  return {
    address: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const accepted = (count: number) => Response.json({ status: "ok", accepted: count, rejected: [] });

Deno.test("a batch is one request of lines, each a reading", async () => {
  const seen: unknown[] = [];
  await using server = api((text, request) => {
    seen.push([request.method, new URL(request.url).pathname, request.headers.get("content-type")]);
    const lines = text.split("\n").map((line) => JSON.parse(line).device_id);
    assert.deepEqual(lines, batch.map(({ device }) => device));
    return accepted(lines.length);
  });
  const delivery = await httpTarget(server.address).send(batch);
  assert.deepEqual(delivery, { accepted: 21, rejected: [], unsent: [] });
  assert.deepEqual(seen, [["POST", "/api/data", "application/x-ndjson"]]);
});

Deno.test("a batch of which some, or all, are rejected", async () => {
  for (const [status, count] of [[207, 20], [400, 0]]) {
    const rejected = [{ index: 4, message: "not liked" }];
    await using server = api(() => Response.json({ accepted: count, rejected }, { status }));
    assert.deepEqual(await httpTarget(server.address).send(batch), {
      accepted: count,
      rejected: [{ reading: batch[4], message: "not liked" }],
      unsent: [],
    });
  }
});

Deno.test("what comes of other answers: again, later, or never", async () => {
  const table: [Response, Record<string, unknown>][] = [
    [
      Response.json({ message: "full" }, { status: 429, headers: { "retry-after": "5" } }),
      { message: "status 429: full", retryAfterMs: 5000 },
    ],
    [new Response("?", { status: 502 }), { message: "status 502", retryAfterMs: 0 }],
    [
      Response.json({ message: "Not found" }, { status: 404 }),
      { message: "status 404: Not found", final: true },
    ],
    [new Response("<html>", { status: 200 }), { message: "status 200", final: true }],
    [new Response("<html>", { status: 400 }), { message: "status 400", final: true }],
  ];
  for (const [response, failure] of table) {
    await using server = api(() => response);
    assert.deepEqual(await httpTarget(server.address).send(batch), {
      accepted: 0,
      rejected: [],
      unsent: batch,
      failure,
    });
  }
});

Deno.test("a server that is away, or goes away: all of it is to be sent again", async () => {
  const closed = api(() => accepted(0));
  await closed[Symbol.asyncDispose]();
  const { unsent, failure } = await httpTarget(closed.address).send(batch);
  assert.deepEqual(numbers(unsent), numbers(batch));
  assert.deepEqual(failure, { message: "Connection refused" });
});

Deno.test("singles: every result is handed on, and a device's readings stay in order", async () => {
  const arrived = new Map<string, string[]>();
  await using server = api(async (text) => {
    const { device_id, timestamp } = JSON.parse(text);
    // Answers overtake one another: only waiting for each keeps a device's order.
    await new Promise((resolve) => setTimeout(resolve, text.length % 3));
    arrived.set(device_id, [...arrived.get(device_id) ?? [], timestamp]);
    return Response.json({ status: "ok", data: { echo: timestamp } });
  });
  const results: [number, unknown][] = [];
  const target = singlesTarget(server.address, (reading, { result }) => {
    results.push([reading.number, result]);
  });
  assert.deepEqual(await target.send(batch), { accepted: 21, rejected: [], unsent: [] });
  assert.deepEqual(
    results.sort(([a], [b]) => a - b),
    batch.map(({ number, time }) => [number, { echo: new Date(time).toISOString() }]),
  );
  assert.equal(arrived.size, 7);
  for (const times of arrived.values()) assert.deepEqual(times, times.toSorted());
});

Deno.test("singles: what isn't taken is left, and so is what its device sends later", async () => {
  const troubled = batch[2].device;
  await using server = api((text) => {
    const { device_id } = JSON.parse(text);
    if (device_id === troubled) return Response.json({ message: "no" }, { status: 503 });
    if (device_id === batch[3].device) return Response.json({ message: "bad" }, { status: 400 });
    return Response.json({ status: "ok", data: {} });
  });
  const target = singlesTarget(server.address, () => {});
  const { accepted, rejected, unsent, failure } = await target.send(batch);
  assert.equal(accepted, 15);
  assert.deepEqual(numbers(rejected.map(({ reading }) => reading)), [3, 10, 17]);
  assert.deepEqual(numbers(unsent), [2, 9, 16]);
  assert.deepEqual(failure, { message: "status 503: no", retryAfterMs: 0 });
});
