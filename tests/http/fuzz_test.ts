/**
 * 100,000 requests at random: 2xx, 3xx and 4xx only, every one answered, and the store's counters say
 * exactly what the answers said. Most of them go to the application without a port, over a real store;
 * the others over a socket to the program, some of them as broken HTTP.
 */
import assert from "node:assert/strict";
import { noTenants } from "../../src/config/tenants.ts";
import { createApi } from "../../src/http/api.ts";
import { StateDeviceLists } from "../../src/pipeline/device_lists.ts";
import { StateTenantLists } from "../../src/pipeline/tenant_lists.ts";
import { StateStatistics } from "../../src/pipeline/statistics.ts";
import type { Counters } from "../../src/pipeline/ports.ts";
import { ConnectionEnded, HttpConnection, requestBytes } from "../bench/http_connection.ts";
import { PARITY } from "../core/result_twin.ts";
import { randomOf } from "../core/scan_random.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { readCounters } from "../oracle/store.ts";
import { startNode } from "../pipeline/node.ts";
import { brokenRequest } from "./broken_requests.ts";
import { DescribedAnswers } from "./described_answers.ts";
import { type AnyRequest, anyRequest } from "./fuzz_requests.ts";
import { apiOver, streamOver } from "./in_memory.ts";
import { askStream, mayStream, startOf } from "./stream_start.ts";

const WITHOUT_PORT = 88_000;
const OVER_SOCKET = 10_000;
const BROKEN = 2_000;
/** At the same time; requests share commits. */
const WORKERS = 64;
const STALLED_MS = 20_000;
/** All that is there of a stream that is left at once. */
const STREAM_START = /^retry: 1000\n/;
const LIMITS = { maxReadingBytes: 2000, maxBatchBytes: 20_000 };

/** What the answers to `POST /api/data` said. */
class Told {
  accepted = 0;
  skipped = 0;
  rejected = 0;
  /** Dead letters that are gone. */
  replayed = 0;
  discarded = 0;
  /** Answers in CSV. */
  tables = 0;
  /** A dead letter's number that was seen lately: it may be there. */
  letter = 1;
  readonly statuses = new Map<number, number>();
  readonly #described: DescribedAnswers;

  constructor(described: DescribedAnswers) {
    this.#described = described;
  }

  /** Asserts that the answer may be one to this request. */
  answer(
    request: AnyRequest,
    got: { status: number; headers?: Headers; text: string; url?: string },
  ): void {
    const { status, text } = got;
    const at = () =>
      `${request.method} ${request.path} ${JSON.stringify(request.headers)}, body ` +
      `${request.body === null ? "none" : JSON.stringify(new TextDecoder().decode(request.body))}` +
      `: ${status} ${text.slice(0, 300)}`;
    assert.ok(status >= 200 && status < 500, at());
    this.#described.check({ method: request.method, path: got.url ?? request.path }, got);
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (request.method === "HEAD" || status === 308) return assert.equal(text, "", at());
    const path = request.path.split(/[?#]/)[0];
    if (["/metrics", "/docs"].includes(path) && status === 200) return;
    // No JSON: a table.
    if (status === 200 && text.startsWith("time,tenant_id,")) {
      this.tables++;
      return;
    }
    if (status === 200 && STREAM_START.test(text)) return;
    const answer = JSON.parse(text);
    this.letter = answer.letters?.at(-1)?.number ?? this.letter;
    if (status >= 400) {
      assert.equal(answer.status, "error", at());
      assert.ok(typeof answer.message === "string" && answer.message !== "", at());
    }
    if (request.method !== "POST") return;
    if (path.startsWith("/api/dead-letters/") && status === 200) this.#letters(answer);
    if (path !== "/api/data") return;
    if (status === 400 && request.path.includes("?") && /: unknown;/.test(answer.message)) return;
    if ([200, 207, 400].includes(status)) this.#post(status, answer);
    else assert.ok([413, 415, 405].includes(status), at());
  }

  /** Operations of the document that were never answered by 200. */
  withoutSuccess(): string[] {
    const { seen, statuses } = this.#described;
    return statuses.filter((it) => it.endsWith(" 200") && !seen.has(it));
  }

  /** A reading that is replayed is one that was read, with what came of it. */
  #letters(answer: Record<string, number>): void {
    const { replayed = 0, rejected_again: again = 0, discarded = 0 } = answer;
    this.accepted += replayed - again;
    this.rejected += again;
    this.replayed += replayed;
    this.discarded += discarded;
  }

  #post(status: number, answer: Record<string, unknown>): void {
    if (Array.isArray(answer.rejected)) {
      this.accepted += answer.accepted as number;
      this.rejected += answer.rejected.length;
    } else if (status === 400) this.rejected++;
    else if (answer.status === "skipped") this.skipped++;
    else {
      assert.equal(answer.status, "ok");
      this.accepted++;
    }
  }
}

type Outcomes = Pick<Counters, "read" | "results" | "sampledOut" | "rejected">;

/** A batch's `accepted` has the readings that were sampled out, too. */
function assertTold(told: Told, { read, results, sampledOut, rejected }: Outcomes): void {
  assert.equal(rejected, told.rejected);
  assert.equal(results + sampledOut, told.accepted + told.skipped);
  assert.ok(sampledOut >= told.skipped);
  assert.equal(read, results + sampledOut + rejected);
}

/** Something of everything, or it was a fuzz of nothing. `never`: what can't be answered by 200. */
function assertVaried(told: Told, never: string[]): void {
  assert.deepEqual(told.withoutSuccess(), never);
  for (const status of [200, 207, 308, 400, 404, 405, 413, 415]) {
    assert.ok((told.statuses.get(status) ?? 0) > 5, `${status}: ${[...told.statuses].join(" ")}`);
  }
  assert.ok(told.skipped > 5, `${told.skipped} skipped`);
  assert.ok(told.tables > 5, `${told.tables} tables`);
}

/** A request that isn't answered is a failure, not a test without an end. */
async function inTime(work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${STALLED_MS} ms`)), STALLED_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function inTurns(count: number, work: (worker: number) => Promise<void>): Promise<void> {
  let left = count;
  await Promise.all(Array.from({ length: WORKERS }, async (_, worker) => {
    while (left-- > 0) await inTime(work(worker));
  }));
}

Deno.test(`${WITHOUT_PORT} requests at random, without a port`, async () => {
  using folder = tempFolder("fuzz-");
  const settings = (name: string) => ({ ...PARITY, sampling: name === "sampled" ? 0.5 : 1 });
  const clock = { time: 1_770_000_000_000 };
  const node = startNode({
    dir: folder.path,
    clock,
    settings,
    output: false,
    maxReadingBytes: LIMITS.maxReadingBytes,
  });
  const { metrics, health } = apiOver();
  const errors: string[] = [];
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: (message: string, fields?: unknown) => void errors.push(Deno.inspect([message, fields])),
  };
  const lifecycle = { running: true, startedAt: clock.time };
  const devices = new StateDeviceLists(node.state, { store: node.store });
  const api = createApi({
    intake: node.ingest,
    letters: node.letters,
    anomalies: node.store.anomalies,
    devices,
    tenants: new StateTenantLists(node.state, {
      devices,
      file: () => noTenants,
      settings,
      maxReadings: 4,
      now: () => clock.time,
    }),
    statistics: new StateStatistics(node.state, { store: node.store, lifecycle }),
    health,
    metrics,
    stream: streamOver(node.tail),
    reload: null,
    tokens: () => [],
    metricsPublic: false,
    limits: { ...LIMITS, maxTotalBytes: 100_000_000 },
    log,
    now: () => clock.time,
    wallClock: () => clock.time,
    version: "1.2.3",
  });
  const random = randomOf(1);
  const told = new Told(new DescribedAnswers(await (await api.request("/openapi.json")).json()));
  await inTurns(WITHOUT_PORT, async () => {
    const request = anyRequest(random, told.letter);
    const { href: url } = new URL(`http://localhost${request.path}`);
    const response = await api.request(url, {
      method: request.method,
      headers: request.headers.map(([name, value]): [string, string] => [name, value]),
      body: request.body as Uint8Array<ArrayBuffer> | null,
    });
    const { status, headers } = response;
    told.answer(request, { status, headers, text: await startOf(response), url });
  });
  assert.deepEqual(errors, []);
  assertVaried(told, ["POST /api/admin/reload 200"]);
  assertTold(told, node.store.counters());
  assert.deepEqual(node.state.counters, node.store.counters());
  const letters = node.store.deadLetters({ limit: 1_000_000 });
  assert.equal(letters.length, told.rejected - told.replayed - told.discarded);
  assert.ok(told.replayed > 100 && told.discarded > 100, `${told.replayed} ${told.discarded}`);
  node.stop();
});

const SAMPLED = { tenants: { sampled: { sampling: 0.5 } } };

Deno.test(`${OVER_SOCKET + BROKEN} requests at random over a socket, some of them no HTTP`, async () => {
  using folder = tempFolder("fuzz-socket-");
  const tenants = `${folder.path}/tenants.json`;
  await Deno.writeTextFile(tenants, JSON.stringify(SAMPLED));
  const dir = `${folder.path}/data`;
  await using program = await startProgram({
    env: {
      KAFKA_ENABLED: "false",
      DATA_DIR: dir,
      TENANTS_FILE: tenants,
      MAX_READING_BYTES: String(LIMITS.maxReadingBytes),
      MAX_BATCH_BYTES: String(LIMITS.maxBatchBytes),
    },
  });
  const address = await program.ready();
  const random = randomOf(2);
  const told = new Told(
    new DescribedAnswers(await (await fetch(`${address}/openapi.json`)).json()),
  );
  const connections: HttpConnection[] = [];
  for (let i = 0; i < WORKERS; i++) connections.push(await HttpConnection.open(address));
  await inTurns(OVER_SOCKET, async (worker) => {
    const request = asSent(anyRequest(random, told.letter));
    told.answer(request, await askAgain(request, { address, connections, worker }));
  });
  for (const connection of connections) connection[Symbol.dispose]();
  assertVaried(told, []);
  const before = await counters(address);
  assertTold(told, before);

  let unanswered = 0;
  await inTurns(BROKEN, async () => {
    const { bytes, mayCount } = brokenRequest(random);
    const answer = await exchange(address, bytes);
    const statuses = [...answer.matchAll(/^HTTP\/1\.[01] (\d{3}) /gm)].map((it) => Number(it[1]));
    const at = `${JSON.stringify(new TextDecoder("latin1").decode(bytes))}: ${answer}`;
    for (const status of statuses) assert.ok(status < 500, at);
    unanswered += mayCount;
  });
  const after = await counters(address);
  assert.equal(after.read, after.results + after.sampledOut + after.rejected);
  assert.ok(after.read >= before.read && after.read <= before.read + unanswered);
  assert.equal((await fetch(`${address}/health/ready`)).status, 200);
  assert.deepEqual(await program.kill("SIGTERM"), { code: 0, signal: null });
  const stored = readCounters(`${dir}/plumbline.db`);
  assert.equal(stored.read, after.read);
  assert.deepEqual(program.lines.filter((line) => /"level":"(warn|error)"/.test(line)), []);
});

/**
 * A server may close a connection after an answer whose request had a body that it didn't want. The
 * counters would tell of a request that was taken, and not answered.
 */
async function askAgain(
  request: AnyRequest,
  over: { address: string; connections: HttpConnection[]; worker: number },
) {
  const { address, connections, worker } = over;
  const ask = async () => {
    const { status, body } = await connections[worker].ask(bytesOf(request));
    return { status, text: new TextDecoder().decode(body) };
  };
  if (mayStream(request)) return await askStream(address, bytesOf(request));
  try {
    return await ask();
  } catch (error) {
    const gone = [ConnectionEnded, Deno.errors.BrokenPipe, Deno.errors.ConnectionReset];
    if (!gone.some((it) => error instanceof it)) throw error;
    connections[worker][Symbol.dispose]();
    connections[worker] = await HttpConnection.open(address);
    return await ask();
  }
}

/** A fragment is never sent, and the request line has no brackets. */
function asSent({ path, ...request }: AnyRequest): AnyRequest {
  return { ...request, path: path.split("#")[0].replace(/[[\]]/g, "") };
}

function bytesOf({ method, path, headers, body }: AnyRequest): Uint8Array {
  return requestBytes(`${method} ${path}`, { bytes: body ?? new Uint8Array(0), headers });
}

async function counters(address: string): Promise<Outcomes> {
  const text = await (await fetch(`${address}/metrics`)).text();
  const value = (name: string) => {
    const found = text.split("\n").find((line) => line.startsWith(`${name} `));
    assert.ok(found, name);
    return Number(found.slice(name.length + 1));
  };
  const outcome = (name: string) => value(`plumbline_readings_total{outcome="${name}"}`);
  return {
    read: value("plumbline_readings_read_total"),
    results: outcome("result"),
    sampledOut: outcome("sampled_out"),
    rejected: outcome("rejected"),
  };
}

/** Sends bytes, then nothing more, and reads until the server closes the connection. */
async function exchange(address: string, bytes: Uint8Array): Promise<string> {
  const { hostname, port } = new URL(address);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const chunks: Uint8Array[] = [];
  try {
    for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
    await connection.closeWrite();
    for await (const chunk of connection.readable) chunks.push(chunk);
  } catch (error) {
    const gone = [Deno.errors.BrokenPipe, Deno.errors.ConnectionReset, Deno.errors.NotConnected];
    if (!gone.some((it) => error instanceof it)) throw error;
  }
  return new TextDecoder("latin1").decode(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
