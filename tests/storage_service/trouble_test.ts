import assert from "node:assert/strict";
import { type Failure, Trouble } from "../../src/storage_service/trouble.ts";
import { type LogLine, memoryLog } from "../kafka/memory_log.ts";

const REFUSED: Failure = { stored: false, status: 503, cause: "status 503", answer: "about d1" };

function rig() {
  const lines: LogLine[] = [];
  const clock = { time: 1_000_000 };
  const url = "http://storage";
  const trouble = new Trouble({ url, log: memoryLog(lines), now: () => clock.time });
  return {
    clock,
    trouble,
    fail: (down = false, failure = REFUSED) => trouble.failed(failure, { id: "in-0-1", down }),
    /** What was told since the last call, debug lines apart. */
    told: () =>
      lines.splice(0).filter(({ level }) => level !== "debug").map(({ level, message }) =>
        `${level}: ${message}`
      ),
    lines,
  };
}

const FAILS = "warn: a result wasn't stored; it is kept and posted again until it is";
const DOWN = "warn: the storage service takes no results any more; they are kept";
const AGAIN = "info: the storage service takes results again";

Deno.test("a service that is away is told once, and once more when it is back", () => {
  const { trouble, clock, fail, told, lines } = rig();
  fail();
  fail(true);
  for (let i = 0; i < 100; i++) {
    clock.time += 1_000;
    fail(true);
  }
  trouble.succeeded({ failing: 30, down: true });
  trouble.succeeded({ failing: 30, down: false });
  const last = lines.at(-1)!;
  assert.deepEqual(last.fields, { url: "http://storage", after_ms: 100_000, failures: 102 });
  assert.deepEqual(told(), [FAILS, AGAIN]);
});

Deno.test("one device's trouble lasts until it is over, whatever else is stored", () => {
  const { trouble, clock, fail, told } = rig();
  for (let i = 0; i < 10; i++) {
    fail();
    clock.time += 30_000;
    trouble.succeeded({ failing: 1, down: false });
  }
  assert.deepEqual(told(), [FAILS]);
  fail(true);
  fail(true);
  assert.deepEqual(told(), [DOWN]);
  trouble.succeeded({ failing: 1, down: false });
  assert.deepEqual(told(), [AGAIN]);
});

Deno.test("failures that come and go aren't told each time, one that lasts is", () => {
  const { trouble, clock, fail, told } = rig();
  fail();
  trouble.succeeded({ failing: 0, down: false });
  assert.deepEqual(told(), [FAILS, AGAIN]);
  for (let i = 0; i < 10; i++) {
    clock.time += 1_000;
    fail();
    trouble.succeeded({ failing: 0, down: false });
  }
  assert.deepEqual(told(), []);
  fail();
  clock.time += 5_000;
  fail();
  assert.deepEqual(told(), [FAILS]);
  trouble.succeeded({ failing: 0, down: false });
  assert.deepEqual(told(), [AGAIN]);
});

Deno.test("what the service answers, which may quote the reading, is a debug line", () => {
  const { fail, lines } = rig();
  fail();
  const shown = lines.filter(({ fields }) => JSON.stringify(fields).includes("about d1"));
  assert.deepEqual(shown.map(({ level }) => level), ["debug"]);
});

Deno.test("what can be done depends on the answer", () => {
  const todos = [undefined, 307, 401, 404, 422, 429, 500].map((status) => {
    const { fail, lines } = rig();
    fail(false, { stored: false, status, cause: "x" });
    return lines.at(-1)!.fields!.todo as string;
  });
  assert.equal(new Set(todos).size, todos.length);
  assert.match(todos[0], /STORAGE_SERVICE_URL/);
});
