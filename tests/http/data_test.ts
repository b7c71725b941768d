import assert from "node:assert/strict";
import { BacklogFull, StoreUnavailable } from "../../src/pipeline/ports.ts";
import { apiOver } from "./in_memory.ts";

function post(body: BodyInit): RequestInit {
  return { method: "POST", body };
}

Deno.test("POST /api/data: the result's text as it is", async () => {
  const value = '{"device_id":"a","temperature":1.0e-7,"timestamp":"2026-01-01T00:00:00Z",' +
    '"processed_at":"2026-01-01T00:00:00.000Z","tenant_id":"t","is_anomaly":false,' +
    '"anomaly_score":0,"temperature_stats":{"avg":1E-7,"min":1e-7,"max":1e-7},' +
    '"humidity_stats":{"avg":0,"min":0,"max":0},"id":"01H"}';
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

const LINES = { "content-type": "application/x-ndjson" };

function postLines(body: BodyInit): RequestInit {
  return { ...post(body), headers: LINES };
}

Deno.test("an array, and lines: all accepted is 200", async () => {
  const { api, intake } = apiOver();
  const array = await api.request("/api/data", post(' [{"a":1}, 2 ,\n"x"]'));
  assert.equal(array.status, 200);
  assert.equal(await array.text(), '{"status":"ok","accepted":3,"rejected":[]}');
  const lines = await api.request("/api/data", postLines('{"a":1}\n\n2\n'));
  assert.equal(lines.status, 200);
  assert.equal(await lines.text(), '{"status":"ok","accepted":2,"rejected":[]}');
  assert.deepEqual(intake.batches, [['{"a":1}', "2", '"x"'], ['{"a":1}', "2"]]);
  assert.deepEqual(intake.readings, []);
});

Deno.test("some rejected is 207, all rejected 400, each named by its index", async () => {
  const { api } = apiOver({
    batchOutcome: (readings) => {
      const rejected = readings.flatMap((it, index) =>
        it === "bad" ? [{ index, reason: "r" }] : []
      );
      const accepted = readings.length - rejected.length;
      return Promise.resolve({ accepted, overQuota: 0, foreign: 0, rejected });
    },
  });
  const some = await api.request("/api/data", postLines("good\n\nbad\ngood\nbad"));
  assert.equal(some.status, 207);
  assert.equal(
    await some.text(),
    '{"status":"partial","accepted":2,' +
      '"rejected":[{"index":1,"message":"r"},{"index":3,"message":"r"}]}',
  );
  const none = await api.request("/api/data", post("[bad]"));
  assert.equal(none.status, 400);
  assert.equal(
    await none.text(),
    '{"status":"error","message":"every reading was rejected","accepted":0,' +
      '"rejected":[{"index":0,"message":"r"}]}',
  );
});

Deno.test("a batch without readings is accepted, and nothing is handed on", async () => {
  const { api, intake } = apiOver();
  for (const request of [post("[]"), postLines(""), postLines(" \n\r\n")]) {
    const response = await api.request("/api/data", request);
    assert.equal(response.status, 200);
    assert.equal(await response.text(), '{"status":"ok","accepted":0,"rejected":[]}');
  }
  assert.deepEqual([intake.batches, intake.readings], [[], []]);
});

Deno.test("only application/x-ndjson means lines; every other type is taken for JSON", async () => {
  for (const type of ["application/x-ndjson", "Application/X-NDJSON ; charset=utf-8"]) {
    const { api, intake } = apiOver();
    await api.request("/api/data", { ...post("1"), headers: { "content-type": type } });
    assert.deepEqual(intake.batches, [["1"]], type);
  }
  const types = [
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "",
    "x/y;z",
  ];
  for (const type of types) {
    const { api, intake } = apiOver();
    await api.request("/api/data", { ...post("1\n2"), headers: { "content-type": type } });
    assert.deepEqual(intake.readings, ["1\n2"], type);
  }
});

Deno.test("an array that isn't closed is one reading", async () => {
  const outcome = { kind: "rejected", reason: "not JSON: …" } as const;
  const { api, intake } = apiOver({ outcome, limits: { maxReadingBytes: 8, maxBatchBytes: 20 } });
  assert.equal((await api.request("/api/data", post("[1,2"))).status, 400);
  assert.deepEqual(intake.readings, ["[1,2"]);
  const long = await api.request("/api/data", post("[1,2,3,4,5"));
  assert.equal(long.status, 413);
  assert.equal(
    (await long.json()).message,
    "body: expected at most 8 bytes where it is no JSON array, got 10",
  );
  assert.deepEqual([intake.readings.length, intake.batches.length], [1, 0]);
});

/** A body in pieces, as a chunked one comes. */
function pieces(...texts: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(texts.map((text) => new TextEncoder().encode(text)));
}

Deno.test("a batch has a limit of its own, announced or not", async () => {
  const { api, intake } = apiOver({ limits: { maxReadingBytes: 8, maxBatchBytes: 20 } });
  const cases: [RequestInit, number][] = [
    [post(`[${"1,".repeat(9)}1]`), 413],
    [post("[1,2,3,4,5,6,7,8,9]"), 200],
    [postLines("12345678901234567890"), 200],
    [postLines("123456789012345678901"), 413],
    [post(pieces("  ", "\n[1", ",2,3", ",4,5]")), 200],
    [post(pieces("[", "1,2,3,4,5,6,7,8", ",9,0,1]")), 413],
    [post(pieces("123456", "789")), 413],
    [post(pieces("      ", "   ")), 413],
    [post(pieces("1234", "5678")), 200],
    [postLines(pieces("1\n2\n3\n4\n", "5\n6\n7")), 200],
    [postLines(pieces("1234567890", "12345678901")), 413],
  ];
  for (const [index, [request, status]] of cases.entries()) {
    const announced = typeof request.body === "string"
      ? { ...request.headers, "content-length": String(request.body.length) }
      : request.headers;
    const response = await api.request("/api/data", { ...request, headers: announced });
    assert.equal(response.status, status, `case ${index}`);
    await response.body?.cancel();
  }
  assert.deepEqual(intake.readings, ["12345678"]);
  assert.equal(intake.batches.length, 4);
});

Deno.test("all bodies in hand have a limit together: 429, until one of them is answered", async () => {
  const asked = Promise.withResolvers<void>();
  const outcome = Promise.withResolvers<{ kind: "result"; value: string }>();
  const { api } = apiOver({
    outcome: () => {
      asked.resolve();
      return outcome.promise;
    },
    limits: { maxReadingBytes: 10, maxTotalBytes: 15 },
  });
  const sized = { ...post("1234567890"), headers: { "content-length": "10" } };
  const first = api.request("/api/data", sized);
  await asked.promise;
  for (const second of [sized, post(pieces("123456"))]) {
    const refused = await api.request("/api/data", second);
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get("retry-after"), "1");
    assert.equal((await refused.json()).message, "too many bodies at the same time");
  }
  outcome.resolve({ kind: "result", value: "{}" });
  assert.equal((await first).status, 200);
  assert.equal((await api.request("/api/data", sized)).status, 200);
});

Deno.test("a body that doesn't come to its end is a 408, sized or chunked", async () => {
  const { api, intake } = apiOver({ limits: { timeoutMs: 5 } });
  for (const headers of [new Headers(), new Headers({ "content-length": "9" })]) {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(4)),
    });
    const response = await api.request("/api/data", { ...post(body), headers });
    assert.equal(response.status, 408);
    assert.equal(response.headers.get("connection"), "close");
    assert.equal(
      (await response.json()).message,
      "body: expected within 5 ms, it isn't complete",
    );
  }
  assert.deepEqual(intake.readings, []);
});

Deno.test("a compressed body is a 415", async () => {
  const { api, intake } = apiOver();
  const headers = { "content-encoding": "gzip" };
  const response = await api.request("/api/data", { ...post("{}"), headers });
  assert.equal(response.status, 415);
  assert.equal(response.headers.get("accept-encoding"), "identity");
  assert.equal(
    (await response.json()).message,
    'content-encoding: expected identity, got "gzip"',
  );
  const plain = { ...post("{}"), headers: { "content-encoding": "Identity" } };
  assert.equal((await api.request("/api/data", plain)).status, 200);
  assert.deepEqual(intake.readings, ["{}"]);
});

Deno.test("a full backlog is a 429 with Retry-After, an unwritable store a 503, for batches, too", async () => {
  const failures: [Error, number][] = [
    [new BacklogFull("the backlog is full"), 429],
    [new StoreUnavailable("the store can't be written"), 503],
  ];
  for (const [error, status] of failures) {
    const fail = () => Promise.reject(error);
    const { api, lines } = apiOver({ outcome: fail, batchOutcome: fail });
    for (const request of [post("{}"), post("[1]"), postLines("1")]) {
      const response = await api.request("/api/data", request);
      assert.equal(response.status, status);
      assert.equal(response.headers.get("retry-after"), "5");
      assert.deepEqual(await response.json(), {
        status: "error",
        message: `${error.message}; nothing was taken`,
      });
    }
    assert.deepEqual(lines, []);
  }
});

Deno.test("over a quota: 429 where nothing was taken, else named as the others", async () => {
  const outcome = { kind: "over quota", reason: "quota: too many" } as const;
  let bad = 2;
  const { api } = apiOver({
    outcome,
    batchOutcome: (readings) => {
      const rejected = Array.from(
        { length: bad },
        (_, index) => ({ index, reason: "quota: full" }),
      );
      const accepted = readings.length - bad;
      return Promise.resolve({ accepted, overQuota: 2, foreign: 0, rejected });
    },
  });
  const refused = async (body: RequestInit) => {
    const response = await api.request("/api/data", body);
    return [response.status, response.headers.get("retry-after"), (await response.json()).message];
  };
  assert.deepEqual(await refused(post("{}")), [429, "1", "nothing was taken: quota: too many"]);
  assert.deepEqual(await refused(post("[1,2]")), [429, "1", "nothing was taken: quota: full"]);
  assert.deepEqual(await refused(post("[1,2,3]")), [207, null, undefined]);
  bad = 3;
  assert.deepEqual(await refused(post("[1,2,3]")), [400, null, "every reading was rejected"]);
});
