/** Pages of statistics hold nothing up: few are in the making at once, and what isn't read is bounded. */
import assert from "node:assert/strict";
import type { PageLimits } from "../../src/http/pages.ts";
import { serveApi } from "../../src/http/serve.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { apiOver, deviceOf, DevicesInMemory, windowOf } from "./in_memory.ts";

const READERS = 100;
const PAGE = "/api/stats?limit=1000";

/** Counts the pages that were begun. */
class CountedDevices extends DevicesInMemory {
  pages = 0;

  override page(options: Parameters<DevicesInMemory["page"]>[0]) {
    this.pages++;
    return super.page(options);
  }
}

function devices(count: number): CountedDevices {
  const values = windowOf(...Array.from({ length: 100 }, (_, i) => 20 + i / 7));
  return new CountedDevices(
    Array.from({ length: count }, (_, i) => deviceOf("t", `d${i}`, { temperature: values })),
  );
}

function api(options: { count?: number; pages?: Partial<PageLimits> } = {}) {
  const statistics = devices(options.count ?? 3);
  const now = () => performance.now();
  return { statistics, ...apiOver({ statistics, pages: options.pages, now }) };
}

Deno.test("over a socket: other requests overtake pages that nobody reads", async () => {
  const { api: app, statistics } = api({ count: 1000 });
  const log = createLog({ level: "error", write: () => {}, now: () => 0 });
  const { port, close } = serveApi({ app, host: "127.0.0.1", port: 0, log });
  const request = (path: string) =>
    new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  const readers: Deno.Conn[] = [];
  for (let i = 0; i < READERS; i++) {
    readers.push(await Deno.connect({ hostname: "127.0.0.1", port }));
  }
  using other = await Deno.connect({ hostname: "127.0.0.1", port });
  // One after the other without a pause: the pages are asked for before anything else.
  await Promise.all([
    ...readers.map((it) => it.write(request(PAGE))),
    other.write(request("/health")),
  ]);
  const answer = await new Response(other.readable).text();
  assert.match(answer, /^HTTP\/1.1 200 /);
  assert.ok(statistics.pages < READERS / 2, `${statistics.pages} pages came before`);
  for (const reader of readers) reader.close();
  await close(5000);
});

Deno.test("over a socket: a page comes whole, with its length; HEAD has the same", async () => {
  const { api: app, get } = api({ count: 1000 });
  const log = createLog({ level: "error", write: () => {}, now: () => 0 });
  const { port, close } = serveApi({ app, host: "127.0.0.1", port: 0, log });
  const response = await fetch(`http://127.0.0.1:${port}${PAGE}`);
  const text = await response.text();
  assert.equal(Object.keys(JSON.parse(text).data.devices).length, 1000);
  assert.equal(response.headers.get("content-length"), String(text.length));
  assert.equal(text, (await get(PAGE)).text);
  const head = await fetch(`http://127.0.0.1:${port}${PAGE}`, { method: "HEAD" });
  assert.equal(head.headers.get("content-length"), String(text.length));
  await close(5000);
});

Deno.test("beyond what may wait, a page is refused; small ones and others are not", async () => {
  const { api: app } = api({ count: 1000, pages: { making: 1, waiting: 2 } });
  const asked = await Promise.all(Array.from({ length: 5 }, () => app.request(PAGE)));
  assert.deepEqual(asked.map(({ status }) => status).sort(), [200, 200, 200, 503, 503]);
  const refused = asked.find(({ status }) => status === 503)!;
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.equal((await refused.json()).message, "making a page: 2 pages wait to be made");
  const all = Array.from({ length: 200 }, () => app.request("/api/stats?readings=false&limit=100"));
  assert.ok((await Promise.all(all)).every(({ status }) => status === 200));
  assert.equal((await app.request(PAGE)).status, 200);
});

Deno.test("what isn't read is bounded, until it is read, dropped or given up", async () => {
  const { api: app } = api({ pages: { unreadBytes: 1 } });
  const status = async () => (await app.request("/api/stats")).status;
  const read = await app.request("/api/stats");
  assert.equal(await status(), 503);
  await read.text();
  const dropped = await app.request("/api/stats");
  assert.equal(await status(), 503);
  await dropped.body!.cancel();
  await app.request("/api/stats", { method: "HEAD" });
  const last = await app.request("/api/stats");
  assert.equal(last.status, 200);
  await last.text();

  const { api: impatient } = api({ pages: { unreadBytes: 1, unreadMs: 5 } });
  const forgotten = (await impatient.request("/api/stats")).body!.getReader();
  await assert.rejects(forgotten.closed, /nothing was read for 5 ms/);
  assert.equal((await impatient.request("/api/stats")).status, 200);
});

Deno.test("a page that fails gives its turn back", async () => {
  const { api: app, statistics } = api({ pages: { making: 1, waiting: 0 } });
  statistics.global = () => {
    throw new Error("broken");
  };
  for (let i = 0; i < 3; i++) assert.equal((await app.request(PAGE)).status, 500);
});
