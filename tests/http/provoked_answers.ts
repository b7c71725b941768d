/**
 * How each status that a route describes as its own is brought about. A route that describes another one
 * gets a line here; `described_statuses_test.ts` asks for it.
 */
import { BacklogFull, type LettersDone, StoreUnavailable } from "../../src/pipeline/ports.ts";
import { apiOver, deviceOf, DevicesInMemory, NO_LETTERS, streamOver } from "./in_memory.ts";

type Answer = Response | Promise<Response>;

const RESULT = '{"device_id":"a","timestamp":"2026-01-01T00:00:00Z","processed_at":' +
  '"2026-01-01T00:00:00.000Z","tenant_id":"t","is_anomaly":false,"anomaly_score":0,' +
  '"temperature_stats":{"avg":0,"min":0,"max":0},"humidity_stats":{"avg":0,"min":0,"max":0},"id":"x"}';

function get(path: string, options: Parameters<typeof apiOver>[0] = {}): Answer {
  return apiOver(options).api.request(path);
}

function post(
  path: string,
  body: BodyInit = "",
  { headers, ...options }: Parameters<typeof apiOver>[0] & { headers?: HeadersInit } = {},
): Answer {
  return apiOver(options).api.request(path, { method: "POST", body, headers });
}

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream();
}

/** A batch of which so many readings are rejected. */
function batch(rejected: number): Parameters<typeof apiOver>[0] {
  return {
    batchOutcome: (readings) =>
      Promise.resolve({
        accepted: readings.length - rejected,
        overQuota: 0,
        foreign: 0,
        rejected: Array.from({ length: rejected }, (_, index) => ({ index, reason: "no" })),
      }),
  };
}

function sends(verb: "replay" | "discard"): Record<string, () => Answer> {
  const path = `/api/dead-letters/${verb}`;
  const stopped = (error: Error) => {
    const done: LettersDone = {
      ...{ matched: 2, examples: [], done: 1, rejected: 0, marked: 0, left: 0 },
      stopped: error,
    };
    const answer = () => Promise.resolve(done);
    return { letters: { ...NO_LETTERS, replay: answer, discard: answer } };
  };
  return {
    [`POST ${path} 200`]: () => post(path, '{"numbers":[1]}'),
    [`POST ${path} 400`]: () => post(path, "{}"),
    [`POST ${path} 413`]: () => post(path, "x".repeat(70_000)),
    [`POST ${path} 429`]: () => post(path, '{"filter":{}}', stopped(new BacklogFull("full"))),
    [`POST ${path} 503`]: () => post(path, '{"filter":{}}', stopped(new StoreUnavailable("full"))),
  };
}

const devices = { statistics: new DevicesInMemory([deviceOf("t", "a"), deviceOf("t", "b")]) };
const twice = { statistics: new DevicesInMemory([deviceOf("t", "a"), deviceOf("u", "a")]) };
const letter = {
  ...{ sequence: 7, id: "a", sink: "" as const, tenant: null, reason: "no", time: 0, storedAt: 0 },
  ...{ topic: "in", partition: 0, offset: 0, status: null, answer: null, attempts: 0 },
  bytes: new Uint8Array(1),
};
const letters = {
  letters: { ...NO_LETTERS, letters: { ...NO_LETTERS.letters, get: () => letter } },
};

function failing(check: "live" | "ready"): Answer {
  const { api, health } = apiOver();
  health.failed[check] = new Map([["store", "full"]]);
  return api.request(`/health/${check}`);
}

export const PROVOKED: Readonly<Record<string, () => Answer>> = {
  "POST /api/data 200": () =>
    post("/api/data", "{}", { outcome: { kind: "result", value: RESULT } }),
  "POST /api/data 207": () => post("/api/data", "[1,2]", batch(1)),
  "POST /api/data 400": () => post("/api/data", "[1,2]", batch(2)),
  "POST /api/data 403": () =>
    post("/api/data", "{}", { outcome: { kind: "foreign", reason: "no" } }),
  "POST /api/data 408": () => post("/api/data", endless(), { limits: { timeoutMs: 1 } }),
  "POST /api/data 413": () => post("/api/data", "x".repeat(20_000)),
  "POST /api/data 415": () => post("/api/data", "", { headers: { "content-encoding": "gzip" } }),
  "POST /api/data 429": () =>
    post("/api/data", "{}", { outcome: () => Promise.reject(new BacklogFull("full")) }),
  "POST /api/data 503": () =>
    post("/api/data", "{}", { outcome: () => Promise.reject(new StoreUnavailable("full")) }),

  "GET /api/stats 200": () => get("/api/stats", devices),
  "GET /api/stats 400": () => get("/api/stats?limit=0"),
  "GET /api/stats 503": () => get("/api/stats", { pages: { making: 0, waiting: 0 } }),
  "GET /api/stats/device/{id} 200": () => get("/api/stats/device/a", devices),
  "GET /api/stats/device/{id} 400": () => get("/api/stats/device/a?x=1", devices),
  "GET /api/stats/device/{id} 404": () => get("/api/stats/device/c", devices),
  "GET /api/stats/device/{id} 409": () => get("/api/stats/device/a", twice),

  "GET /api/stats/device/{id}/readings 200": () => get("/api/stats/device/a/readings", devices),
  "GET /api/stats/device/{id}/readings 400": () => get("/api/stats/device/a/readings?x=1", devices),
  "GET /api/stats/device/{id}/readings 404": () => get("/api/stats/device/c/readings", devices),
  "GET /api/stats/device/{id}/readings 409": () => get("/api/stats/device/a/readings", twice),
  "GET /api/stats/device/{id}/readings 503": () =>
    get("/api/stats/device/a/readings?tenant=t", { ...devices, pages: { making: 0, waiting: 0 } }),

  "GET /api/devices 200": () => get("/api/devices"),
  "GET /api/devices 400": () => get("/api/devices?silent_for=-1"),
  "GET /api/devices 503": () => get("/api/devices", { pages: { making: 0, waiting: 0 } }),
  "GET /api/tenants 200": () => get("/api/tenants"),
  "GET /api/tenants 400": () => get("/api/tenants?limit=0"),
  "GET /api/tenants 503": () => get("/api/tenants", { pages: { making: 0, waiting: 0 } }),

  "GET /api/anomalies 200": () => get("/api/anomalies"),
  "GET /api/anomalies 400": () => get("/api/anomalies?min_score=-1"),

  "GET /api/stream 200": () => endedStream(),
  "GET /api/stream 400": () => get("/api/stream?anomalies=x"),
  "GET /api/stream 503": () =>
    get("/api/stream", { stream: streamOver(undefined, { limits: { readers: 0 } }) }),

  "GET /api/dead-letters 200": () => get("/api/dead-letters"),
  "GET /api/dead-letters 400": () => get("/api/dead-letters?sink=x"),
  "GET /api/dead-letters/{number} 200": () => get("/api/dead-letters/7", letters),
  "GET /api/dead-letters/{number} 400": () => get("/api/dead-letters/x"),
  "GET /api/dead-letters/{number} 404": () => get("/api/dead-letters/7"),
  ...sends("replay"),
  ...sends("discard"),

  "GET /health 200": () => get("/health"),
  "GET /health/live 200": () => get("/health/live"),
  "GET /health/live 503": () => failing("live"),
  "GET /health/ready 200": () => get("/health/ready"),
  "GET /health/ready 503": () => failing("ready"),
  "GET /metrics 200": () => get("/metrics"),

  "POST /api/admin/reload 200": () => reload({ kind: "done", named: 1 }),
  "POST /api/admin/reload 409": () => post("/api/admin/reload"),
  "POST /api/admin/reload 422": () => reload({ kind: "wrong", faults: ["x"] }),
  "POST /api/admin/reload 503": () => reload({ kind: "unavailable", reason: "full" }),

  "GET /openapi.json 200": () => get("/openapi.json"),
  "GET /docs 200": () => get("/docs"),
  "GET / 200": () => get("/"),
};

async function endedStream(): Promise<Response> {
  const stream = streamOver();
  const response = await get("/api/stream", { stream });
  await stream.close(0);
  return response;
}

function reload(outcome: ReturnType<NonNullable<Options["reload"]>["reload"]>): Answer {
  return post("/api/admin/reload", "", { reload: { reload: () => outcome } });
}

type Options = NonNullable<Parameters<typeof apiOver>[0]>;

/** What a test can't bring about, and why it is believed. */
export const BELIEVED: Readonly<Record<string, string>> = {
  "POST /api/dead-letters/replay 408":
    "`/api/data` reads bodies by the same code; here 30 s are fixed",
  "POST /api/dead-letters/discard 408": "as with replay",
};
