/** Clients that are slow, silent or many, over real sockets. */
import assert from "node:assert/strict";
import { serveApi, type ServeOptions } from "../../src/http/serve.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { apiOver, deviceOf, DevicesInMemory } from "./in_memory.ts";

const hostname = "127.0.0.1";
const encoder = new TextEncoder();

function serve(options: Pick<ServeOptions, "limits"> & Partial<Pick<ServeOptions, "app">>) {
  const lines: string[] = [];
  const log = createLog({ level: "info", write: (line) => lines.push(line), now: () => 0 });
  const statistics = new DevicesInMemory([deviceOf("t", "a")]);
  const { api } = apiOver({ statistics });
  const server = serveApi({ app: api, host: hostname, port: 0, log, ...options });
  return { ...server, lines };
}

/** What comes until the server ends the connection. */
async function sent(port: number, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname, port });
  await connection.write(encoder.encode(text));
  return new TextDecoder().decode(await new Response(connection.readable).arrayBuffer());
}

Deno.test("a connection without a request, with half of one, or between two is ended in time", async () => {
  const { port, close } = serve({ limits: { waitMs: 50 } });
  assert.equal(await sent(port, ""), "");
  assert.equal(await sent(port, "GET /health HTTP/1.1\r\nhost: x\r\nslow: "), "");
  assert.match(await sent(port, "GET /health HTTP/1.1\r\nhost: x\r\n\r\n"), /^HTTP\/1.1 200 OK/);
  await close(5000);
});

Deno.test("a body that doesn't come is ended, whether somebody reads it or not", async () => {
  const { port, close } = serve({ limits: { waitMs: 50, bodyMs: 100 } });
  for (const path of ["/api/data", "/nothing"]) {
    await sent(port, `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{`);
  }
  await close(5000);
});

Deno.test("an answer in pieces that nobody reads is given up", async () => {
  const cancelled = Promise.withResolvers<void>();
  const { port, close } = serve({
    limits: { waitMs: 50, answerMs: 100 },
    app: {
      fetch: () =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(65536)),
            cancel: () => cancelled.resolve(),
          }),
        ),
    },
  });
  using connection = await Deno.connect({ hostname, port });
  await connection.write(encoder.encode("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
  await cancelled.promise;
  await close(5000);
});

Deno.test("more connections than may be: the silent ones go, whoever asks is answered", async () => {
  const { port, close, lines } = serve({ limits: { maxConnections: 20 } });
  const held: Deno.Conn[] = [];
  for (let i = 0; i < 200; i++) {
    held.push(await Deno.connect({ hostname, port }));
    if (i % 20 !== 0) continue;
    const response = await fetch(`http://${hostname}:${port}/api/stats`);
    assert.equal(response.status, 200);
    await response.body?.cancel();
  }
  const ended = held.slice(0, 100).map((it) => it.read(new Uint8Array(1)).catch(() => null));
  assert.deepEqual(new Set(await Promise.all(ended)), new Set([null]));
  const told = lines.filter((line) => line.includes("there are too many connections"));
  assert.equal(told.length, 1, "once a minute");
  for (const it of held) it.close();
  await close(5000);
});

Deno.test("headers that are too long or too many are refused, and the connection ended", async () => {
  const { port, close } = serve({ limits: {} });
  const ask = (headers: string) => sent(port, `GET / HTTP/1.1\r\nhost: x\r\n${headers}\r\n`);
  assert.match(
    await ask(`long: ${"x".repeat(1 << 20)}\r\n`).catch(() => "HTTP/1.1 400"),
    /1.1 4\d\d/,
  );
  assert.match(await ask("many: x\r\n".repeat(10_000)).catch(() => "HTTP/1.1 400"), /1.1 4\d\d/);
  await close(5000);
});

Deno.test("every answer has the headers for browsers; none lets another origin in", async () => {
  const { api } = apiOver();
  const app = {
    fetch: (request: Request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/page") {
        return new Response("<p>", { headers: { "content-type": "text/html; charset=utf-8" } });
      }
      if (pathname === "/broken") throw new Error("broken");
      return api.fetch(request);
    },
  };
  const { port, close } = serve({ limits: {}, app });
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://${hostname}:${port}${path}`, {
      redirect: "manual",
      ...init,
      headers: { origin: "https://evil.example" },
    });
    await response.body?.cancel();
    return response;
  };
  for (
    const [path, method, status] of [
      ["/api/stats", "GET", 200],
      ["/api/stats", "HEAD", 200],
      ["/metrics", "GET", 200],
      ["/nothing", "GET", 404],
      ["/api/stats/", "GET", 308],
      ["/api/data", "OPTIONS", 405],
      ["/api/data", "POST", 200],
      ["/broken", "GET", 500],
      ["/page", "GET", 200],
    ] as const
  ) {
    const { headers, status: is } = await ask(path, { method });
    assert.equal(is, status, path);
    assert.equal(headers.get("x-content-type-options"), "nosniff", path);
    assert.equal(headers.get("cache-control"), "no-store", path);
    const policy = headers.get("content-security-policy")!;
    assert.match(policy, /frame-ancestors 'none'/, path);
    assert.match(policy, path === "/page" ? /default-src 'self'/ : /default-src 'none'/, path);
    const cors = [...headers.keys()].filter((name) => name.startsWith("access-control"));
    assert.deepEqual(cors, [], path);
  }
  await close(5000);
});
