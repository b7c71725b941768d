import assert from "node:assert/strict";
import { StoreUnavailable } from "../../src/pipeline/ports.ts";
import { apiOver } from "./in_memory.ts";

function post(body: BodyInit): RequestInit {
  return { method: "POST", body };
}

Deno.test("POST /api/data: the result's text as it is", async () => {
  const value = '{"device_id":"a","temperature":1.0e-7,"id":"01H"}';
  const { api, intake } = apiOver({ outcome: { kind: "result", value } });
  const response = await api.request("/api/data", post(' {"device_id":"a"}\n'));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8");
  assert.equal(await response.text(), `{"status":"ok","data":${value}}`);
  assert.deepEqual(intake.readings, [' {"device_id":"a"}\n']);
});

Deno.test("a reading that was sampled out is skipped", async () => {
  const { api } = apiOver({ outcome: { kind: "sampled out", id: "01H" } });
  const response = await api.request("/api/data", post("{}"));
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), {
    status: "skipped",
    message: "left out by the tenant's sampling",
    id: "01H",
  });
});

Deno.test("a rejected reading is a 400 with the reason", async () => {
  const reason = 'temperature: expected a number, got the string "21.5"';
  const { api } = apiOver({ outcome: { kind: "rejected", reason } });
  const response = await api.request("/api/data", post("{}"));
  assert.equal(response.status, 400);
  assert.deepEqual(await response.json(), { status: "error", message: reason });
});

Deno.test("an empty body goes the same way as any other", async () => {
  const { api, intake } = apiOver({ outcome: { kind: "rejected", reason: "not JSON: empty" } });
  assert.equal((await api.request("/api/data", { method: "POST" })).status, 400);
  assert.deepEqual(intake.readings, [""]);
});

Deno.test("a body over the limit is a 413, announced or not, and isn't handed on", async () => {
  const { api, intake } = apiOver({ limits: { maxReadingBytes: 10 } });
  assert.equal((await api.request("/api/data", post("1234567890"))).status, 200);
  const announced = { ...post("12345678901"), headers: { "content-length": "11" } };
  const response = await api.request("/api/data", announced);
  assert.equal(response.status, 413);
  assert.deepEqual(await response.json(), {
    status: "error",
    message: "body: expected at most 10 bytes, got 11",
  });
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(4));
    },
  });
  assert.equal((await api.request("/api/data", post(endless))).status, 413);
  assert.ok(pulled < 10, `${pulled} chunks were read`);
  assert.deepEqual(intake.readings, ["1234567890"]);
});

Deno.test("a body that breaks off is a 400 and isn't handed on", async () => {
  const { api, intake, lines } = apiOver();
  const broken = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new Uint8Array(4));
      controller.error(new Error("reset"));
    },
  });
  assert.equal((await api.request("/api/data", post(broken))).status, 400);
  assert.deepEqual(intake.readings, []);
  assert.deepEqual(lines, []);
});

Deno.test("a store that takes nothing is a 503 with Retry-After", async () => {
  const outcome = () => Promise.reject(new StoreUnavailable("database or disk is full"));
  const { api } = apiOver({ outcome });
  const response = await api.request("/api/data", post("{}"));
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("retry-after"), "5");
  assert.match((await response.json()).message, /database or disk is full/);
});

Deno.test("any other failure is a 500", async () => {
  const { api, lines } = apiOver({ outcome: () => Promise.reject(new Error("a defect")) });
  assert.equal((await api.request("/api/data", post("{}"))).status, 500);
  assert.equal(lines.length, 1);
});
