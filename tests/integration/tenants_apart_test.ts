/** Nothing of one tenant shows in what another one may see, whatever they and their devices are called. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

/** Prefixes of one another, look-alikes, and what a path or a program may take for something else. */
const TENANTS = [
  ...[
    "acme",
    "acme1",
    "acm",
    "Acme",
    "\u0430cme",
    "acme\u200b",
    "\ufeffacme",
    "acme/d",
    "acme%2Fd",
  ],
  ...["default", "other", "null", "__proto__", "constructor", "..", "t'; --", '"t"', "*", "тенант"],
];
const DEVICES = ["d", "d1", "D", "d/1", "d%2F1", "acme/d", "..", "__proto__", "devices", "\u0501"];
/** Values of the tenant number n lie between n and n + 1 times this, above the base. */
const BASE = 7_000_000;
const RANGE = 10_000;

interface Plan {
  readonly tenants: readonly string[];
  /** By tenant: its devices; one more is called by its secret. */
  readonly devices: readonly (readonly string[])[];
  readonly order: readonly number[];
}

const plans: fc.Arbitrary<Plan> = fc.uniqueArray(fc.constantFrom(...TENANTS), {
  minLength: 4,
  maxLength: 9,
  size: "max",
}).chain((tenants) =>
  fc.record({
    tenants: fc.constant(tenants),
    devices: fc.array(fc.uniqueArray(fc.constantFrom(...DEVICES), { minLength: 2, maxLength: 6 }), {
      minLength: tenants.length,
      maxLength: tenants.length,
    }),
    order: fc.array(fc.nat({ max: 1e6 }), { minLength: 120, maxLength: 200, size: "max" }),
  })
);

/** In its metric's name, one of its devices' and what storage says of it. */
const secretOf = (tenant: number) => `secret${tenant}x${(tenant * 7919 + 104_729).toString(36)}z`;

function tokenOf(name: string, more: Record<string, unknown> = {}) {
  const text = `plumb_${name.padEnd(43, "x")}`;
  const hash = `sha256:${createHash("sha256").update(text).digest("hex")}`;
  const headers = { authorization: `Bearer ${text}` };
  return { headers, entry: { name, hash, scopes: ["read", "write", "admin"], ...more } };
}

/** Everything that a tenant can ask for, its own and others'. */
function pathsFor({ tenants, devices }: Plan): string[] {
  const ids = [...new Set(devices.flat()), ...tenants.map((_, at) => `dev-${secretOf(at)}`)];
  const each = tenants.map((it) => `tenant=${encodeURIComponent(it)}`);
  const listings = ["/api/stats", "/api/devices", "/api/anomalies", "/api/dead-letters"];
  return [
    ...["/", "/metrics", "/api/tenants", "/health", "/health/ready", "/api/nothing"],
    ...listings.flatMap((path) => [path, `${path}?limit=2`, ...each.map((it) => `${path}?${it}`)]),
    ...ids.flatMap((id) => {
      const path = `/api/stats/device/${encodeURIComponent(id)}`;
      return ["", ...each].flatMap((it) => [
        `${path}?${it}`,
        `${path}/readings?${it}`,
        `${path}/readings?format=csv&${it}`,
      ]);
    }),
    ...Array.from({ length: 20 }, (_, at) => `/api/dead-letters/${at + 1}`),
  ];
}

/** What an answer says of others; empty: nothing. */
function foreignIn(text: string, plan: Plan, own: number): string[] {
  const found = plan.tenants.flatMap((_, at) =>
    at !== own && text.includes(secretOf(at)) ? [secretOf(at)] : []
  );
  for (const [number] of text.matchAll(/(?<![.\d])7\d{6}(?:\.\d+)?(?!\d)/g)) {
    const tenant = Math.floor((Number(number) - BASE) / RANGE);
    if (tenant !== own) found.push(number);
  }
  for (const [, name] of text.matchAll(/"tenant_id": ?("(?:[^"\\]|\\.)*")/g)) {
    if (JSON.parse(name) !== plan.tenants[own]) found.push(name);
  }
  return found;
}

/** Others' names in an answer, as far as they are neither asked for nor in every answer. */
function namesIn(text: string, of: { plan: Plan; own: number; path: string }): string[] {
  const { plan: { tenants }, own, path } = of;
  const asked = decodeURIComponent(path.replaceAll(/%(?![0-9A-F]{2})/g, "%25"));
  const usual = ["default", "other", "null", "constructor", "__proto__", "acm"];
  return tenants.filter((name, at) =>
    at !== own && name.length > 3 && !usual.includes(name) && !tenants[own].includes(name) &&
    !asked.includes(name) && !DEVICES.some((it) => it.includes(name)) && text.includes(name)
  );
}

/** Refuses every third result for good, and says of which device. */
function refusingStorage() {
  let posts = 0;
  return Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { device_id, metrics } = await request.json();
    if (++posts % 3 > 0) return new Response("{}");
    const said = `no room for ${device_id} with ${Object.keys(metrics ?? {})}`;
    return new Response(said, { status: 422 });
  });
}

async function check(plan: Plan): Promise<void> {
  using folder = tempFolder("apart-");
  await using storage = refusingStorage();
  const { tenants, devices, order } = plan;
  const all = tokenOf("all");
  const tokens = tenants.map((name, at) => tokenOf(`tenant-${at}`, { tenants: [name] }));
  const file = `${folder.path}/tenants.json`;
  Deno.writeTextFileSync(
    file,
    JSON.stringify({ tokens: [all, ...tokens].map(({ entry }) => entry) }),
  );
  await using program = await startProgram({
    env: {
      KAFKA_ENABLED: "false",
      DATA_DIR: `${folder.path}/data`,
      STORAGE_SERVICE_URL: `http://127.0.0.1:${storage.addr.port}`,
      TENANTS_FILE: file,
    },
  });
  const address = await program.ready("/health/live");
  const ask = async (path: string, headers: HeadersInit, body?: string) => {
    const method = body === undefined ? "GET" : "POST";
    const answer = await fetch(address + path, { method, headers, body, redirect: "manual" });
    return { status: answer.status, text: await answer.text() };
  };
  const lines = order.map((random, number) => {
    const tenant = random % tenants.length;
    const known = [...devices[tenant], `dev-${secretOf(tenant)}`];
    return JSON.stringify({
      device_id: number < tenants.length ? `dev-${secretOf(tenant)}` : known[random % known.length],
      tenant_id: tenants[tenant],
      temperature: BASE + tenant * RANGE + number,
      metrics: { [secretOf(tenant)]: BASE + tenant * RANGE + number + 0.5 },
    });
  });
  const type = { "content-type": "application/x-ndjson" };
  const sent = await ask("/api/data", { ...all.headers, ...type }, lines.join("\n"));
  assert.equal(sent.status, 200, sent.text);
  // All is posted, and what was refused is a dead letter.
  for (;;) {
    const { text } = await ask("/metrics", all.headers);
    const waits = /^plumbline_backlog_rows\{sink="storage"\} (\d+)$/m.exec(text);
    assert.notEqual(waits, null, text);
    if (waits![1] === "0") break;
  }

  const { text: metrics } = await ask("/metrics", all.headers);
  for (const line of metrics.split("\n")) {
    assert.ok(!/secret\d|(?<![.\d])7\d{6}(?![.\d])/.test(line), line);
    if (line.includes("tenant_id=")) continue;
    assert.ok(!line.includes("acme"), line);
  }
  assert.ok(!program.lines.some((line) => /secret\d/.test(line)), "device ids are for debug lines");

  const paths = pathsFor(plan);
  for (const [own, { headers }] of tokens.entries()) {
    let seen = "";
    for (const path of paths) {
      const { status, text } = await ask(path, headers);
      // What was asked for may be said again.
      const echo = decodeURIComponent(path.replaceAll("%25", "%2525")).match(/secret\w+/)?.[0] ??
        "\n";
      const said = foreignIn(status === 200 ? text : text.replaceAll(echo, ""), plan, own);
      assert.deepEqual(said, [], `${tenants[own]} asks for ${path}, ${status}: ${text}`);
      assert.deepEqual(namesIn(text, { plan, own, path }), [], `${path}, ${status}: ${text}`);
      seen += text;
    }
    const other = (own + 1) % tenants.length;
    const theirs = lines.find((line) => line.includes(secretOf(other)));
    if (theirs !== undefined) {
      const { status, text } = await ask("/api/data", headers, theirs);
      assert.equal(status, 403, text);
      assert.deepEqual(foreignIn(text, plan, own).filter((it) => !theirs.includes(it)), []);
    }
    if (lines.some((line) => line.includes(secretOf(own)))) {
      assert.ok(seen.includes(secretOf(own)), "a test of nothing otherwise");
    }
  }
}

Deno.test("nothing of one tenant shows in what another one may see", async () => {
  await fc.assert(fc.asyncProperty(plans, check), { numRuns: 4, endOnFailure: true });
});
