import assert from "node:assert/strict";
import { apiOver, deviceOf, DevicesInMemory } from "./in_memory.ts";

Deno.test("GET /health", async () => {
  const response = await apiOver().api.request("/health");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8");
  assert.equal(
    await response.text(),
    '{"status":"ok","service":"plumbline","running":true,"kafka":"connecting",' +
      '"timestamp":"2026-01-02T03:04:05.678Z"}',
  );
});

Deno.test("GET / lists what may be asked", async () => {
  const { text } = await apiOver().get("/");
  assert.deepEqual(JSON.parse(text), {
    service: "plumbline",
    version: "1.2.3",
    endpoints: [
      "GET /health",
      "GET /health/live",
      "GET /health/ready",
      "GET /api/stats",
      "GET /api/stats/device/:id",
      "GET /api/stats/device/:id/readings",
      "GET /api/devices",
      "GET /api/tenants",
      "GET /api/anomalies",
      "POST /api/data",
      "GET /api/dead-letters",
      "POST /api/dead-letters/replay",
      "POST /api/dead-letters/discard",
      "GET /api/dead-letters/:number",
      "GET /api/stream",
      "POST /api/admin/reload",
      "GET /metrics",
      "GET /openapi.json",
      "GET /docs",
    ],
  });
});

Deno.test("live and ready: 200, or 503 with the checks that failed", async () => {
  const { health, get } = apiOver();
  for (const path of ["/health/live", "/health/ready"]) {
    assert.deepEqual(await get(path), { status: 200, text: '{"status":"ok"}' });
  }
  health.failed.ready = new Map([["kafka", "no broker"], ["store", "disk full"]]);
  assert.deepEqual(await get("/health/ready"), {
    status: 503,
    text: '{"status":"error","message":"kafka: no broker; store: disk full",' +
      '"failed":{"kafka":"no broker","store":"disk full"}}',
  });
  assert.equal((await get("/health/live")).status, 200);
  health.failed.live = new Map([["progress", "stuck"]]);
  assert.equal((await get("/health/live")).status, 503);
  assert.equal((await get("/health")).status, 200);
});

Deno.test("HEAD where GET is: the same status and headers, no body", async () => {
  const { api } = apiOver();
  for (const path of ["/health", "/api/stats", "/metrics", "/"]) {
    const head = await api.request(path, { method: "HEAD" });
    const get = await api.request(path);
    assert.equal(head.status, get.status, path);
    assert.equal(head.headers.get("content-type"), get.headers.get("content-type"), path);
    assert.equal(await head.text(), "", path);
    await get.body?.cancel();
  }
});

Deno.test("anything else is a 404 in JSON", async () => {
  const { api } = apiOver();
  for (
    const path of ["/nothing", "/api", "/api/stats/device", "/health/x", "//health", "/Health"]
  ) {
    const response = await api.request(path);
    assert.equal(response.status, 404, path);
    const body = await response.json();
    assert.equal(body.status, "error");
    assert.ok(body.message.includes(path), body.message);
  }
});

Deno.test("a wrong method is a 405 with Allow", async () => {
  const { api } = apiOver();
  const wrong: [string, string, string][] = [
    ["POST", "/health", "GET, HEAD"],
    ["DELETE", "/api/stats/device/a", "GET, HEAD"],
    ["GET", "/api/data", "POST"],
    ["HEAD", "/api/data", "POST"],
    ["OPTIONS", "/metrics", "GET, HEAD"],
    ["PROPFIND", "/api/stats", "GET, HEAD"],
  ];
  for (const [method, path, allow] of wrong) {
    const response = await api.request(path, { method });
    assert.equal(response.status, 405, `${method} ${path}`);
    assert.equal(response.headers.get("allow"), allow);
    if (method !== "HEAD") assert.equal((await response.json()).status, "error");
  }
});

Deno.test("a trailing slash leads to the path without, query included", async () => {
  const { api } = apiOver();
  const slashed: [string, string][] = [
    ["/health/", "/health"],
    ["/api/stats/?limit=5&after=x%2F", "/api/stats?limit=5&after=x%2F"],
    ["/api/stats/device/a%2Fb/", "/api/stats/device/a%2Fb"],
    ["/metrics//", "/metrics"],
  ];
  for (const [from, to] of slashed) {
    const response = await api.request(from);
    assert.equal(response.status, 308, from);
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.equal(response.headers.get("location"), to);
  }
  for (const path of ["//example.org/", "/nothing/", "//health/"]) {
    assert.equal((await api.request(path)).status, 404, path);
  }
});

Deno.test("requests are counted by route, method and status, never by path", async () => {
  const statistics = new DevicesInMemory([deviceOf("t", "a"), deviceOf("t", "b")]);
  const { api, metrics } = apiOver({ statistics });
  for (const path of ["a", "b", "c"]) await api.request(`/api/stats/device/${path}`);
  await api.request("/x");
  await api.request("/y/", { method: "BREW" });
  await api.request("/health", { method: "HEAD" });
  await api.request("/health", { method: "POST" });
  const text = await metrics.text();
  assert.deepEqual(text.match(/^http_requests_total\{.*$/gm), [
    'http_requests_total{endpoint="/api/stats/device/:id",method="GET",status="200"} 2',
    'http_requests_total{endpoint="/api/stats/device/:id",method="GET",status="404"} 1',
    'http_requests_total{endpoint="other",method="GET",status="404"} 1',
    'http_requests_total{endpoint="other",method="other",status="404"} 1',
    'http_requests_total{endpoint="/health",method="HEAD",status="200"} 1',
    'http_requests_total{endpoint="/health",method="POST",status="405"} 1',
  ]);
  assert.match(text, /http_request_duration_seconds_count\{endpoint="other",method="GET"\} 1/);
});

Deno.test("GET /metrics", async () => {
  const response = await apiOver().api.request("/metrics");
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.match(await response.text(), /^# HELP process_messages_total /);
});

Deno.test("a failing handler is a 500 in JSON that tells nothing, and a line in the log", async () => {
  const statistics = new DevicesInMemory([]);
  statistics.global = () => {
    throw new Error("disk I/O error at /secret");
  };
  const { get, lines, metrics } = apiOver({ statistics });
  const { status, text } = await get("/api/stats");
  assert.equal(status, 500);
  assert.deepEqual(JSON.parse(text), {
    status: "error",
    message: "internal error; the log says more",
  });
  assert.equal(lines.length, 1);
  const line = JSON.parse(lines[0]);
  assert.equal(line.level, "error");
  assert.equal(line.endpoint, "/api/stats");
  assert.equal(line.error.message, "disk I/O error at /secret");
  assert.match(await metrics.text(), /endpoint="\/api\/stats",method="GET",status="500"\} 1/);
});
