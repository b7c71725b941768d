import assert from "node:assert/strict";
import fc from "fast-check";
import { tempFolder } from "../harness/temp.ts";
import { begin, compare, plan, type Round, round } from "./journal_history.ts";
import { open } from "./samples.ts";

Deno.test("the journal does what plain arrays do, through failed work and opening again", () => {
  using folder = tempFolder();
  let runs = 0;
  fc.assert(
    fc.property(fc.array(round, { maxLength: 8 }), (rounds) => {
      check(`${folder.path}/${runs++}`, rounds);
    }),
    { numRuns: 60 },
  );
});

function check(dir: string, rounds: readonly Round[]): void {
  let store = open(dir);
  try {
    let committed = begin(store);
    for (const { steps, fails, reopens } of rounds) {
      const next = committed.copy();
      const failure = new Error("the work failed");
      const work = () =>
        store.transact((tx) => {
          for (const step of steps) {
            for (const write of plan(step, next)) assert.deepEqual(write(tx), write(next));
          }
          compare(store, next);
          if (fails) throw failure;
        });
      if (fails) assert.throws(work, failure);
      else work();
      if (!fails) committed = next;
      if (reopens) {
        store.close();
        store = open(dir);
      }
      compare(store, committed);
    }
  } finally {
    store.close();
  }
}
