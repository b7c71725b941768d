import assert from "node:assert/strict";
import { seldom } from "../../src/telemetry/seldom.ts";
import { type LogLine, memoryLog } from "../kafka/memory_log.ts";

Deno.test("a message is told once a minute, the rest are debug lines and counted", () => {
  const lines: LogLine[] = [];
  let time = 0;
  const log = seldom(memoryLog(lines), { now: () => time });
  const tell = (at: number) => {
    time = at;
    log.warn("m", { at });
    return lines.splice(0).map(({ level, fields }) => [level, fields]);
  };
  assert.deepEqual(tell(1_000), [["warn", { at: 1_000 }]]);
  assert.deepEqual(tell(2_000), [["debug", { at: 2_000 }]]);
  assert.deepEqual(tell(60_999), [["debug", { at: 60_999 }]]);
  assert.deepEqual(tell(61_000), [["warn", { at: 61_000, more: 2 }]]);
  assert.deepEqual(tell(121_000), [["warn", { at: 121_000 }]]);
  assert.deepEqual(tell(0), [["warn", { at: 0 }]], "the clock was set back");
});

Deno.test("other messages aren't held back by one, and debug lines never", () => {
  const lines: LogLine[] = [];
  const log = seldom(memoryLog(lines), { now: () => 0 });
  log.error("a");
  log.info("b");
  log.debug("c");
  log.debug("c");
  log.error("a");
  assert.deepEqual(lines.map(({ level, message }) => level + message), [
    "errora",
    "infob",
    "debugc",
    "debugc",
    "debuga",
  ]);
});
