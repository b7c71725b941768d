import assert from "node:assert/strict";
import { FailedLogins } from "../../src/http/failed_logins.ts";
import { apiOver, deviceOf, DevicesInMemory } from "./in_memory.ts";
import { testToken } from "./tokens.ts";

const read = testToken("reader", { scopes: ["read"] });
const write = testToken("writer", { scopes: ["write"] });
const admin = testToken("admin", { scopes: ["admin"] });
const acmes = testToken("acme", { tenants: ["acme"] });
const tokens = [read, write, admin, acmes].map(({ token }) => token);

/** What each request takes, as docs/security.md has it; "all": a token that isn't limited to tenants. */
const RULES: [string, string, "open" | "any" | "read" | "write" | "admin", "all"?][] = [
  ["GET", "/health", "open"],
  ["GET", "/health/live", "open"],
  ["GET", "/health/ready", "open"],
  ["GET", "/", "any"],
  ["GET", "/api/stats", "read"],
  ["GET", "/api/stats/device/a", "read"],
  ["POST", "/api/data", "write"],
  ["GET", "/api/dead-letters", "read"],
  ["GET", "/api/dead-letters/1", "read"],
  ["POST", "/api/dead-letters/replay", "admin"],
  ["POST", "/api/dead-letters/discard", "admin"],
  ["POST", "/api/admin/reload", "admin", "all"],
  ["GET", "/metrics", "read", "all"],
  ["GET", "/api/anomalies", "read"],
  ["GET", "/api/devices", "read"],
  ["GET", "/api/tenants", "read"],
  ["GET", "/api/stats/device/a/readings", "read"],
  ["GET", "/api/stream", "read"],
  ["GET", "/openapi.json", "any"],
  ["GET", "/docs", "any"],
];

async function status(
  api: ReturnType<typeof apiOver>["api"],
  [method, path]: readonly string[],
  headers: Record<string, string> = {},
) {
  const response = await api.request(path, {
    method,
    headers,
    ...(method === "POST" && { body: '{"filter":{}}' }),
  });
  await response.body?.cancel();
  return response.status;
}

Deno.test("each request by each token: 401 without, 403 with another scope, otherwise let in", async () => {
  const { api } = apiOver({ tokens });
  for (const [method, path, needed, all] of RULES) {
    const what = `${method} ${path}`;
    const without = await status(api, [method, path]);
    assert.equal(without === 401, needed !== "open", what);
    const wrong = await status(api, [method, path], { authorization: "Bearer plumb_wrong" });
    assert.equal(wrong === 401, needed !== "open", what);
    for (const { token, headers } of [read, write, admin]) {
      const is = await status(api, [method, path], headers);
      const may = needed === "open" || needed === "any" || token.scopes.has(needed);
      assert.equal(is === 403, !may, `${what} with ${token.name}`);
      assert.notEqual(is, 401);
    }
    assert.equal(await status(api, [method, path], acmes.headers) === 403, all === "all", what);
  }
});

Deno.test("every route is in the table", async () => {
  const { get } = apiOver();
  const { endpoints } = JSON.parse((await get("/")).text);
  const known = RULES.map(([method, path]) =>
    `${method} ${
      path.replace(/device\/a\b/, "device/:id").replace(/letters\/1$/, "letters/:number")
    }`
  );
  assert.deepEqual(new Set(["GET /", ...endpoints]), new Set(known));
});

Deno.test("without tokens everybody is let in, whatever is sent", async () => {
  const { api } = apiOver();
  for (const [method, path] of RULES) {
    for (const authorization of ["Bearer plumb_wrong", "Basic eDp5"]) {
      const is = await status(api, [method, path], { authorization });
      assert.ok(is !== 401 && is !== 403, `${method} ${path}: ${is}`);
    }
  }
});

Deno.test("401 and 403 tell what is needed, and nothing else", async () => {
  const { api } = apiOver({ tokens });
  const missing = await api.request("/api/stats");
  assert.equal(missing.headers.get("www-authenticate"), 'Bearer realm="plumbline"');
  assert.equal(
    (await missing.json()).message,
    "a token is needed: Authorization: Bearer <token>",
  );
  const wrong = await api.request("/api/stats", { headers: { authorization: "Bearer plumb_no" } });
  assert.match(wrong.headers.get("www-authenticate")!, /error="invalid_token"$/);
  assert.equal((await wrong.json()).message, "the token is wrong");
  const forbidden = await api.request("/api/stats", { headers: write.headers });
  assert.match(forbidden.headers.get("www-authenticate")!, /error="insufficient_scope"$/);
  assert.equal(
    (await forbidden.json()).message,
    "the token may not: its scopes are write, read is needed",
  );
});

Deno.test("a token comes in the header Authorization alone, as it is", async () => {
  const { api } = apiOver({ tokens });
  const { text } = read;
  for (const authorization of [`bearer ${text}`, `BEARER  ${text} `]) {
    assert.equal(await status(api, ["GET", "/api/stats"], { authorization }), 200, authorization);
  }
  for (
    const authorization of [
      "",
      text,
      `Basic ${text}`,
      `Bearer ${text}x`,
      `Bearer ${text.slice(0, -1)}`,
      `Bearer ${text.toUpperCase()}`,
      `Bearer ${text}, Bearer ${text}`,
      `Bearer ${text} ${text}`,
      `Bearer "${text}"`,
      // What stands in the file is no token.
      `Bearer ${read.token.hash.toHex()}`,
      `Bearer sha256:${read.token.hash.toHex()}`,
    ]
  ) assert.equal(await status(api, ["GET", "/api/stats"], { authorization }), 401, authorization);
  for (const query of [`access_token=${text}`, `token=${text}`, `authorization=Bearer ${text}`]) {
    assert.equal(await status(api, ["GET", `/api/stats?${query}`]), 401, query);
  }
  const elsewhere = { "x-api-key": text, cookie: `token=${text}`, "proxy-authorization": text };
  assert.equal(await status(api, ["GET", "/api/stats"], elsewhere), 401);
});

Deno.test("whatever isn't there, or not so, is told to tokens only", async () => {
  const { api } = apiOver({ tokens });
  for (
    const [method, path] of [
      ["GET", "/nothing"],
      ["GET", "/api/stats/"],
      ["DELETE", "/api/stats"],
      ["OPTIONS", "/api/data"],
      ["GET", "/api%2Fstats"],
      ["GET", "/health/..%2fapi/stats"],
      ["GET", "/health/%2e%2e/%2e%2e/api/stats"],
      ["GET", "/health%2f..%2fapi%2fstats"],
      ["GET", "//api/stats"],
      ["GET", "/API/STATS"],
      ["GET", "/api/stats/device/..%2f..%2fhealth"],
      ["GET", "/api/stats/device/%252e%252e%252fhealth"],
      ["GET", "/api/stats/device/health%00"],
      ["GET", "/health%00/../api/stats"],
    ]
  ) {
    assert.equal(await status(api, [method, path]), 401, `${method} ${path}`);
    const known = await status(api, [method, path], read.headers);
    assert.ok([200, 308, 404, 405].includes(known), `${method} ${path}: ${known}`);
  }
  assert.equal(await status(api, ["POST", "/health"]), 405);
});

Deno.test("/metrics is open where the setting says so", async () => {
  assert.equal(
    await status(apiOver({ tokens, metricsPublic: true }).api, ["GET", "/metrics"]),
    200,
  );
});

Deno.test("tokens count as they are in force at the moment", async () => {
  let inForce = [read.token];
  const { api } = apiOver({ tokens: () => inForce });
  assert.equal(await status(api, ["GET", "/api/stats"], read.headers), 200);
  inForce = [admin.token];
  assert.equal(await status(api, ["GET", "/api/stats"], read.headers), 401);
  inForce = [];
  assert.equal(await status(api, ["GET", "/api/stats"]), 200);
});

Deno.test("a limited token sees its tenants' devices and nothing that tells of others", async () => {
  const statistics = new DevicesInMemory([
    deviceOf("acme", "press"),
    deviceOf("acme", "zeta/x"),
    deviceOf("other", "press"),
    deviceOf("zeta", "x"),
  ]);
  const { api } = apiOver({ tokens, statistics });
  const ask = async (path: string) => {
    const response = await api.request(path, { headers: acmes.headers });
    return { status: response.status, body: await response.json() };
  };
  const page = await ask("/api/stats");
  assert.deepEqual(Object.keys(page.body.data), ["devices"]);
  // Their names are as if the others weren't there.
  assert.deepEqual(Object.keys(page.body.data.devices), ["press", "zeta/x"]);
  assert.deepEqual(Object.keys(page.body.processing), ["running", "last_started"]);
  assert.deepEqual((await ask("/api/stats?tenant=other")).body.data, { devices: {} });

  const own = await ask("/api/stats/device/press");
  assert.deepEqual([own.status, own.body.tenant_id], [200, "acme"]);
  const foreign = await ask("/api/stats/device/press?tenant=other");
  const unknown = await ask("/api/stats/device/press?tenant=nobody");
  assert.deepEqual(foreign, unknown);
  assert.equal(foreign.status, 404);
  assert.deepEqual(await ask("/api/stats/device/x"), {
    status: 404,
    body: { status: "error", message: "No data for device x" },
  });
  for (const look of ["acme ", "Acme", "\u0430cme", "acme\u200b", "acme\u0000", "../acme"]) {
    const path = `/api/stats/device/press?tenant=${encodeURIComponent(look)}`;
    assert.equal((await ask(path)).status, 404, JSON.stringify(look));
  }
});

Deno.test("who posts is told to the pipeline, which knows a reading's tenant", async () => {
  const { api, intake } = apiOver({ tokens });
  for (const { headers } of [write, acmes]) {
    for (const body of ["{}", "[{}]"]) {
      await (await api.request("/api/data", { method: "POST", headers, body })).body?.cancel();
    }
  }
  const limited = new Set(["acme"]);
  assert.deepEqual(intake.senders, [null, null, limited, limited]);
});

Deno.test("readings of a foreign tenant: 403 alone, told by line in a batch, 403 where all are", async () => {
  const reason = 'tenant_id: expected one that the token is for, got "x"';
  const outcomes = [
    { accepted: 1, overQuota: 0, foreign: 1, rejected: [{ index: 1, reason }] },
    { accepted: 0, overQuota: 0, foreign: 1, rejected: [{ index: 0, reason }] },
  ];
  const { api } = apiOver({
    tokens,
    outcome: { kind: "foreign", reason },
    batchOutcome: () => Promise.resolve(outcomes.shift()!),
  });
  const post = async (body: string) => {
    const response = await api.request("/api/data", {
      method: "POST",
      headers: acmes.headers,
      body,
    });
    return [response.status, await response.json()];
  };
  const refused = [403, { status: "error", message: `nothing was taken: ${reason}` }];
  assert.deepEqual(await post("{}"), refused);
  assert.deepEqual(await post("[{},{}]"), [207, {
    status: "partial",
    accepted: 1,
    rejected: [{ index: 1, message: reason }],
  }]);
  assert.deepEqual(await post("[{}]"), refused);
});

Deno.test("many wrong tokens from one address: 429; right ones still pass, others aren't told", async () => {
  let time = 0;
  const { api, lines } = apiOver({ tokens, now: () => time });
  const ask = async (authorization: string, address: string) => {
    const response = await api.request("/api/stats", { headers: { authorization } }, { address });
    await response.body?.cancel();
    return [response.status, response.headers.get("retry-after")];
  };
  for (let i = 0; i < 20; i++) {
    assert.deepEqual(await ask(`Bearer plumb_${i}`, "10.0.0.1"), [401, null]);
  }
  time = 15_000;
  assert.deepEqual(await ask("Bearer plumb_x", "10.0.0.1"), [429, "45"]);
  assert.deepEqual(await ask(read.headers.authorization, "10.0.0.1"), [200, null]);
  assert.deepEqual(await ask("Bearer plumb_x", "10.0.0.2"), [401, null]);
  time = 60_000;
  assert.deepEqual(await ask("Bearer plumb_x", "10.0.0.1"), [401, null]);
  const told = lines.filter((line) => line.includes("requests with a wrong token"));
  assert.equal(told.length, 3, "once for each window of an address");
  assert.ok(!lines.join("").includes("plumb_"));
});

Deno.test("failed logins: the table is bounded, an IPv6 host can't change its address within it", () => {
  const logins = new FailedLogins({ now: () => 0 });
  for (let i = 0; i < 30_000; i++) logins.count(`10.${i >> 16}.${i >> 8 & 255}.${i & 255}`);
  assert.equal(logins.size, 10_000);
  const first = logins.count("2001:db8::1");
  assert.equal(first.first, true);
  for (const same of ["2001:db8::2", "2001:db8:0:0:1::", "2001:db8:0:0:ffff:1:2:3"]) {
    assert.equal(logins.count(same).first, false, same);
  }
  assert.equal(logins.count("2001:db8:0:1::1").first, true);
  logins.count("192.0.2.7");
  assert.equal(logins.count("::ffff:192.0.2.7").first, false);
});

Deno.test("what an admin has changed is in the log, by the token's name", async () => {
  const { api, lines } = apiOver({ tokens });
  await status(api, ["POST", "/api/dead-letters/discard"], admin.headers);
  const line = lines.map((it) => JSON.parse(it)).find((it) => it.token === "admin");
  assert.equal(line.endpoint, "/api/dead-letters/discard");
  assert.ok(!lines.join("").includes(admin.text));
});

Deno.test("the whole hash counts: one that begins alike is another token's", async () => {
  const hash = Uint8Array.from(read.token.hash);
  hash[31] ^= 1;
  const near = { ...read.token, name: "near", hash };
  assert.equal(await status(apiOver({ tokens: [near] }).api, ["GET", "/"], read.headers), 401);
  const both = apiOver({ tokens: [near, read.token, { ...near, name: "x" }] });
  assert.equal(await status(both.api, ["GET", "/"], read.headers), 200);
});
