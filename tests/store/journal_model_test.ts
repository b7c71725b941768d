import assert from "node:assert/strict";
import fc from "fast-check";
import type { JournalRow } from "../../src/pipeline/ports.ts";
import { tempFolder } from "../harness/temp.ts";
import { JournalModel, type Writes } from "./journal_model.ts";
import { counts, lane, open, row, SOURCE } from "./samples.ts";

const LANES = [-1, 0, 1, 2];

/** A step, drawn before it is known what there is: numbers are taken modulo what they choose from. */
type Step =
  | {
    readonly kind: "append";
    readonly lane: number;
    readonly count: number;
    readonly size: number;
  }
  | { readonly kind: "resend"; readonly count: number; readonly size: number }
  | { readonly kind: "split"; readonly which: number; readonly refuse: boolean }
  | { readonly kind: "move"; readonly which: number; readonly lane: number }
  | { readonly kind: "acknowledge"; readonly lane: number; readonly to: number }
  | { readonly kind: "store"; readonly row: number; readonly record: number }
  | { readonly kind: "advance"; readonly asked: number; readonly by: number }
  | { readonly kind: "prune"; readonly through: number };

interface Round {
  readonly steps: readonly Step[];
  /** The work throws at its end. */
  readonly fails: boolean;
  /** The file is opened again afterwards. */
  readonly reopens: boolean;
}

const number = fc.nat({ max: 1000 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      lane: fc.constantFrom(...LANES),
      count: fc.integer({ min: 1, max: 5 }),
      size: fc.nat({ max: 40_000 }),
    }),
  },
  fc.record({
    kind: fc.constant("resend" as const),
    count: fc.integer({ min: 1, max: 5 }),
    size: fc.nat({ max: 40_000 }),
  }),
  fc.record({ kind: fc.constant("split" as const), which: number, refuse: fc.boolean() }),
  fc.record({ kind: fc.constant("move" as const), which: number, lane: fc.constantFrom(0, 1, 2) }),
  fc.record({
    kind: fc.constant("acknowledge" as const),
    lane: fc.constantFrom(0, 1, 2),
    to: number,
  }),
  fc.record({ kind: fc.constant("store" as const), row: number, record: number }),
  fc.record({ kind: fc.constant("advance" as const), asked: fc.nat({ max: 3 }), by: number }),
  fc.record({ kind: fc.constant("prune" as const), through: number }),
);

const round: fc.Arbitrary<Round> = fc.record({
  steps: fc.array(step, { maxLength: 8 }),
  fails: fc.boolean(),
  reopens: fc.nat({ max: 3 }).map((n) => n === 0),
});

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

/** What a step writes, in view of what there is. */
function* plan(step: Step, model: JournalModel): Generator<(writes: Writes) => unknown> {
  switch (step.kind) {
    case "append": {
      const { lane, count, size } = step;
      const appended = newRow(model, { lane, count, body: new Uint8Array(size).fill(count) });
      yield (writes) => writes.append(appended, "output");
      yield (writes) => writes.count(counts({ read: count + 1, results: count, dropped: 1 }));
      break;
    }
    case "resend": {
      const body = new Uint8Array(step.size).fill(step.count);
      const resent = newRow(model, { lane: -1, count: step.count, body });
      yield (writes) => writes.append(resent, "resent");
      break;
    }
    case "split": {
      const row = choose(LANES.slice(1).flatMap((lane) => model.goingOut(lane)), step.which);
      if (row === undefined || row.count < 2) break;
      const first = { ...row, id: model.lastId + 1, count: 1 };
      const baseSequence = row.baseSequence + 1;
      const second = { ...row, id: model.lastId + 2, count: row.count - 1, baseSequence };
      yield (writes) => writes.retarget(row.id, step.refuse ? "refused" : "state");
      yield (writes) => writes.append(first, "reframed");
      yield (writes) => writes.append(second, step.refuse ? "refused" : "reframed");
      break;
    }
    case "move": {
      const row = choose(LANES.flatMap((lane) => model.goingOut(lane)), step.which);
      if (row === undefined) break;
      const { count, body } = row;
      const copy = newRow(model, { lane: step.lane, count, body });
      yield (writes) => writes.retarget(row.id, "state");
      yield (writes) => writes.append(copy, "reframed");
      break;
    }
    case "acknowledge": {
      const state = model.lanes.get(step.lane)!;
      const acknowledged = step.to % (state.end + 1);
      yield (writes) => writes.saveLane({ ...state, acknowledged, lastOffset: step.to });
      break;
    }
    case "store":
      yield (writes) => writes.moveStorageCursor(step.row, step.record);
      yield (writes) => writes.moveCheckpoint(step.record);
      break;
    case "advance": {
      const asked = model.position! + step.asked;
      yield (writes) => writes.advance(SOURCE, asked, asked + step.by);
      break;
    }
    case "prune": {
      const through = choose(model.rows, step.through)?.id ?? model.lastId;
      yield (writes) => writes.prune(through);
      break;
    }
  }
}

function newRow(model: JournalModel, fields: Pick<JournalRow, "lane" | "count" | "body">) {
  const baseSequence = model.lanes.get(fields.lane)?.end ?? 0;
  return row(model.lastId + 1, { ...fields, lanes: fields.lane < 0 ? 0 : 3, baseSequence });
}

function choose<T>(from: readonly T[], which: number): T | undefined {
  return from.length === 0 ? undefined : from[which % from.length];
}

function compare(store: ReturnType<typeof open>, model: JournalModel): void {
  const { journal } = store;
  assert.deepEqual(journal.size(), model.size());
  assert.equal(journal.lastId(), model.lastId);
  assert.equal(journal.checkpoint(), model.checkpoint);
  assert.deepEqual(journal.lanes(), [...model.lanes.values()]);
  assert.deepEqual(journal.storageCursor(), model.cursor);
  assert.equal(store.positions.next(SOURCE), model.position);
  assert.deepEqual(store.counters(), model.counters);
  assert.equal(journal.oldestUnsent([...model.lanes.values()]), model.oldestUnsent());
  for (const maxBytes of [0, 50_000, Infinity]) {
    for (const after of [0, model.lastId >> 1, model.lastId]) {
      assert.deepEqual(
        ids(journal.resultRows(after, maxBytes)),
        model.resultRows(after, maxBytes),
      );
      assert.deepEqual(
        ids(journal.storageRows(after, maxBytes)),
        model.storageRows(after, maxBytes),
      );
    }
    for (const lane of LANES) {
      const sequences = [-1, ...model.goingOut(lane).flatMap((row) => borders(row))];
      for (const sequence of sequences) {
        assert.deepEqual(
          ids(journal.outputRows(lane, sequence, maxBytes)),
          model.outputRows(lane, sequence, maxBytes),
        );
      }
    }
  }
  const cursor = { row: model.lastId >> 1, record: 2 };
  assert.equal(journal.resultsFrom(cursor), model.resultsFrom(cursor));
  for (const { id, lane, count, baseSequence, body } of journal.storageRows(0, Infinity)) {
    const expected = model.rows.find((row) => row.id === id)!;
    assert.deepEqual(
      { lane, count, baseSequence },
      { lane: expected.lane, count: expected.count, baseSequence: expected.baseSequence },
    );
    assert.equal(Buffer.compare(body, expected.body), 0);
  }
}

function borders({ baseSequence, count }: JournalRow): number[] {
  return [baseSequence, baseSequence + count - 1, baseSequence + count];
}

function ids(rows: readonly JournalRow[]): number[] {
  return rows.map((row) => row.id);
}
