import assert from "node:assert/strict";
import { type Progress, StallWatch } from "../../src/kafka/stall_watch.ts";
import type { Log } from "../../src/pipeline/ports.ts";

/** A watch that is looked through by hand. */
function rig(partitions: { next: number; end: number; expected?: boolean }[]) {
  const told: string[] = [];
  const line = (level: string) => (message: string, fields: Record<string, unknown> = {}) => {
    told.push(`${level} ${message} ${JSON.stringify(fields.partitions ?? fields.partition)}`);
  };
  const log: Log = {
    debug: line("debug"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
  };
  const remade: number[][] = [];
  const it = { told, remade, partitions, reading: true, answers: true };
  const watch = new StallWatch({
    stallMs: 60_000,
    topic: "in",
    log,
    progress: () =>
      it.reading
        ? partitions.map(({ next, expected = true }, partition): Progress => {
          return { partition, next, expected };
        })
        : undefined,
    ends: (asked) =>
      it.answers
        ? Promise.resolve(new Map(asked.map((partition) => [partition, partitions[partition].end])))
        : Promise.reject(new Error("no answer")),
    remake: (stalled) => remade.push([...stalled]),
  });
  const look = async (times: number) => {
    for (let i = 0; i < times; i++) await watch.look();
  };
  return Object.assign(it, { watch, look });
}

Deno.test("a partition that stands still while records wait is noticed, beside one that moves", async () => {
  const it = rig([{ next: 5, end: 9 }, { next: 0, end: 1000 }]);
  for (let i = 0; i < 4; i++) {
    await it.look(1);
    it.partitions[1].next += 10;
  }
  assert.deepEqual(it.remade, []);
  await it.look(1);
  assert.deepEqual(it.remade, [[0]]);
  assert.equal(it.watch.remade, 1);
});

Deno.test("each time counts, but the log has one line until it moves, and one then", async () => {
  const it = rig([{ next: 5, end: 9 }]);
  await it.look(13);
  assert.deepEqual(it.remade, [[0], [0], [0]]);
  // Made anew it begins where the last commit was.
  it.partitions[0].next = 3;
  await it.look(2);
  it.partitions[0].next = 9;
  await it.look(20);
  assert.equal(it.remade.length, 3);
  assert.deepEqual(it.told, [
    "error records wait, but none of them come: the consumers are made anew [0]",
    "info records come again 0",
  ]);
});

Deno.test("no records wait: it may stand for ever", async () => {
  const it = rig([{ next: 9, end: 9 }]);
  await it.look(50);
  assert.deepEqual(it.remade, []);
});

Deno.test("nothing is noticed while reading is paused, and the count begins anew after it", async () => {
  const it = rig([{ next: 5, end: 9 }]);
  await it.look(4);
  it.reading = false;
  await it.look(50);
  it.reading = true;
  await it.look(4);
  assert.deepEqual(it.remade, []);
  await it.look(1);
  assert.deepEqual(it.remade, [[0]]);
});

Deno.test("nothing is noticed while it is known why nothing comes, or nobody tells the end", async () => {
  const it = rig([{ next: 5, end: 9, expected: false }]);
  await it.look(50);
  it.partitions[0].expected = true;
  it.answers = false;
  await it.look(50);
  assert.deepEqual(it.remade, []);
  assert.deepEqual(it.told, []);
});
