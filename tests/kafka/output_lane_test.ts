/** What a lane makes of the broker's answers that a real broker gives too rarely to wait for. */
import assert from "node:assert/strict";
import { Connection } from "@platformatic/kafka";
import { OutputLane, type Sent } from "../../src/kafka/output_lane.ts";
import { MemoryFeed } from "./memory_feed.ts";

const OPEN = {
  identity: { producerId: 4n, producerEpoch: 0 },
  fresh: true,
  lastOffset: 9,
  from: 0,
  next: 0,
};
const LIMITS = { maxBytes: 1_000_000, now: 0 };
const OK = { partition: 0, error: 0, message: "" };

function lane({ rows = 8, confirmedAt = 0 } = {}) {
  const feed = new MemoryFeed();
  feed.open({ topicId: "t", partitions: 1 });
  const lane = new OutputLane(feed.lanes()[0], feed);
  feed.addNumbered(1, { rows, each: 2 });
  lane.open(new Connection("test"), { ...OPEN, confirmedAt });
  return { feed, lane };
}

function sendAll(lane: OutputLane, now = 0): Sent[] {
  const sent: Sent[] = [];
  for (let row = lane.peek({ ...LIMITS, now }); row; row = lane.peek({ ...LIMITS, now })) {
    sent.push(lane.take(row));
  }
  return sent;
}

function answer(lane: OutputLane, { sent, error = 0, baseOffset = -1 }: {
  sent: Sent;
  error?: number;
  baseOffset?: number;
}) {
  return lane.answered(sent, { answer: { ...OK, error, baseOffset }, now: 0 });
}

Deno.test("five batches in flight, and one where the broker may not know the producer", () => {
  assert.equal(sendAll(lane().lane).length, 5);
  const fresh = lane({ confirmedAt: -Infinity });
  const [first, ...others] = sendAll(fresh.lane);
  assert.equal(others.length, 0);
  answer(fresh.lane, { sent: first, baseOffset: 10 });
  assert.equal(sendAll(fresh.lane).length, 5);
  assert.equal(sendAll(lane().lane, 3_600_000).length, 1, "after an hour's silence");
});

Deno.test("an answer in order moves the cursor", () => {
  const { feed, lane: at } = lane();
  const [first, second] = sendAll(at);
  assert.equal(answer(at, { sent: first, baseOffset: 10 }), "acknowledged");
  assert.equal(answer(at, { sent: second, error: 46 }), "acknowledged");
  assert.deepEqual(feed.acknowledgements, [
    { lane: 0, sequence: 2, offset: 11 },
    { lane: 0, sequence: 4, offset: -1 },
  ]);
  assert.equal(at.trouble, undefined);
});

Deno.test("after a failure nothing is sent and no answer moves the cursor", () => {
  const { feed, lane: at } = lane();
  const [first, second, third] = sendAll(at);
  at.lost(first, "connection closed");
  assert.equal(at.peek(LIMITS), undefined);
  assert.equal(answer(at, { sent: second, baseOffset: 12 }), "ignored");
  assert.equal(answer(at, { sent: third, error: 45 }), "trouble");
  assert.deepEqual(feed.acknowledgements, []);
  assert.deepEqual(at.trouble, { kind: "retry", reason: "connection closed" });
  assert.equal(at.attempts, 1, "one failure, whatever follows from it");
});

Deno.test("NOT_LEADER also comes for a batch that was appended: what follows is no gap", () => {
  const { lane: at } = lane();
  const [first, second] = sendAll(at);
  answer(at, { sent: first, error: 6 });
  assert.equal(answer(at, { sent: second, baseOffset: 12 }), "ignored");
  assert.equal(at.trouble!.kind, "retry");
  assert.equal(at.refusedAt, undefined);
});

Deno.test("a batch that is taken behind one that surely wasn't is a gap", () => {
  const { feed, lane: at } = lane();
  const [first, second] = sendAll(at);
  answer(at, { sent: first, error: 10 });
  assert.equal(answer(at, { sent: second, baseOffset: 12 }), "trouble");
  assert.equal(at.trouble!.kind, "gap");
  assert.deepEqual(feed.acknowledgements, []);
});

Deno.test("a new batch that is answered with an old offset isn't acknowledged", () => {
  const { feed, lane: at } = lane();
  const [first] = sendAll(at);
  assert.equal(answer(at, { sent: first, baseOffset: 9 }), "trouble");
  assert.equal(at.trouble!.kind, "gap");
  assert.deepEqual(feed.acknowledgements, []);
});

Deno.test("a batch that is sent again may be answered with its old offset", () => {
  const { feed, lane: at } = lane();
  const [first, ...others] = sendAll(at);
  for (const sent of [first, ...others]) at.lost(sent, "connection closed");
  feed.rewind(0);
  at.open(new Connection("test"), { ...OPEN, confirmedAt: 0 });
  const [again] = sendAll(at);
  assert.equal(again.again, true);
  assert.equal(answer(at, { sent: again, baseOffset: 8 }), "acknowledged");
});

Deno.test("the row whose timestamp is refused goes out without one, the next with its own", () => {
  const { feed, lane: at } = lane();
  const [first, ...others] = sendAll(at);
  answer(at, { sent: first, error: 32 });
  for (const sent of others) answer(at, { sent, error: 45 });
  assert.equal(at.trouble!.kind, "timestamp");
  assert.equal(at.attempts, 0, "no pause is needed");
  feed.rewind(0);
  at.open(new Connection("test"), { ...OPEN, confirmedAt: 0 });
  const [untimed, timed] = sendAll(at).map(({ row }) => new DataView(row.body.buffer));
  assert.deepEqual([untimed.getBigInt64(27), untimed.getBigInt64(35)], [-1n, -1n]);
  assert.ok(timed.getBigInt64(27) > 0n);
});

Deno.test("a gap in the sequence and a row over the limit wait for what is in flight", () => {
  const { feed, lane: at } = lane({ rows: 1 });
  const [first] = sendAll(at);
  feed.add(0, { records: [{ key: "k", value: "x".repeat(500), id: "i", tenant: "t" }] });
  const small = { maxBytes: 400, now: 0 };
  assert.equal(at.peek(small), undefined);
  assert.equal(at.trouble, undefined);
  answer(at, { sent: first, baseOffset: 10 });
  assert.equal(at.peek(small), undefined);
  assert.equal(at.trouble!.kind, "too large");
});

Deno.test("an id from before the start: older rows go out under it, a newer one waits for another", () => {
  const feed = new MemoryFeed([
    {
      lane: 0,
      topicId: "t",
      producerId: 4n,
      producerEpoch: 0,
      acknowledged: 0,
      end: 0,
      lastOffset: -1,
    },
  ]);
  feed.addNumbered(1, { rows: 2, each: 2 });
  const at = new OutputLane(feed.lanes()[0], feed);
  feed.addNumbered(1, { rows: 2, each: 2, first: 4 });
  at.open(new Connection("test"), { ...OPEN, fresh: false, confirmedAt: 0 });
  const [first, second, ...others] = sendAll(at);
  assert.deepEqual([first.again, second.again, others], [true, true, []]);
  assert.equal(at.trouble, undefined, "not while something is in flight");
  answer(at, { sent: first, baseOffset: 10 });
  answer(at, { sent: second, baseOffset: 12 });
  assert.equal(at.peek(LIMITS), undefined);
  assert.deepEqual(at.trouble, { kind: "inherited" });
  feed.rewind(0);
  at.open(new Connection("test"), { ...OPEN, from: 4, next: undefined, confirmedAt: 0 });
  assert.equal(sendAll(at).length, 2);
});

Deno.test("after a failure one batch goes out, more only when it is acknowledged", () => {
  const { feed, lane: at } = lane();
  for (const sent of sendAll(at)) at.lost(sent, "connection closed");
  feed.rewind(0);
  at.open(new Connection("test"), { ...OPEN, fresh: false, confirmedAt: 0 });
  const [probe, ...others] = sendAll(at);
  assert.equal(others.length, 0);
  answer(at, { sent: probe, baseOffset: 10 });
  assert.equal(sendAll(at).length, 5);
});

Deno.test("corrupt on its way is sent again; the fifth time the row itself is taken to be damaged", () => {
  const { feed, lane: at } = lane({ confirmedAt: -Infinity });
  const kinds: string[] = [];
  for (let time = 0; time < 5; time++) {
    const [sent] = sendAll(at);
    answer(at, { sent, error: 2 });
    kinds.push(at.trouble!.kind);
    feed.rewind(0);
    at.open(new Connection("test"), { ...OPEN, fresh: false, confirmedAt: -Infinity });
  }
  assert.deepEqual(kinds, ["retry", "retry", "retry", "retry", "refused"]);
  assert.equal(at.refusalsOf(0), 5);
  assert.equal(at.refusalsOf(2), 0);
});

Deno.test("an id is unused until a batch under it may stand in the log", () => {
  const { feed, lane: at } = lane({ confirmedAt: -Infinity });
  const again = () => {
    feed.rewind(0);
    at.open(new Connection("test"), { ...OPEN, fresh: false, confirmedAt: -Infinity });
    return sendAll(at)[0];
  };
  answer(at, { sent: sendAll(at)[0], error: 10 });
  assert.equal(at.used, false, "surely not appended");
  at.lost(again(), "connection closed");
  assert.equal(at.used, true);
  at.open(new Connection("test"), { ...OPEN, confirmedAt: -Infinity });
  assert.equal(at.used, false, "a new id");
  answer(at, { sent: again(), error: 6 });
  assert.equal(at.used, true, "NOT_LEADER leaves it open");
});
