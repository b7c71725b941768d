import assert from "node:assert/strict";
import { backoffMs } from "../../src/kafka/backoff.ts";
import { Outage, reasonOf } from "../../src/kafka/outage.ts";
import { type LogLine, memoryLog } from "./memory_log.ts";

Deno.test("an outage is told once, however many retries it takes", () => {
  const lines: LogLine[] = [];
  let now = 1_000;
  const outage = new Outage("output topic", { log: memoryLog(lines), now: () => now });
  outage.well("a");
  assert.equal(lines.length, 0);
  for (let i = 0; i < 50; i++) {
    outage.failed("a", "connection refused");
    outage.failed("b", "connection refused");
    now += 100;
  }
  outage.failed("b", "not the leader");
  outage.well("a");
  assert.equal(outage.lasts, true);
  outage.well("b");
  assert.equal(outage.lasts, false);
  assert.deepEqual(lines.map(({ level, fields }) => [level, fields]), [
    ["error", { part: "a", reason: "connection refused" }],
    ["error", { part: "b", reason: "not the leader" }],
    ["info", { after_ms: 5_000, failures: 101 }],
  ]);
  outage.failed("a", "connection refused");
  assert.equal(lines.length, 4, "the next outage is told anew");
});

Deno.test("ever new reasons don't fill the log", () => {
  const lines: LogLine[] = [];
  const outage = new Outage("x", { log: memoryLog(lines), now: () => 0 });
  for (let i = 0; i < 1_000; i++) outage.failed("a", `reason ${i}`);
  assert.equal(lines.length, 10);
});

Deno.test("an error's reason says what lies beneath it", () => {
  const refused = new Error("connect ECONNREFUSED");
  const failed = new Error("Connection failed.", { cause: refused });
  assert.equal(reasonOf(failed), "Connection failed.: connect ECONNREFUSED");
  assert.equal(reasonOf(new AggregateError([failed], "all")), `all: ${reasonOf(failed)}`);
  assert.equal(reasonOf("text"), "text");
});

Deno.test("pauses double from 100 ms at least to 5 s at most", () => {
  assert.equal(backoffMs(0, () => 0), 100);
  assert.equal(backoffMs(1, () => 0), 200);
  assert.equal(backoffMs(1, () => 0.5), 300);
  for (const attempt of [5, 50, 5_000]) {
    assert.equal(backoffMs(attempt, () => 0), 2_500);
    assert.equal(backoffMs(attempt, () => 1), 5_000);
  }
});
