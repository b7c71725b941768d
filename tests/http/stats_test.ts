import assert from "node:assert/strict";
import fc from "fast-check";
import { apiOver, deviceOf, DevicesInMemory, windowOf } from "./in_memory.ts";

Deno.test("GET /api/stats: the whole answer, in the contract's order", async () => {
  const statistics = new DevicesInMemory([
    deviceOf("default", "a", { metrics: [{ name: "pm2.5", window: windowOf(7) }] }),
  ]);
  statistics.globals = {
    temperature: { count: 2, sum: 42, min: 20, max: 22, avg: 21 },
    humidity: { count: 0, sum: 0, min: null, max: null, avg: null },
    metrics: [{ name: "pm2.5", series: { count: 1, sum: 7, min: 7, max: 7, avg: 7 } }],
  };
  statistics.progress = {
    running: true,
    messagesProcessed: 3,
    lastProcessed: Date.parse("2026-01-02T00:00:00.500Z"),
    lastStarted: Date.parse("2026-01-01T00:00:00Z"),
    errors: 1,
    sampledOut: 2,
  };
  const { text } = await apiOver({ statistics }).get("/api/stats");
  assert.equal(
    text,
    '{"status":"ok","data":{"temperature":{"count":2,"sum":42,"min":20,"max":22,"avg":21},' +
      '"humidity":{"count":0,"sum":0,"min":null,"max":null,"avg":null},' +
      '"metrics":{"pm2.5":{"count":1,"sum":7,"min":7,"max":7,"avg":7}},' +
      '"devices":{"a":{"temperature":{"readings":[20,22],"avg":21,"min":20,"max":22,"count":2},' +
      '"humidity":{"readings":[],"avg":null,"min":null,"max":null,"count":0},' +
      '"metrics":{"pm2.5":{"readings":[7],"avg":7,"min":7,"max":7,"count":1}},' +
      '"last_seen":"2026-01-01T00:00:00Z"}}},' +
      '"processing":{"running":true,"messages_processed":3,' +
      '"last_processed":"2026-01-02T00:00:00.500Z","last_started":"2026-01-01T00:00:00.000Z",' +
      '"errors":1,"sampled_out":2}}',
  );
});

Deno.test("a fresh engine: nulls, no metrics, no devices", async () => {
  const { text } = await apiOver().get("/api/stats");
  const { data, processing } = JSON.parse(text);
  assert.deepEqual(data.temperature, { count: 0, sum: 0, min: null, max: null, avg: null });
  assert.deepEqual(Object.keys(data), ["temperature", "humidity", "devices"]);
  assert.deepEqual(data.devices, {});
  assert.equal(processing.last_processed, null);
});

Deno.test("readings=false leaves out the readings only", async () => {
  const statistics = new DevicesInMemory([deviceOf("t", "a")]);
  const { text } = await apiOver({ statistics }).get("/api/stats?readings=false");
  assert.deepEqual(JSON.parse(text).data.devices.a.temperature, {
    avg: 21,
    min: 20,
    max: 22,
    count: 2,
  });
});

Deno.test("pages: every device once, in order, until there is no next", async () => {
  const names = ["a", "b", "ü/ä", "😀", "z"];
  const devices = ["t1", "t2"].flatMap((t) => names.map((name) => deviceOf(t, `${t}.${name}`)));
  const statistics = new DevicesInMemory(devices);
  const { get } = apiOver({ statistics });
  const seen: string[] = [];
  let next: string | undefined;
  let pages = 0;
  do {
    const after = next === undefined ? "" : `&after=${next}`;
    const page = JSON.parse((await get(`/api/stats?limit=3${after}`)).text);
    seen.push(...Object.keys(page.data.devices));
    next = page.next;
    pages++;
  } while (next !== undefined);
  assert.equal(pages, 4);
  assert.deepEqual(seen, statistics.devices.map((it) => it.device));
});

Deno.test("a page holds 1,000 devices where nothing else is said", async () => {
  const devices = Array.from({ length: 1001 }, (_, i) => deviceOf("t", `d${i}`));
  const { get } = apiOver({ statistics: new DevicesInMemory(devices) });
  const page = JSON.parse((await get("/api/stats")).text);
  assert.equal(Object.keys(page.data.devices).length, 1000);
  assert.equal(typeof page.next, "string");
});

Deno.test("one tenant's devices", async () => {
  const statistics = new DevicesInMemory([deviceOf("t1", "a"), deviceOf("t2", "b")]);
  const { text } = await apiOver({ statistics }).get("/api/stats?tenant=t2");
  assert.deepEqual(Object.keys(JSON.parse(text).data.devices), ["b"]);
});

Deno.test("an id of several tenants is keyed tenant_id/device_id, on every page", async () => {
  const statistics = new DevicesInMemory([
    deviceOf("t1", "a"),
    deviceOf("t2", "a"),
    deviceOf("t1", "b"),
  ]);
  const { get } = apiOver({ statistics });
  const keys = async (path: string) => Object.keys(JSON.parse((await get(path)).text).data.devices);
  assert.deepEqual(await keys("/api/stats"), ["t1/a", "b", "t2/a"]);
  assert.deepEqual(await keys("/api/stats?limit=1"), ["t1/a"]);
  assert.deepEqual(await keys("/api/stats?tenant=t2"), ["t2/a"]);
});

Deno.test("an id that reads like another's long name doesn't hide it", async () => {
  const statistics = new DevicesInMemory([
    deviceOf("default", "t1/a"),
    deviceOf("t1", "a"),
    deviceOf("t2", "a"),
  ]);
  const { text } = await apiOver({ statistics }).get("/api/stats");
  assert.deepEqual(Object.keys(JSON.parse(text).data.devices), [
    "default/t1%2Fa",
    "t1/a",
    "t2/a",
  ]);
});

Deno.test("devices and metrics called like Object's own, or like numbers, stay as they are", async () => {
  const window = windowOf(1);
  const statistics = new DevicesInMemory([
    deviceOf("t", "__proto__", { metrics: [{ name: "__proto__", window }] }),
    deviceOf("t", "Z"),
    deviceOf("t", "10"),
  ]);
  const { text } = await apiOver({ statistics }).get("/api/stats");
  const positions = ['"10":{', '"Z":{', '"__proto__":{'].map((it) => text.indexOf(it));
  assert.ok(positions.every((at, i) => at > (positions[i - 1] ?? 0)), String(positions));
  assert.ok(text.includes('"metrics":{"__proto__":{"readings":[1]'));
});

Deno.test("wrong parameters are all told at once", async () => {
  const { get } = apiOver();
  const { status, text } = await get("/api/stats?limit=0&after=!&tenant=&readings=no");
  assert.equal(status, 400);
  assert.deepEqual(JSON.parse(text), {
    status: "error",
    message: 'limit: expected a whole number from 1 to 1000, got "0"; ' +
      'after: expected the `next` of an earlier answer, got "!"; ' +
      'tenant: expected a tenant\'s name, got ""; readings: expected true or false, got "no"',
  });
  for (const limit of ["1001", "1e2", "-1", "", " 5", "99999999999999999999"]) {
    assert.equal((await get(`/api/stats?limit=${limit}`)).status, 400, limit);
  }
  for (const after of ["W10", "WyJhIl0", "eyJhIjoxfQ", "_w"]) {
    assert.equal((await get(`/api/stats?after=${after}`)).status, 400, after);
  }
  assert.equal((await get("/api/stats?limit=1000")).status, 200);
});

Deno.test("unknown parameters are refused, with what was probably meant", async () => {
  const statistics = new DevicesInMemory([deviceOf("t", "a")]);
  const { api, get, intake } = apiOver({ statistics });
  const told = async (path: string) => {
    const { status, text } = await get(path);
    return `${status} ${JSON.parse(text).message}`;
  };
  assert.equal(await told("/api/stats?Limit=1"), '400 "Limit": unknown; did you mean limit?');
  assert.equal(
    await told("/api/stats?tennant=x&limit=0"),
    '400 limit: expected a whole number from 1 to 1000, got "0"; ' +
      '"tennant": unknown; did you mean tenant?',
  );
  assert.equal(
    await told("/api/stats?__proto__=1"),
    '400 "__proto__": unknown; expected limit, after, tenant, readings',
  );
  assert.equal(
    await told("/api/stats/device/a?tenants=t"),
    '400 "tenants": unknown; did you mean tenant?',
  );
  const posted = await api.request("/api/data?tenant=t", { method: "POST", body: "{}" });
  assert.equal(posted.status, 400);
  assert.equal((await posted.json()).message, '"tenant": unknown; expected no parameter');
  assert.deepEqual(intake.readings, []);
  assert.equal((await get("/health?t=1")).status, 200);
});

Deno.test("GET /api/stats/device/:id", async () => {
  const statistics = new DevicesInMemory([deviceOf("t", "a")]);
  const { get } = apiOver({ statistics });
  assert.equal(
    (await get("/api/stats/device/a")).text,
    '{"status":"ok","device_id":"a","tenant_id":"t",' +
      '"data":{"temperature":{"readings":[20,22],"avg":21,"min":20,"max":22,"count":2},' +
      '"humidity":{"readings":[],"avg":null,"min":null,"max":null,"count":0},' +
      '"last_seen":"2026-01-01T00:00:00Z"}}',
  );
  const missing = await get("/api/stats/device/b");
  assert.equal(missing.status, 404);
  assert.equal(missing.text, '{"status":"error","message":"No data for device b"}');
});

Deno.test("any device id can be asked for, URL-encoded", async () => {
  // A path can't end in `.` or `..`: the URL standard takes those away, encoded or not.
  const id = fc.string({ unit: "binary", minLength: 1, maxLength: 20 })
    .filter((it) => it.isWellFormed() && it !== "." && it !== "..");
  await fc.assert(fc.asyncProperty(id, async (device) => {
    const { get } = apiOver({ statistics: new DevicesInMemory([deviceOf("t", device)]) });
    const { status, text } = await get(`/api/stats/device/${encodeURIComponent(device)}`);
    assert.equal(status, 200, text);
    assert.equal(JSON.parse(text).device_id, device);
  }));
  for (const device of ["a/b", "a%2Fb", "a?b#c", "100%", "%25", "a+b", "ü 😀"]) {
    const { get } = apiOver({ statistics: new DevicesInMemory([deviceOf("t", device)]) });
    const { text } = await get(`/api/stats/device/${encodeURIComponent(device)}`);
    assert.equal(JSON.parse(text).device_id, device);
  }
});

Deno.test("an id of several tenants: 409 names them, ?tenant= settles it", async () => {
  const statistics = new DevicesInMemory([deviceOf("t1", "a"), deviceOf("t 2", "a")]);
  const { get } = apiOver({ statistics });
  const both = await get("/api/stats/device/a");
  assert.equal(both.status, 409);
  assert.equal(
    JSON.parse(both.text).message,
    "Device a exists in 2 tenants: t 2, t1; name one with ?tenant=",
  );
  const one = await get("/api/stats/device/a?tenant=t%202");
  assert.equal(JSON.parse(one.text).tenant_id, "t 2");
  assert.equal((await get("/api/stats/device/a?tenant=t3")).status, 404);
  assert.equal((await get("/api/stats/device/a?tenant=")).status, 400);
});

Deno.test("a 409 names twenty tenants at most", async () => {
  const devices = Array.from({ length: 23 }, (_, i) => deviceOf(`t${i + 10}`, "a"));
  const { get } = apiOver({ statistics: new DevicesInMemory(devices) });
  assert.match(JSON.parse((await get("/api/stats/device/a")).text).message, /t29 and 3 more;/);
});
