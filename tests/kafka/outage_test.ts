import assert from "node:assert/strict";
import { backoffMs } from "../../src/kafka/backoff.ts";
import { Outage, reasonOf } from "../../src/kafka/outage.ts";
import { remedyFor } from "../../src/kafka/remedy.ts";
import { type LogLine, memoryLog } from "./memory_log.ts";

const UNREACHABLE = remedyFor("connection refused").todo;
const DENIED = remedyFor("TOPIC_AUTHORIZATION_FAILED (29)").todo;

function rig() {
  const lines: LogLine[] = [];
  const clock = { time: 1_000 };
  const outage = new Outage("output topic", { log: memoryLog(lines), now: () => clock.time });
  return {
    outage,
    clock,
    /** Level and fields of what was logged since the last call. */
    logged: () => lines.splice(0).map(({ level, fields }) => [level, fields]),
    levels: () => lines.splice(0).map(({ level }) => level),
  };
}

Deno.test("an outage is told once, however many retries it takes", () => {
  const { outage, clock, logged, levels } = rig();
  outage.well("a");
  assert.deepEqual(logged(), []);
  for (let i = 0; i < 50; i++) {
    outage.failed("a", "connection refused");
    outage.failed("b", "connection refused");
    clock.time += 100;
  }
  outage.failed("b", "TOPIC_AUTHORIZATION_FAILED (29)");
  outage.well("a");
  assert.equal(outage.lasts, true);
  outage.well("b");
  assert.equal(outage.lasts, false);
  assert.deepEqual(logged(), [
    ["error", { part: "a", reason: "connection refused", todo: UNREACHABLE }],
    ["error", { part: "b", reason: "TOPIC_AUTHORIZATION_FAILED (29)", todo: DENIED }],
    ["info", { after_ms: 5_000, failures: 101 }],
  ]);
  outage.failed("a", "connection refused");
  assert.deepEqual(levels(), ["error"], "the next outage is told anew");
});

Deno.test("another reason with the same remedy is a debug line, until the next outage", () => {
  const { outage, levels } = rig();
  for (let i = 0; i < 2; i++) {
    outage.failed("a", "connection refused");
    outage.failed("b", "connect ETIMEDOUT");
    outage.failed("b", "connect ETIMEDOUT");
    outage.failed("a", "TOPIC_AUTHORIZATION_FAILED (29)");
    outage.well("a");
    outage.well("b");
    assert.deepEqual(levels(), ["error", "debug", "error", "info"]);
  }
});

Deno.test("what often passes by itself is told only if it lasts", () => {
  const { outage, clock, levels } = rig();
  outage.failed("a", "not the leader");
  clock.time += 4_999;
  outage.failed("a", "no leader yet");
  outage.well("a");
  assert.deepEqual(levels(), ["debug", "debug", "debug"]);
  outage.failed("a", "not the leader");
  clock.time += 5_000;
  outage.failed("a", "not the leader");
  outage.failed("a", "not the leader");
  outage.well("a");
  assert.deepEqual(levels(), ["debug", "error", "info"]);
});

Deno.test("what can be done, by what the failure says", () => {
  const todoFor = (reason: string) => remedyFor(reason).todo;
  const refused = "Connection to 127.0.0.1:1 failed.: connect ECONNREFUSED 127.0.0.1:1";
  assert.match(todoFor(refused), /KAFKA_BROKER/);
  for (const same of ["getaddrinfo ENOTFOUND nosuch", "Request timed out", "Connection closed"]) {
    assert.equal(todoFor(same), todoFor(refused), same);
  }
  assert.match(todoFor("Unknown topic readings."), /create the topic/);
  assert.match(todoFor("TOPIC_AUTHORIZATION_FAILED (29)"), /ACL/);
  assert.match(todoFor("partition 3 has no leader"), /leader/);
  assert.match(todoFor("writing to the database: disk is full"), /DATA_DIR/);
  assert.match(todoFor("SASL authentication failed."), /KAFKA_SASL_PASSWORD/);
  assert.match(todoFor("unable to verify the first certificate"), /KAFKA_SSL_CA_FILE/);
  assert.match(todoFor("certificate has expired"), /clock/);
  assert.match(todoFor("received fatal alert: CertificateUnknown"), /KAFKA_SSL_KEY_FILE/);
  assert.match(todoFor("Hostname/IP does not match certificate's altnames"), /names/);
  assert.match(todoFor("Broker requires TLS."), /SASL_SSL/);
  assert.match(todoFor("something new"), /broker's log/);
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
  const same = new Error("Connection failed.: connect ECONNREFUSED", { cause: failed });
  assert.equal(reasonOf(same), same.message);
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
