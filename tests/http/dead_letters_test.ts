import assert from "node:assert/strict";
import { type Rejected } from "../../src/pipeline/ports.ts";
import { tempFolder } from "../harness/temp.ts";
import { startNode } from "../pipeline/node.ts";
import { apiOver } from "./in_memory.ts";
import { testToken } from "./tokens.ts";

const encoder = new TextEncoder();
const TIME = Date.parse("2026-01-02T03:04:05Z");

/** The API over a real store, pipeline included, with some letters of each kind in it. */
function rig(options: { fill?: boolean; maxBacklogBytes?: number } = {}) {
  const folder = tempFolder();
  const clock = { time: TIME };
  const { maxBacklogBytes } = options;
  const node = startNode({ dir: folder.path, clock, storage: true, maxBacklogBytes });
  node.output!.open({ topicId: "t", partitions: 1 });
  const { api, lines } = apiOver({ letters: node.letters });
  const reject = (id: string, fields: Partial<Rejected> = {}) =>
    node.store.transact((tx) =>
      tx.reject({
        id,
        topic: "in",
        partition: 3,
        offset: 7,
        time: TIME - 1000,
        reason: "device_id: required",
        bytes: encoder.encode('{"temperature":"ü"}'),
        ...fields,
      })
    );
  if (options.fill ?? true) {
    reject("in-3-7");
    reject("01M84", { topic: "", partition: -1, offset: -1, bytes: Uint8Array.of(0xff, 0) });
    reject("in-3-9", { bytes: null, reason: "reading: null (a tombstone)" });
    clock.time += 60_000;
    node.store.transact((tx) =>
      tx.refuse({
        id: "in-3-1",
        sink: "storage",
        tenant: "north",
        time: TIME,
        reason: "status 422",
        status: 422,
        answer: '{"error":"no"}',
        attempts: 2,
        bytes: encoder.encode('{"device_id":"d","tenant_id":"north"}'),
      })
    );
  }
  async function ask(path: string, body?: unknown) {
    const init = body === undefined ? {} : {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
    };
    const response = await api.request(path, init);
    return { status: response.status, headers: response.headers, body: await response.json() };
  }
  const message = async (path: string, body?: unknown) => {
    const { status, body: answer } = await ask(path, body);
    return `${status} ${answer.message}`;
  };
  const numbers = async (query: string) => {
    const { body } = await ask(`/api/dead-letters${query}`);
    return body.letters.map(({ number }: { number: number }) => number);
  };
  return {
    node,
    clock,
    api,
    lines,
    ask,
    message,
    numbers,
    reject,
    [Symbol.dispose]() {
      node.crash();
      folder[Symbol.dispose]();
    },
  };
}

const FIRST = {
  number: 1,
  id: "in-3-7",
  sink: "input",
  tenant_id: null,
  reason: "device_id: required",
  time: "2026-01-02T03:04:04.000Z",
  kept_at: "2026-01-02T03:04:05.000Z",
  topic: "in",
  partition: 3,
  offset: 7,
  status: null,
  answer: null,
  attempts: 0,
  size: 20,
};

Deno.test("letters are listed with all that is known but their bytes", async () => {
  using it = rig();
  const { status, body } = await it.ask("/api/dead-letters?limit=1");
  assert.equal(status, 200);
  const kept = { kept: 4, kept_bytes: 20 + 2 + 0 + 37 };
  assert.deepEqual(body, { status: "ok", letters: [FIRST], ...kept, next: 1 });
  const rest = await it.ask("/api/dead-letters?after=1");
  assert.deepEqual(rest.body.letters.map((it: { topic: unknown }) => it.topic), [null, "in", null]);
  assert.equal("next" in rest.body, false);
  assert.deepEqual(rest.body.letters[2], {
    number: 4,
    id: "in-3-1",
    sink: "storage",
    tenant_id: "north",
    reason: "status 422",
    time: "2026-01-02T03:04:05.000Z",
    kept_at: "2026-01-02T03:05:05.000Z",
    topic: null,
    partition: null,
    offset: null,
    status: 422,
    answer: '{"error":"no"}',
    attempts: 2,
    size: 37,
  });
});

Deno.test("filters, alone and together", async () => {
  using it = rig();
  const table: [string, number[]][] = [
    ["?sink=input", [1, 2, 3]],
    ["?sink=storage", [4]],
    ["?sink=output", []],
    ["?reason=device_id", [1, 2]],
    ["?tenant=north", [4]],
    ["?tenant=nort", []],
    ["?id=01M84", [2]],
    ["?since=2026-01-02T03:05:05Z", [4]],
    ["?since=2026-01-02T04:05:05%2B01:00", [4]],
    ["?until=2026-01-02T03:05:05Z", [1, 2, 3]],
    ["?sink=input&reason=reading&limit=1000&after=2", [3]],
    ["?sink=input&after=3", []],
  ];
  for (const [query, expected] of table) assert.deepEqual(await it.numbers(query), expected, query);
});

Deno.test("one letter has its bytes: as text, in base64 where they aren't UTF-8, none of a tombstone", async () => {
  using it = rig();
  const { status, body } = await it.ask("/api/dead-letters/1");
  assert.equal(status, 200);
  assert.deepEqual(body.letter, { ...FIRST, encoding: "utf-8", value: '{"temperature":"ü"}' });
  const shown = async (number: number) => {
    const { letter } = (await it.ask(`/api/dead-letters/${number}`)).body;
    return [letter.encoding, letter.value, letter.size];
  };
  assert.deepEqual(await shown(2), ["base64", "/wA=", 2]);
  assert.deepEqual(await shown(3), [null, null, null]);
  it.reject("bom", { bytes: Uint8Array.of(0xef, 0xbb, 0xbf, 0x61) });
  assert.deepEqual(await shown(5), ["utf-8", "\ufeffa", 4]);
});

Deno.test("what is wrong is named, with what is expected", async () => {
  using it = rig();
  const list = (query: string) => it.message(`/api/dead-letters${query}`);
  const time = "expected a time like 2026-01-31T08:00:00Z";
  assert.equal(
    await list("?limit=0&sink=x&since=yesterday"),
    `400 sink: expected input, output or storage, got "x"; since: ${time}, got "yesterday"; ` +
      'limit: expected a whole number from 1 to 1000, got "0"',
  );
  assert.equal(await list("?after=-1"), `400 after: expected a dead letter's number, got "-1"`);
  assert.equal(await list("/x"), `400 number: expected a dead letter's number, got "x"`);
  assert.equal(await list("/99"), "404 No dead letter 99");
  assert.match(await list("/replay"), /^405 /);

  const replay = (body: unknown) => it.message("/api/dead-letters/replay", body);
  assert.equal(await replay("{"), "400 body: expected JSON");
  assert.equal(await replay([]), "400 body: expected a JSON object, got []");
  assert.equal(await replay({}), "400 numbers: expected either numbers or filter, got nothing");
  assert.equal(
    await replay({ numbers: [1], filter: {} }),
    "400 numbers: expected either numbers or filter, got [1]",
  );
  assert.equal(
    await replay({ numbers: [1, "2"] }),
    `400 numbers.1: expected a dead letter's number, got "2"`,
  );
  assert.equal(await replay({ numbers: [] }), "400 numbers: expected at least 1 number, got []");
  assert.equal(await replay({ filter: { sinks: "input" } }), '400 filter: expected no "sinks"');
  assert.equal(await replay({ filter: {}, dryrun: true }), '400 body: expected no "dryrun"');
  assert.equal(
    await replay({ filter: { until: "2026" }, dry_run: "yes" }),
    `400 filter.until: ${time}, got "2026"; dry_run: expected true or false, got "yes"`,
  );
  assert.match(await replay("x".repeat(70_000)), /^413 body: expected at most 65536 bytes/);
  assert.deepEqual(await it.numbers(""), [1, 2, 3, 4]);
  assert.deepEqual(it.lines, []);
});

Deno.test("a dry run says how many and gives examples; then it is done", async () => {
  using it = rig();
  const wanted = { filter: { sink: "storage" } };
  const dry = await it.ask("/api/dead-letters/replay", { ...wanted, dry_run: true });
  const { examples, ...rest } = dry.body;
  assert.deepEqual(rest, {
    status: "ok",
    dry_run: true,
    matched: 1,
    replayed: 0,
    rejected_again: 0,
    left: 0,
  });
  assert.deepEqual(examples.map(({ number }: { number: number }) => number), [4]);
  assert.deepEqual(await it.numbers(""), [1, 2, 3, 4]);

  const { status, body } = await it.ask("/api/dead-letters/replay", wanted);
  assert.deepEqual([status, body], [200, {
    status: "ok",
    dry_run: false,
    matched: 1,
    replayed: 1,
    rejected_again: 0,
    left: 0,
  }]);
  assert.equal(it.node.storage!.take()!.row.count, 1);
  const input = await it.ask("/api/dead-letters/replay", { numbers: [1, 3] });
  assert.deepEqual(input.body, {
    status: "ok",
    dry_run: false,
    matched: 2,
    replayed: 1,
    rejected_again: 1,
    left: 1,
    left_because: "nothing can be made of its bytes",
  });
  const gone = await it.ask("/api/dead-letters/discard", { filter: { sink: "input" } });
  assert.deepEqual(gone.body, { status: "ok", dry_run: false, matched: 3, discarded: 3 });
  assert.deepEqual(await it.numbers(""), []);
});

Deno.test("what the backlog doesn't allow now is a 429, a store that can't be written a 503, with what was done", async () => {
  using full = rig({ maxBacklogBytes: -1 });
  const stopped = await full.ask("/api/dead-letters/replay", { filter: {} });
  assert.equal(stopped.status, 429);
  assert.equal(stopped.headers.get("retry-after"), "5");
  assert.match(stopped.body.message, /^stopped before the end: .*backlog is full; the rest is/);
  assert.deepEqual([stopped.body.matched, stopped.body.replayed], [4, 0]);
  assert.deepEqual(await full.numbers(""), [1, 2, 3, 4]);

  using it = rig();
  it.node.store.failingCommits = 1;
  assert.match(await it.message("/api/dead-letters/discard", { filter: {} }), /^503 stopped /);
  assert.deepEqual(await it.numbers(""), [1, 2, 3, 4]);
});

Deno.test("a parameter in the address of replay and discard is refused: dry_run belongs into the body", async () => {
  const { api } = apiOver();
  for (const verb of ["replay", "discard"]) {
    const response = await api.request(`/api/dead-letters/${verb}?dry_run=true`, {
      method: "POST",
      body: '{"filter":{}}',
    });
    assert.equal(response.status, 400);
    assert.match((await response.json()).message, /"dry_run": unknown/);
  }
});

Deno.test("a limited token sees, replays and discards its tenants' letters, as if there were no others", async () => {
  using it = rig();
  const { token, headers } = testToken("north", { tenants: ["north", "south"] });
  const { api } = apiOver({ letters: it.node.letters, tokens: [token] });
  const ask = async (path: string, body?: object) => {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await api.request(`/api/dead-letters${path}`, { ...init, headers });
    return { status: response.status, body: await response.json() };
  };
  const { body: page } = await ask("");
  assert.deepEqual(page.letters.map((it: { number: number }) => it.number), [4]);
  assert.deepEqual(Object.keys(page), ["status", "letters"], "what counts everybody's is left out");
  assert.equal((await ask("/4")).status, 200);
  for (const number of [1, 2, 3, 99]) {
    assert.deepEqual(await ask(`/${number}`), {
      status: 404,
      body: { status: "error", message: `No dead letter ${number}` },
    });
  }
  for (const selection of [{ filter: {} }, { numbers: [1, 2, 3, 4, 99] }]) {
    for (const verb of ["replay", "discard"]) {
      const { body } = await ask(`/${verb}`, { ...selection, dry_run: true });
      assert.equal(body.matched, 1, verb);
      assert.deepEqual(body.examples.map((it: { number: number }) => it.number), [4]);
    }
  }
  assert.equal((await ask("/discard", { filter: { tenant: "zeta" } })).body.discarded, 0);
  assert.equal((await ask("/discard", { numbers: [1, 2, 3] })).body.discarded, 0);
  assert.equal((await ask("/discard", { filter: {} })).body.discarded, 1);
  assert.deepEqual(await it.numbers(""), [1, 2, 3]);
});
