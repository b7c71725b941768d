import assert from "node:assert/strict";
import { createLog, type LogOptions } from "../../src/telemetry/log.ts";

const time = "2026-01-02T03:04:05.678Z";

function logTo(lines: string[], options: Partial<LogOptions> = {}) {
  const write = (line: string) => lines.push(line);
  return createLog({ level: "debug", write, now: () => Date.parse(time), ...options });
}

/** The fields of one line, without time, level and message. */
function fieldsOf(fields: Record<string, unknown>): Record<string, unknown> {
  const lines: string[] = [];
  logTo(lines).info("m", fields);
  assert.equal(lines.length, 1);
  const { time: _time, level: _level, message: _message, ...rest } = JSON.parse(lines[0]);
  return rest;
}

Deno.test("a line is one JSON object: time, level, message, fields", () => {
  const lines: string[] = [];
  logTo(lines).warn("two\nlines", { topic: "t", partition: 3 });
  assert.deepEqual(lines, [
    `{"time":"${time}","level":"warn","message":"two\\nlines","topic":"t","partition":3}`,
  ]);
});

Deno.test("lines below the level aren't written", () => {
  const lines: string[] = [];
  const log = logTo(lines, { level: "warn" });
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  assert.deepEqual(lines.map((line) => JSON.parse(line).message), ["c", "d"]);
});

Deno.test("a field can't take the place of time, level or message", () => {
  const lines: string[] = [];
  logTo(lines).info("real", { message: "forged", level: 1 });
  const line = JSON.parse(lines[0]);
  assert.equal(line.message, "real");
  assert.equal(line.message_, "forged");
  assert.equal(line.level_, 1);
});

Deno.test("values that JSON doesn't know are written all the same", () => {
  const circle: Record<string, unknown> = { a: 1 };
  circle.self = circle;
  assert.deepEqual(
    fieldsOf({
      offset: 2n ** 63n,
      bytes: Uint8Array.of(0, 255, 16),
      nan: NaN,
      date: new Date(Date.parse(time)),
      map: new Map([[1, 2n]]),
      set: new Set(["a"]),
      circle,
      text: "x".repeat(5000),
    }),
    {
      offset: "9223372036854775808",
      bytes: "00ff10",
      nan: "NaN",
      date: time,
      map: { "1": "2" },
      set: ["a"],
      circle: { a: 1, self: "[circular]" },
      text: "x".repeat(4096) + "…",
    },
  );
});

Deno.test("errors with code, causes and the errors inside", () => {
  const inner = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  const error = new AggregateError([inner], "all failed", { cause: inner });
  const shown = fieldsOf({ error }).error as Record<string, Record<string, unknown>[]>;
  assert.equal(shown.name, "AggregateError");
  assert.equal(shown.message, "all failed");
  assert.match(String(shown.stack), /log_test/);
  assert.equal(shown.errors[0].message, "refused");
  assert.equal(shown.errors[0].code, "ECONNREFUSED");
  assert.equal((shown.cause as unknown as { message: string }).message, "refused");
});

Deno.test("large structures are cut", () => {
  const deep = { a: { b: { c: { d: { e: { f: 1 } } } } } };
  assert.match(JSON.stringify(fieldsOf({ deep })), /too deep/);
  assert.equal((fieldsOf({ list: new Array(5000).fill(1) }).list as number[]).length, 100);
  assert.match(fieldsOf({ bytes: new Uint8Array(1e6) }).bytes as string, /… \(1000000 bytes\)$/);
});

Deno.test("the log never throws", () => {
  const hostile = {
    get trap() {
      throw new Error("sprung");
    },
  };
  assert.deepEqual(fieldsOf({ hostile }), { hostile: "[unreadable: sprung]" });
  const log = logTo([], {
    write: () => {
      throw new Error("EPIPE");
    },
  });
  log.error("goes nowhere");
  logTo([], { now: () => NaN }).info("no time");
});

Deno.test("text for people: one line, nothing that steers a terminal", () => {
  const lines: string[] = [];
  logTo(lines, { format: "text" }).info("read\x1b[2J\nmore", { topic: "a-b", note: "two words" });
  assert.deepEqual(lines, [
    `${time} INFO  read\\u001b[2J\\u000amore topic=a-b note="two words"`,
  ]);
});
