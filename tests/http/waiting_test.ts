import assert from "node:assert/strict";
import { createWaitingApi } from "../../src/http/waiting.ts";

const api = createWaitingApi({
  reason: () => "the disk is full",
  kafka: "connecting",
  wallClock: () => Date.parse("2026-01-02T03:04:05.678Z"),
});

async function ask(path: string, init?: RequestInit) {
  const response = await api.request(path, init);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

Deno.test("an engine that can't begin is alive and not ready, and everything else waits", async () => {
  assert.equal(
    (await ask("/health")).text,
    '{"status":"ok","service":"plumbline","running":false,"kafka":"connecting",' +
      '"timestamp":"2026-01-02T03:04:05.678Z"}',
  );
  assert.equal((await ask("/health/live")).status, 200);
  const ready = await ask("/health/ready");
  assert.equal(ready.status, 503);
  assert.deepEqual(JSON.parse(ready.text).failed, { store: "the disk is full" });
  for (const [path, method] of [["/api/data", "POST"], ["/metrics", "GET"], ["/nothing", "GET"]]) {
    const { status, text, headers } = await ask(path, { method });
    assert.deepEqual([status, headers.get("retry-after")], [503, "5"]);
    assert.equal(JSON.parse(text).message, "the engine waits: the disk is full");
  }
});

Deno.test("while it waits methods and hosts are judged as later", async () => {
  const head = await ask("/health/ready", { method: "HEAD" });
  assert.deepEqual([head.status, head.text], [503, ""]);
  const posted = await ask("/health", { method: "POST" });
  assert.deepEqual([posted.status, posted.headers.get("allow")], [405, "GET, HEAD"]);
  const host = await ask("/nothing", { headers: { host: "x/health?" } });
  assert.equal(host.status, 400);
});
