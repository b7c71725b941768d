/**
 * Random histories against the model, with a crash before and after every statement of every transaction,
 * and in the middle of a COMMIT: the reopened store is the model before or after the transaction.
 */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import fc from "fast-check";
import { StoreUnavailable } from "../../src/pipeline/ports.ts";
import { fileSize } from "../../src/store/folder.ts";
import { tempFolder } from "../harness/temp.ts";
import { atEveryStatement, leaveBehind, type Moment } from "./crash_points.ts";
import { begin, compare, plan, type Round, round } from "./journal_history.ts";
import { JournalModel } from "./journal_model.ts";
import { open } from "./samples.ts";

interface Seen {
  points: number;
  /** Files in which pages of a transaction under way were written already. */
  unfinished: number;
  torn: { before: number; after: number };
}

const rounds = fc.array(fc.tuple(round, fc.nat(12), fc.array(fc.nat(1000), { maxLength: 3 })), {
  minLength: 1,
  maxLength: 5,
});

Deno.test("a crash at any statement of any transaction leaves what was before it or after it", () => {
  using folder = tempFolder();
  const seen: Seen = { points: 0, unfinished: 0, torn: { before: 0, after: 0 } };
  let runs = 0;
  fc.assert(
    fc.property(rounds, (rounds) => {
      const dir = `${folder.path}/${runs++}`;
      check(dir, rounds, seen);
      Deno.removeSync(dir, { recursive: true });
    }),
    { numRuns: 12, endOnFailure: true },
  );
  console.log(JSON.stringify(seen));
  assert.ok(seen.points > 100 && seen.unfinished > 20);
  assert.ok(seen.torn.before > 3 && seen.torn.after > 3);
});

function check(dir: string, rounds: (readonly [Round, number, number[]])[], seen: Seen): void {
  let at: (moment: Moment) => void = () => {};
  using _ = atEveryStatement((moment) => at(moment));
  const store = open(`${dir}/store`);
  try {
    let committed = begin(store);
    for (const [{ steps }, failing, cuts] of rounds) {
      const next = committed.copy();
      const writes = steps.flatMap((step) => [...planned(step, next)]);
      const work = () =>
        store.transact((tx) => {
          for (const write of writes) write(tx);
        });
      // The statement with this number fails as on a full disk: memory and file are as before.
      let number = 0;
      at = ({ when }) => {
        if (when === "before" && number++ === failing) {
          throw new Database.SqliteError("full", "SQLITE_FULL");
        }
      };
      try {
        work();
        assert.ok(number <= failing);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        at = () => {};
        compare(store, committed);
        at = crashing(dir, { store: `${dir}/store`, committed, next, cuts, seen });
        work();
      }
      at = () => {};
      compare(store, next);
      committed = next;
    }
  } finally {
    at = () => {};
    store.close();
  }
}

/** Writes the step into the model, and remembers it for the store. */
function* planned(step: Round["steps"][number], model: JournalModel) {
  for (const write of plan(step, model)) {
    write(model);
    yield write;
  }
}

function crashing(
  dir: string,
  of: {
    store: string;
    committed: JournalModel;
    next: JournalModel;
    cuts: readonly number[];
    seen: Seen;
  },
): (moment: Moment) => void {
  const { store, committed, next, cuts, seen } = of;
  const left = `${dir}/left`;
  const begun = `${dir}/begun`;
  const walBefore = fileSize(`${store}/plumbline.db-wal`);
  return ({ sql, when }) => {
    const commits = sql === "COMMIT";
    // After a statement it is as before the next one.
    if (when === "after" && !commits) return;
    leaveBehind(store, left);
    if (fileSize(`${left}/plumbline.db-wal`) !== walBefore && !(commits && when === "after")) {
      seen.unfinished++;
    }
    seen.points++;
    if (commits && when === "before") leaveBehind(store, begun);
    if (commits && when === "after") tear(dir, { ...of, left, begun });
    reopen(left, [commits && when === "after" ? next : committed]);
  };

  function tear(dir: string, at: { left: string; begun: string }): void {
    for (const cut of [...cuts, 1000]) {
      const torn = `${dir}/torn`;
      leaveBehind(at.begun, torn);
      Deno.copyFileSync(`${at.left}/plumbline.db-wal`, `${torn}/plumbline.db-wal`);
      const from = Math.min(walBefore, fileSize(`${torn}/plumbline.db-wal`));
      const to = fileSize(`${torn}/plumbline.db-wal`);
      Deno.truncateSync(`${torn}/plumbline.db-wal`, Math.floor(from + (to - from) * cut / 1000));
      const found = reopen(torn, [committed, next]);
      seen.torn[found === committed ? "before" : "after"]++;
    }
  }
}

/** Opens what was left behind; it is one of these. */
function reopen(dir: string, expected: readonly JournalModel[]): JournalModel {
  const store = open(dir);
  try {
    for (const [i, model] of expected.entries()) {
      try {
        compare(store, model);
        return model;
      } catch (error) {
        if (i === expected.length - 1) throw error;
      }
    }
    throw new Error("nothing to compare with");
  } finally {
    store.close();
    Deno.removeSync(dir, { recursive: true });
  }
}
