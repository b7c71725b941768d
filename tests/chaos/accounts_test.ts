/** What the accounts are made of is able to find something. */
import assert from "node:assert/strict";
import { Findings } from "../oracle/findings.ts";
import { Ledger } from "./ledger.ts";
import type { Fault } from "./plan.ts";
import { checkPosted, type Counted } from "./posted.ts";
import { brokenPromises, twiceAtMost } from "./promises.ts";
import { RequestReader } from "./request_reader.ts";
import { StorageService } from "./storage_service.ts";

function result(id: string, device: string, value = 1): string {
  return JSON.stringify({ device_id: device, temperature: value, tenant_id: "t", id });
}

Deno.test("ledger: other bytes under an id and an older result after a newer one are faults", () => {
  const ledger = new Ledger();
  ledger.store(result("in-0-5", "d"));
  ledger.store(result("in-0-5", "d"));
  ledger.store(result("in-0-4", "e"));
  assert.deepEqual([ledger.repeated, ledger.faults], [1, []]);
  ledger.store(result("in-0-5", "d", 2));
  ledger.store(result("in-0-3", "d"));
  assert.deepEqual(ledger.faults, [
    "in-0-5 again with other bytes",
    "in-0-3 of t/d after offset 5",
  ]);
  ledger.refuse(result("in-0-2", "d"), 400);
  ledger.store(result("in-0-2", "d"));
  assert.equal(ledger.faults.length, 2);
  ledger.close();
  ledger.store(result("in-0-5", "d"));
  assert.deepEqual([ledger.repeated, [...ledger.stored]], [1, []]);
});

Deno.test("posted readings: lost, counted too often, answered with what isn't the result", () => {
  const counted = (...texts: string[]): Counted => ({
    results: new Map(texts.map((text) => [JSON.parse(text).id, text])),
    rejected: new Set(),
    offsets: new Map(),
  });
  const [once, twice, thrice] = ["A", "B", "C"].map((id) => result(id, "posted-1"));
  const check = (posted: { attempts: number; result?: string }, engines: Counted[]) => {
    const findings = new Findings();
    const reading = { device: "posted-1", body: "{}", result: undefined, ...posted };
    const { records, again, lost } = checkPosted([reading], { counted: engines, findings });
    const kinds = findings.list().map(({ kind }) => kind);
    return { records: records.map((all) => all.map(({ id }) => id)), again, lost, kinds };
  };
  assert.deepEqual(
    check({ attempts: 2, result: twice }, [counted(once), counted(twice)]),
    { records: [["A"], ["B"]], again: 1, lost: 0, kinds: [] },
  );
  assert.deepEqual(
    check({ attempts: 2, result: once }, [counted(once, twice, thrice), counted()]).kinds,
    ["counted more often than posted"],
  );
  assert.deepEqual(
    check({ attempts: 1, result: twice }, [counted(once)]).kinds,
    ["another answer than the result"],
  );
  const lost = check({ attempts: 1, result: once }, [counted()]);
  assert.deepEqual([lost.lost, lost.kinds], [1, ["lost"]]);
});

Deno.test("promises: nothing lost, nothing twice that wasn't said, and memory", () => {
  const sums = {
    records: 10,
    posted: 0,
    rejected: 0,
    results: 10,
    sampledOut: 0,
    lost: 0,
    countedTwice: 5,
    postedAgain: 9,
    outputTwice: 3,
    storedTwice: 9,
    deadLetters: 9,
  };
  const kept = { sums, unsure: 3, mayCountTwice: 5, peakMiB: 100 };
  assert.deepEqual(brokenPromises(kept), []);
  for (
    const broken of [
      { ...kept, sums: { ...sums, lost: 1 } },
      { ...kept, unsure: 2 },
      { ...kept, mayCountTwice: 4 },
      { ...kept, peakMiB: 1000 },
    ]
  ) assert.equal(brokenPromises(broken).length, 1);
  const fault = (kind: Fault["kind"]): Fault => ({ kind, seconds: 12, after: 0 });
  assert.equal(twiceAtMost([fault("engine killed"), fault("broker away")]), 0);
  assert.ok(twiceAtMost([fault("second engine killed")]) > 0);
});

Deno.test("storage service: every mood is what it is called", async () => {
  await using service = new StorageService(() => 0);
  const ledger = service.ledger("a");
  const post = async (id: string) => {
    const answer = await fetch(`${service.url}/a/api/store`, {
      method: "POST",
      body: result(id, id),
      headers: { "content-type": "application/json", "idempotency-key": id },
      signal: AbortSignal.timeout(300),
    });
    await answer.body?.cancel();
    return answer;
  };
  assert.equal((await post("1")).status, 200);
  service.mood = { kind: "answers", status: 429, retryAfter: 7, share: 1 };
  assert.equal((await post("2")).headers.get("retry-after"), "7");
  service.mood = { kind: "answers", status: 422, share: 1 };
  assert.equal((await post("3")).status, 422);
  for (const kind of ["hangs", "resets", "garbles", "loses answers"] as const) {
    service.mood = { kind };
    await assert.rejects(post(kind), kind);
  }
  service.mood = { kind: "is slow" };
  assert.equal((await post("8")).status, 200);
  assert.deepEqual([...ledger.stored.keys()], ["1", "loses answers", "8"]);
  assert.deepEqual([[...ledger.refused], ledger.faults], [["3"], []]);
});

Deno.test("request reader: requests in pieces and in one, and an end within one", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using server = await listener.accept();
  const reader = new RequestReader(server);
  const request = (body: string) =>
    `POST /x HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const text = request("x".repeat(20_000)) + request("two") + request("cut").slice(0, -1);
  const written = (async () => {
    for (let at = 0; at < text.length; at += 7_001) {
      await client.write(new TextEncoder().encode(text.slice(at, at + 7_001)));
    }
    client.close();
  })();
  assert.equal((await reader.next())?.body, "x".repeat(20_000));
  assert.deepEqual({ ...await reader.next(), headers: 0 }, {
    method: "POST",
    path: "/x",
    headers: 0,
    body: "two",
  });
  await assert.rejects(reader.next(), /reading a request of/);
  await written;
});
