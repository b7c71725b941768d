/** A scripted attacker at a real engine: nobody gets in, and what Kafka brings goes on meanwhile. */
import assert from "node:assert/strict";
import { makeToken } from "../../src/commands/token.ts";
import type { Scope } from "../../src/core/token.ts";
import { tempFolder } from "../harness/temp.ts";
import { Attacker, LOOK_ALIKES, TRICKS } from "./attacker.ts";
import { Writer } from "./load.ts";
import { makeRoad } from "./road.ts";

/** In no request of the attacker's, so it must be in no answer to him. */
const SECRET = 17.140625;
const CONNECTIONS = 10_000;
/** Files that this process needs besides. */
const SPARE_FILES = 600;
const CHUNK = 100;

function token(name: string, { scopes, tenants }: { scopes: Scope[]; tenants?: string[] }) {
  return makeToken({ name, scopes, tenants }, crypto.getRandomValues(new Uint8Array(32)));
}

const all: Scope[] = ["read", "write", "admin"];
const acme = token("acme", { scopes: ["read", "write"], tenants: ["acme"] });
const evil = token("evil", { scopes: all, tenants: ["evil"] });
const gone = token("gone", { scopes: all });
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

/** Everything but a token that counts, where it counts. */
const WRONG_HEADERS: Record<string, string>[] = [
  {},
  { authorization: "" },
  { authorization: "Basic YWRtaW46YWRtaW4=" },
  { authorization: "Bearer null" },
  { authorization: `Bearer ${acme.entry.hash}` },
  { authorization: `Bearer ${acme.token}, Bearer ${acme.token}x` },
  bearer(gone.token),
  bearer(acme.token.slice(0, -1)),
  bearer(acme.token.toUpperCase()),
  { cookie: `token=${acme.token}`, "x-api-key": acme.token },
];

/** Connections that this process may open. */
function openable(): number {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)![1]);
  return Math.min(CONNECTIONS, soft - SPARE_FILES);
}

Deno.test("an attacker with every trick gets nothing and stops nothing", async () => {
  using folder = tempFolder("attacker-");
  const file = `${folder.path}/tenants.json`;
  Deno.writeTextFileSync(file, JSON.stringify({ tokens: [acme.entry, evil.entry] }));
  await using road = await makeRoad({ name: "attacker", env: { TENANTS_FILE: file } });
  const program = await road.start();
  const address = await program.ready("/health/ready");
  const attacker = new Attacker(address);

  // A connection of its own for each request: one that stands would prove little.
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  /** Somebody who has a right to: answered at any moment. */
  async function owner(path: string): Promise<Response> {
    const response = await fetch(address + path, { client, headers: bearer(acme.token) });
    assert.equal(response.status, 200, path);
    return response;
  }
  const posted = await fetch(`${address}/api/data`, {
    method: "POST",
    headers: bearer(acme.token),
    body: JSON.stringify({ device_id: "d", tenant_id: "acme", temperature: SECRET }),
  });
  assert.equal(posted.status, 200);
  await posted.body?.cancel();

  // The pipeline: readings over Kafka, all the while.
  await using writer = new Writer(road.input);
  await writer.connect();
  let attacking = true;
  const pouring = (async () => {
    for (let number = 0; attacking; number += CHUNK) {
      await writer.send(Array.from({ length: CHUNK }, (_, i) => ({
        key: `k-${(number + i) % 50}`,
        value: JSON.stringify({
          device_id: `k-${(number + i) % 50}`,
          tenant_id: "acme",
          temperature: 20,
        }),
      })));
    }
  })();
  /** More results than there were: nothing has stopped it. */
  async function goesOn(): Promise<void> {
    const { results } = road.counters();
    await road.until((counters) => counters.results > results);
    await (await owner("/api/stats/device/d")).body?.cancel();
  }
  const seen: string[] = [];
  const ask = async (...of: Parameters<Attacker["ask"]>) => {
    const answer = await attacker.ask(...of);
    seen.push(answer.text);
    return answer.status;
  };

  const document = await (await owner("/openapi.json")).json();
  const operations = Object.entries<Record<string, { security: unknown[] }>>(document.paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { security }]) => ({
        target: path.replace(/\{\w+\}/g, "d"),
        method: method.toUpperCase(),
        open: security.length === 0,
      }))
    );
  assert.ok(operations.length > 15);
  for (const { target, method, open } of operations) {
    if (open) continue;
    for (const headers of WRONG_HEADERS) {
      const status = await ask(target, { method, headers });
      // 429: the address has brought too many wrong ones.
      assert.ok(status === 401 || status === 429, `${method} ${target}: ${status}`);
    }
    assert.ok([401, 429].includes(await ask(`${target}?access_token=${acme.token}`, { method })));
  }
  await goesOn();

  for (const trick of TRICKS) {
    const status = await ask(trick);
    // A target that is /health however it is read is open to everybody.
    if (status === 200) assert.ok(seen.at(-1)!.includes('"service":"plumbline"'), trick);
    else assert.ok([400, 401, 429].includes(status), `${trick}: ${status}`);
    await ask(trick, { headers: bearer(evil.token) });
    await ask(trick, { headers: { ...bearer(evil.token), "x-forwarded-prefix": "/api" } });
  }
  for (const name of ["acme", ...LOOK_ALIKES]) {
    const headers = bearer(evil.token);
    for (
      const target of [
        `/api/stats?tenant=${name}`,
        `/api/stats/device/d?tenant=${name}`,
        `/api/stats/device/d?tenant=evil&tenant=${name}`,
        `/api/stats/device/${name}%2fd`,
        `/api/stats/device/d/readings?tenant=${name}`,
        `/api/devices?tenant=${name}`,
        `/api/anomalies?tenant=${name}`,
        `/api/dead-letters?tenant=${name}`,
        `/api/tenants?tenant=${name}`,
      ]
    ) {
      const status = await ask(target, { headers });
      assert.ok([200, 400, 404].includes(status), `${target}: ${status}`);
    }
  }
  const evils = { method: "POST", headers: bearer(evil.token) };
  let nonsense = 0;
  for (const tenant of [...LOOK_ALIKES.map(decodeURIComponent), "acme", "acme\0", "default"]) {
    const body = JSON.stringify({ device_id: "d", tenant_id: tenant, temperature: 1 });
    // As ASCII: the attacker's `content-length` counts characters.
    const ascii = body.replace(
      /[^ -~]/g,
      (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    const status = await ask("/api/data", { ...evils, body: ascii });
    // 400: that is no tenant's name at all, and what is sent with it is a dead letter of nobody's.
    if (status === 400) nonsense++;
    assert.ok(status === 403 || status === 400, `${JSON.stringify(tenant)}: ${status}`);
  }
  assert.equal(await ask("/api/admin/reload", evils), 403);
  assert.equal(await ask("/metrics", { headers: bearer(evil.token) }), 403);
  assert.equal(await ask("/api/dead-letters/replay", { ...evils, body: '{"filter":{}}' }), 200);
  await goesOn();

  assert.match(await attacker.exchange(`GET / HTTP/1.1\r\nx: ${"y".repeat(2 << 20)}`), /^$|400/);
  assert.match(await attacker.exchange(`GET / HTTP/1.1\r\n${"x: y\r\n".repeat(1e5)}`), /^$|400/);
  assert.match(
    await attacker.exchange(
      "POST /api/data HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    /^$|HTTP\/1\.1 (400|401|429)/,
  );
  await goesOn();

  // Readers that never read: their own stream, and pages without end.
  const mine = `host: x\r\nauthorization: Bearer ${evil.token}\r\n\r\n`;
  await attacker.hold(300, [
    `GET /api/stream HTTP/1.1\r\n${mine}`,
    `GET /api/stats HTTP/1.1\r\n${mine}`.repeat(20),
    `GET /openapi.json HTTP/1.1\r\n${mine}`.repeat(50),
  ]);
  await goesOn();
  const wanted = openable();
  const reached = await attacker.hold(wanted, [
    "",
    "GET /api/stats HTTP/1.1\r\nhost: x\r\nslow: ",
    "POST /api/data HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n{",
    `POST /api/data HTTP/1.1\r\ncontent-length: 100000\r\n${mine}{"device_id":`,
  ]);
  console.log(`${reached} connections were opened, ${CONNECTIONS} were wanted`);
  assert.ok(reached >= wanted, String(reached));
  await goesOn();
  await goesOn();
  attacker.letGo();

  attacking = false;
  await pouring;
  const counters = await road.drained();
  assert.equal(counters.results, writer.sent + 1, "every reading, and nobody else's");
  assert.equal(counters.rejected, nonsense);
  const device = await (await owner("/api/stats/device/d")).json();
  assert.deepEqual(device.data.temperature.readings, [SECRET]);
  for (const text of seen) assert.ok(!text.includes(String(SECRET)), text.slice(0, 2000));
  assert.deepEqual(await program.kill("SIGTERM"), { code: 0, signal: null });
  const log = program.lines.join("\n");
  for (const { token } of [acme, evil, gone]) assert.ok(!log.includes(token));
});
