import assert from "node:assert/strict";
import http2 from "node:http2";
import { serveApi } from "../../src/http/serve.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { apiOver, deviceOf, DevicesInMemory } from "./in_memory.ts";

const host = "127.0.0.1";

function serve(app: Parameters<typeof serveApi>[0]["app"], lines: string[] = []) {
  const log = createLog({ level: "debug", write: (line) => lines.push(line), now: () => 0 });
  const server = serveApi({ app, host, port: 0, log });
  return { ...server, url: `http://${host}:${server.port}` };
}

/** Sends bytes as they are and reads until the server closes the connection. */
async function exchange(port: number, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname: host, port });
  await connection.write(new TextEncoder().encode(text));
  return new TextDecoder().decode(await new Response(connection.readable).arrayBuffer());
}

Deno.test("over a socket: device ids, HEAD, other methods, large bodies", async () => {
  const statistics = new DevicesInMemory([deviceOf("t", "a/b c%")]);
  const { api, intake } = apiOver({ statistics, limits: { maxReadingBytes: 1000 } });
  const { url, port, close } = serve(api);
  const device = await fetch(`${url}/api/stats/device/${encodeURIComponent("a/b c%")}`);
  assert.equal((await device.json()).device_id, "a/b c%");

  const head = await exchange(
    port,
    "HEAD /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  );
  assert.match(head, /^HTTP\/1.1 200 OK\r\n/);
  const { length } = await (await fetch(`${url}/health`)).bytes();
  assert.match(head, new RegExp(`\r\ncontent-length: ${length}\r\n`), "as a GET announces it");
  assert.match(head, /\r\n\r\n$/);

  const trace = await exchange(
    port,
    "TRACE /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  );
  assert.match(trace, /^HTTP\/1.1 405 /);
  assert.match(trace, /\r\nallow: GET, HEAD\r\n/);

  const large = await fetch(`${url}/api/data`, { method: "POST", body: new Uint8Array(5_000_000) });
  assert.equal(large.status, 413);
  assert.equal((await large.json()).status, "error");
  const fitting = await fetch(`${url}/api/data`, { method: "POST", body: "x".repeat(1000) });
  assert.equal(fitting.status, 200);
  await fitting.body?.cancel();
  assert.equal(intake.readings.length, 1);
  await close(5000);
});

Deno.test("the target alone decides, whatever the host is; a host that is none is refused", async () => {
  const { api, intake } = apiOver();
  const { port, close } = serve(api);
  const ask = (line: string, host: string, rest = "") =>
    exchange(port, `${line} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n${rest}\r\n`);
  for (const path of ["/health", "/health/", "/nope", "//evil.example/"]) {
    for (
      const host of ['a b"<', "x/metrics?", "x/metrics#", "x\\metrics?", "u@x", "x?a", "h\u00e4"]
    ) {
      assert.match(await ask(`GET ${path}`, host), /^HTTP\/1.1 400 /, `${path} ${host}`);
    }
  }
  const body = "content-length: 17\r\n";
  const posted = await ask("POST /nope", "x/api/data?", `${body}\r\n{"device_id":"a"}`);
  assert.match(posted, /^HTTP\/1.1 400 .*"message":"host: expected a host and a port, got /s);
  assert.deepEqual(intake.readings, []);
  for (const host of ["x", "x:80", "[::1]:8000", "", "a_b.c-d", "[1"]) {
    assert.match(await ask("GET /health", host), /^HTTP\/1.1 200 /, host);
    assert.match(await ask("GET /nope", host), /^HTTP\/1.1 404 /, host);
  }
  assert.match(await ask("GET http://evil.example/health", "x"), /^HTTP\/1.1 200 /);
  assert.match(await ask("GET //evil.example/health/", "x"), /^HTTP\/1.1 404 /);
  await close(5000);
});

Deno.test("this is no proxy, and bodies come as they are", async () => {
  const { api, intake } = apiOver();
  const { port, close } = serve(api);
  const connect = await exchange(
    port,
    "CONNECT example.com:80 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  );
  assert.match(connect, /^HTTP\/1.1 405 .*\r\nallow: GET, HEAD, POST\r\n/s);
  const encoded = (coding: string) =>
    exchange(
      port,
      `POST /api/data HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: ${coding}\r\n\r\n` +
        `2\r\n{}\r\n0\r\n\r\n`,
    );
  assert.match(await encoded("gzip, chunked"), /^HTTP\/1.1 501 .*expected chunked, got/s);
  assert.deepEqual(intake.readings, []);
  assert.match(await encoded("Chunked"), /^HTTP\/1.1 200 /);
  assert.deepEqual(intake.readings, ["{}"]);
  await close(5000);
});

Deno.test("batches over a socket: sized, chunked, too long", async () => {
  const { api, intake } = apiOver({ limits: { maxReadingBytes: 100, maxBatchBytes: 100_000 } });
  const { url, close } = serve(api);
  const line = '{"device_id":"a"}\n';
  const headers = { "content-type": "application/x-ndjson" };
  for (const chunked of [false, true]) {
    const body = (lines: number) =>
      chunked ? new Blob([line.repeat(lines)]).stream() : line.repeat(lines);
    const taken = await fetch(`${url}/api/data`, { method: "POST", headers, body: body(5000) });
    assert.equal(await taken.text(), '{"status":"ok","accepted":5000,"rejected":[]}');
    const long = await fetch(`${url}/api/data`, { method: "POST", headers, body: body(50_000) });
    assert.equal(long.status, 413);
    assert.equal((await long.json()).status, "error");
  }
  assert.deepEqual(intake.batches.map((it) => it.length), [5000, 5000]);
  await close(5000);
});

Deno.test("close waits for the answer in hand, refuses new ones, and cuts idle connections", async () => {
  const asked = Promise.withResolvers<void>();
  const outcome = Promise.withResolvers<Outcome>();
  const { api } = apiOver({
    outcome: () => {
      asked.resolve();
      return outcome.promise;
    },
  });
  const { url, port, close } = serve(api);
  using idle = await Deno.connect({ hostname: host, port });
  await idle.write(new TextEncoder().encode("GET /health HTTP/1.1\r\nhost: x\r\n\r\n"));
  assert.ok(await idle.read(new Uint8Array(4096)));

  const answer = fetch(`${url}/api/data`, { method: "POST", body: "{}" });
  await asked.promise;
  let closed = false;
  const closing = close(30_000).then(() => closed = true);
  const late = await fetch(`${url}/health`);
  assert.equal(late.status, 503);
  assert.equal((await late.json()).message, "the engine stops");
  assert.equal(closed, false);
  outcome.resolve({ kind: "result", value: "{}" });
  assert.equal(await (await answer).text(), '{"status":"ok","data":{}}');
  await closing;
  assert.equal(await idle.read(new Uint8Array(1)), null);
  await assert.rejects(Deno.connect({ hostname: host, port }), Deno.errors.ConnectionRefused);
});

Deno.test("close cuts what isn't answered by the deadline", async () => {
  const asked = Promise.withResolvers<void>();
  const never = Promise.withResolvers<Outcome>();
  const { api } = apiOver({
    outcome: () => {
      asked.resolve();
      return never.promise;
    },
  });
  const lines: string[] = [];
  const { url, close } = serve(api, lines);
  const answer = fetch(`${url}/api/data`, { method: "POST", body: "{}" }).then(
    () => "answered",
    () => "cut",
  );
  await asked.promise;
  await close(20);
  assert.equal(await answer, "cut");
  assert.ok(lines.some((line) => line.includes("requests were cut off at the end")));
});

Deno.test("an address that is taken is told with host and port", async () => {
  const { api } = apiOver();
  const { port, close } = serve(api);
  const log = createLog({ level: "error", write: () => {}, now: () => 0 });
  assert.throws(() => serveApi({ app: api, host, port, log }), {
    message: new RegExp(
      `^listening on 127.0.0.1, port ${port}: Address already in use.*; METRICS_PORT takes another port$`,
    ),
  });
  await close(5000);
});

Deno.test("what breaks outside the handlers is a 500 in JSON, and logged", async () => {
  const lines: string[] = [];
  const app = {
    fetch(): Response {
      throw new Error("broken");
    },
  };
  const { url, close } = serve(app, lines);
  const response = await fetch(url);
  assert.equal(response.status, 500);
  assert.equal((await response.json()).status, "error");
  assert.ok(lines.some((line) => line.includes('"broken"')));
  await close(5000);
});

Deno.test("HTTP/2 without TLS: the same answers, and a 413 for a body that is too long", async () => {
  const { api } = apiOver({ limits: { maxReadingBytes: 1000, maxBatchBytes: 1_000_000 } });
  const { url, close } = serve(api);
  const session = http2.connect(url);
  const ask = async (headers: http2.OutgoingHttpHeaders, body?: Uint8Array) => {
    const stream = session.request(headers);
    const status = new Promise((resolve) => stream.on("response", (it) => resolve(it[":status"])));
    stream.on("error", () => {}); // the server may stop reading what it has refused
    stream.end(body);
    let text = "";
    for await (const part of stream) text += part;
    return [await status, JSON.parse(text).status];
  };
  assert.deepEqual(await ask({ ":path": "/health" }), [200, "ok"]);
  const post = { ":path": "/api/data", ":method": "POST" };
  assert.deepEqual(
    await ask({ ...post, "content-length": 20_000_000 }, new Uint8Array(20_000_000)),
    [
      413,
      "error",
    ],
  );
  assert.deepEqual(await ask(post, new Uint8Array(20_000_000)), [413, "error"]);
  session.destroy();
  await close(5000);
});
