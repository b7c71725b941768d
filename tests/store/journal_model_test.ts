import assert from "node:assert/strict";
import fc from "fast-check";
import { tempFolder } from "../harness/temp.ts";
import { compare, plan, type Round, round } from "./journal_history.ts";
import { JournalModel } from "./journal_model.ts";
import { lane, open, SOURCE } from "./samples.ts";

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
    let committed = new JournalModel();
    committed.position = 0;
    store.positions.jump(SOURCE, 0, "first start");
    store.transact((tx) => {
      for (const writes of [tx, committed]) {
        for (const number of [0, 1, 2]) writes.saveLane(lane(number));
      }
    });
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
