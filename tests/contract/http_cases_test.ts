/**
 * The 89 cases through `POST /api/data`, and the 17 requests that the old engine was asked with after
 * them, against the program without Kafka. What each must answer is written down from the contract.
 */
import assert from "node:assert/strict";
import { type Program, startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { loadMessages, type Message } from "./cases.ts";
import { checkOutcome, type Outcome, type Result } from "./check.ts";
import { EXPECTED, type Expected } from "./expected.ts";

const LEGACY = new URL("../../deploy/tenants.legacy.json", import.meta.url).pathname;
const REQUESTS = new URL("../fixtures/contract/go-final.http.json", import.meta.url);

/** Over HTTP an array is a batch, and there are no tombstones: their body is empty. */
const ARRAY = "top-level array";
const ELSEWHERE: Record<string, Expected> = {
  "tombstone (null value)": { rejected: "not JSON: the value is empty" },
};

interface Tally {
  ok: number;
  skipped: number;
  rejected: number;
}

/** Posts every case in order and checks each answer. */
async function postCases(address: string, { legacy }: { legacy: boolean }): Promise<Tally> {
  const tally: Tally = { ok: 0, skipped: 0, rejected: 0 };
  for (const message of await loadMessages()) {
    const response = await fetch(`${address}/api/data`, {
      method: "POST",
      body: message.record.value as BodyInit | null,
    });
    assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8");
    const answer = await response.json();
    if (message.case === ARRAY) {
      assert.equal(response.status, 200);
      assert.deepEqual(answer, { status: "ok", accepted: 1, rejected: [] });
      tally.ok++;
      continue;
    }
    const outcome = outcomeOf(message, { status: response.status, answer, tally });
    checkOutcome(message, { outcome, legacy, expected: ELSEWHERE[message.case] });
  }
  return tally;
}

function outcomeOf(
  message: Message,
  of: { status: number; answer: Result; tally: Tally },
): Outcome {
  const { status, answer, tally } = of;
  const at = `${message.case}: ${status} ${JSON.stringify(answer)}`;
  if (status === 400) {
    assert.deepEqual(Object.keys(answer), ["status", "message"], at);
    assert.equal(answer.status, "error", at);
    tally.rejected++;
    return { reason: String(answer.message) };
  }
  assert.equal(status, 200, at);
  if (answer.status === "skipped") {
    tally.skipped++;
    return undefined;
  }
  assert.deepEqual(Object.keys(answer), ["status", "data"], at);
  assert.equal(answer.status, "ok", at);
  tally.ok++;
  return { result: answer.data as Result };
}

async function withProgram(
  env: Record<string, string>,
  work: (address: string, program: Program) => Promise<void>,
): Promise<void> {
  using folder = tempFolder("http-cases-");
  await using program = await startProgram({
    env: { KAFKA_ENABLED: "false", DATA_DIR: folder.path, ...env },
  });
  await work(await program.ready("/health/ready"), program);
  assert.deepEqual(await program.kill("SIGTERM"), { code: 0, signal: null });
}

/** What a request must be answered with. */
interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  /** Called with the parsed body; without it there must be an error's body, or none for HEAD and 308. */
  readonly body?: (answer: Result) => void;
}

const NOT_FOUND: Answer = { status: 404 };
const DEV_1 = "Device dev-1 exists in 3 tenants: acme, default, tenant1; name one with ?tenant=";

function expectedAnswers(tally: Tally): Record<string, Answer> {
  return {
    "GET /": {
      status: 200,
      body: (answer) => {
        assert.equal(answer.service, "plumbline");
        assert.match(String(answer.version), /^\d+\.\d+\.\d+/);
        assert.ok((answer.endpoints as string[]).includes("POST /api/data"));
      },
    },
    "GET /health": {
      status: 200,
      body: ({ timestamp, ...answer }) => {
        assert.deepEqual(answer, {
          status: "ok",
          service: "plumbline",
          running: true,
          kafka: "disabled",
        });
        assert.match(String(timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      },
    },
    "HEAD /health": { status: 200 },
    "POST /health": { status: 405, headers: { allow: "GET, HEAD" } },
    "GET /health/": { status: 308, headers: { location: "/health" } },
    "GET /ready": NOT_FOUND,
    "GET /healthz": NOT_FOUND,
    "GET /api/stats": { status: 200, body: (answer) => checkStats(answer, tally) },
    "GET /api/stats/": { status: 308, headers: { location: "/api/stats" } },
    "GET /api/stats/device/dev-1": {
      status: 409,
      body: (answer) => assert.deepEqual(answer, { status: "error", message: DEV_1 }),
    },
    "GET /api/stats/device/nope": {
      status: 404,
      body: (answer) =>
        assert.deepEqual(answer, { status: "error", message: "No data for device nope" }),
    },
    "GET /api/stats/device/": NOT_FOUND,
    "GET /api/stats/device/a%2Fb": {
      status: 200,
      body: (answer) =>
        assert.deepEqual(answer, {
          status: "ok",
          device_id: "a/b",
          tenant_id: "tenant1",
          data: {
            temperature: { readings: [21.5], avg: 21.5, min: 21.5, max: 21.5, count: 1 },
            humidity: { readings: [45.25], avg: 45.25, min: 45.25, max: 45.25, count: 1 },
            last_seen: "2026-01-01T00:00:00Z",
          },
        }),
    },
    "GET /api/data": { status: 405, headers: { allow: "POST" } },
    "OPTIONS /api/stats": { status: 405, headers: { allow: "GET, HEAD" } },
    "GET /nope": NOT_FOUND,
    "GET /metrics": {
      status: 200,
      headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
      body: ({ text }) => {
        const processed = /^process_messages_total\{status="anomaly"\} (\d+)$/m.exec(String(text));
        const normal = /^process_messages_total\{status="normal"\} (\d+)$/m.exec(String(text));
        assert.equal(Number(processed?.[1]) + Number(normal?.[1]), tally.ok);
      },
    },
  };
}

function checkStats(answer: Result, tally: Tally): void {
  assert.deepEqual(Object.keys(answer), ["status", "data", "processing"]);
  const data = answer.data as Record<string, Result>;
  const processing = answer.processing as Result;
  const { messages_processed, errors, sampled_out, running } = processing;
  assert.deepEqual([messages_processed, errors, sampled_out, running], [
    tally.ok,
    tally.rejected,
    tally.skipped,
    true,
  ]);
  // No temperature: humidity only, neither, null temperature, null both, only a device_id. No humidity:
  // temperature only, neither, null both, only a device_id.
  assert.deepEqual([data.temperature.min, data.temperature.max], [-40.5, 1e21]);
  assert.deepEqual([data.humidity.min, data.humidity.max], [0, 119.5]);
  assert.equal(data.temperature.count, tally.ok - 5);
  assert.equal(data.humidity.count, tally.ok - 4);
  // An id of several tenants has the tenant's name in front.
  const names = Object.keys(data.devices);
  for (const name of ["acme/dev-1", "default/dev-1", "tenant1/dev-1", "a/b", "only", "win"]) {
    assert.ok(names.includes(name), name);
  }
  assert.ok(!names.includes("dev-1"));
  assert.ok(!names.includes("   "), "a blank device_id was rejected");
}

Deno.test("the 89 cases and the 17 requests over HTTP, without TENANTS_FILE", async () => {
  const requests: { request: string }[] = JSON.parse(await Deno.readTextFile(REQUESTS));
  assert.equal(requests.length, 17);
  await withProgram({}, async (address) => {
    const tally = await postCases(address, { legacy: false });
    assert.equal(tally.skipped, 0);
    const expected = expectedAnswers(tally);
    assert.deepEqual(requests.map(({ request }) => request), Object.keys(expected));
    for (const [request, answer] of Object.entries(expected)) {
      const [method, path] = request.split(" ");
      const response = await fetch(address + path, { method, redirect: "manual" });
      assert.equal(response.status, answer.status, request);
      for (const [name, value] of Object.entries(answer.headers ?? {})) {
        assert.equal(response.headers.get(name), value, request);
      }
      const text = await response.text();
      if (answer.body !== undefined) {
        answer.body(path === "/metrics" ? { text } : JSON.parse(text));
      } else if (method === "HEAD" || response.status === 308) {
        assert.equal(text, "", request);
      } else {
        const { status, message, ...rest } = JSON.parse(text);
        assert.deepEqual([status, typeof message, rest], ["error", "string", {}], request);
      }
    }
  });
});

Deno.test("the 89 cases over HTTP, with the legacy engines' tenants", async () => {
  await withProgram({ TENANTS_FILE: LEGACY }, async (address) => {
    const tally = await postCases(address, { legacy: true });
    // 200 coins: outside 50 to 150 they aren't fair (seven standard deviations).
    assert.ok(tally.skipped > 50 && tally.skipped < 150, `${tally.skipped} sampled out`);
    const { processing } = await (await fetch(`${address}/api/stats?limit=1`)).json();
    assert.equal(processing.messages_processed, tally.ok);
    assert.equal(processing.sampled_out, tally.skipped);
    assert.equal(processing.errors, tally.rejected);
  });
});

Deno.test("all cases in one batch: the same are taken and rejected, each by its index", async () => {
  const messages = (await loadMessages()).filter((message) =>
    message.case !== ARRAY && message.record.value !== null && message.record.value !== ""
  );
  // A line break of a case's own would make two readings of it.
  const encoder = new TextEncoder();
  const values = messages.map(({ record: { value } }) =>
    typeof value === "string" ? encoder.encode(value.replaceAll("\n", " ")) : value as Uint8Array
  );
  const body = Uint8Array.from(values.flatMap((value) => [...value, 0x0a]));
  await withProgram({}, async (address) => {
    const response = await fetch(`${address}/api/data`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body,
    });
    assert.equal(response.status, 207);
    const answer = await response.json();
    assert.deepEqual(Object.keys(answer), ["status", "accepted", "rejected"]);
    assert.equal(answer.status, "partial");
    const reasons = new Map<number, string>(
      answer.rejected.map((it: { index: number; message: string }) => [it.index, it.message]),
    );
    for (const [index, message] of messages.entries()) {
      const expected = EXPECTED[message.case];
      const reason = reasons.get(index);
      if ("rejected" in expected) {
        assert.ok(reason !== undefined, message.case);
        checkOutcome(message, { outcome: { reason }, legacy: false });
      } else {
        assert.equal(reason, undefined, message.case);
      }
    }
    assert.equal(answer.accepted + reasons.size, messages.length);
  });
});
