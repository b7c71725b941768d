import assert from "node:assert/strict";
import { createLog, type LogOptions } from "../../src/telemetry/log.ts";

const time = "2026-01-02T03:04:05.678Z";

function logTo(lines: string[], options: Partial<LogOptions> = {}) {
  const write = (line: string) => {
    assert.match(line, /\n$/);
    lines.push(line.slice(0, -1));
  };
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

Deno.test("a line is one JSON object: level, time, message, fields", () => {
  const lines: string[] = [];
  logTo(lines).warn("two\nlines", { topic: "t", partition: 3 });
  assert.deepEqual(lines, [
    `{"level":"warn","time":"${time}","message":"two\\nlines","topic":"t","partition":3}`,
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
  logTo(lines).info("real", { message: "forged", level: 1, time: 2 });
  assert.deepEqual(lines, [
    `{"level":"info","time":"${time}","message":"real","message_":"forged","level_":1,"time_":2}`,
  ]);
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
  let now = 0;
  const late = logTo([], { now: () => now });
  now = NaN;
  late.info("no time");
});

Deno.test("names that every object has are fields like any other", () => {
  const lines: string[] = [];
  logTo(lines).info("m", JSON.parse('{"__proto__":1,"toString":2,"err":"e","method":"GET"}'));
  assert.ok(
    lines[0].endsWith(`,"message":"m","__proto__":1,"toString":2,"err":"e","method":"GET"}`),
  );
});

Deno.test("text for people: one line, nothing that steers a terminal", () => {
  const lines: string[] = [];
  const fields = { topic: "a-b", note: "two words", at: { "\x1b": 1 }, n: 2 };
  logTo(lines, { format: "text" }).info("read\x1b[2J\nmore", fields);
  const clock = new Date(time).toTimeString().slice(0, 8);
  assert.deepEqual(lines, [
    `${clock}.678 INFO  read\\u001b[2J\\u000amore topic=a-b note="two words" at={"\\u001b":1} n=2`,
  ]);
});

Deno.test("text for people: an error's message and causes, where it came from below", () => {
  const lines: string[] = [];
  const error = new Error("no luck", { cause: new Error("disk\x1b full") });
  logTo(lines, { format: "text" }).error("it failed", { error, topic: "t" });
  const [first, ...stack] = lines[0].split("\n");
  assert.match(first, /ERROR it failed error="no luck: disk\\u001b full" topic=t$/);
  assert.match(stack[0], /^ {4}at .*log_test/);
  assert.ok(!lines[0].includes("\x1b"));
});

Deno.test("with colours the text is the same", () => {
  const plain: string[] = [], coloured: string[] = [];
  const fields = { topic: "t", error: new Error("x") };
  for (const level of ["debug", "info", "warn", "error"] as const) {
    logTo(plain, { format: "text" })[level]("m", fields);
    logTo(coloured, { format: "colour" })[level]("m", fields);
  }
  // deno-lint-ignore no-control-regex
  assert.deepEqual(coloured.map((line) => line.replace(/\x1b\[\d+m/g, "")), plain);
  assert.ok(coloured.every((line) => line.includes("\x1b[")));
});
