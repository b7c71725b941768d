import assert from "node:assert/strict";
import { decideOutOfRange, type OutOfRangePolicy } from "../../src/kafka/out_of_range.ts";

const bounds = { earliest: 60, end: 100 };

function decide(from: number, policy: OutOfRangePolicy) {
  return decideOutOfRange(from, { bounds, policy });
}

Deno.test("below the log: where the policy says", () => {
  const reason = "offset out of range";
  assert.deepEqual(decide(10, "earliest"), { kind: "move", to: 60, reason });
  assert.deepEqual(decide(10, "latest"), { kind: "move", to: 100, reason });
  const stopped = decide(10, "stop");
  assert.ok(stopped.kind === "stop");
  assert.match(stopped.why, /from 10 to 60/);
});

Deno.test("beyond the log's end: nothing of what is left is read a second time", () => {
  const reason = "log truncated";
  assert.deepEqual(decide(150, "earliest"), { kind: "move", to: 100, reason });
  assert.deepEqual(decide(150, "latest"), { kind: "move", to: 100, reason });
  const stopped = decide(150, "stop");
  assert.ok(stopped.kind === "stop");
  assert.match(stopped.why, /ends at 100, before the position 150/);
});
