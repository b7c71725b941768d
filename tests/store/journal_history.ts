/** Random histories of the journal, its cursors and one position, and their comparison with the model. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { JournalRow } from "../../src/pipeline/ports.ts";
import { JournalModel, type Writes } from "./journal_model.ts";
import { blocksOf } from "./anomaly_samples.ts";
import {
  counts,
  device,
  lane,
  MAX_ANOMALIES,
  now,
  type open,
  row,
  series,
  SOURCE,
} from "./samples.ts";

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
  | { readonly kind: "prune"; readonly through: number }
  | { readonly kind: "reject"; readonly which: number }
  | { readonly kind: "refuse"; readonly which: number }
  | { readonly kind: "mark"; readonly count: number }
  | { readonly kind: "save"; readonly device: number; readonly value: number };

export interface Round {
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
  fc.record({ kind: fc.constant("reject" as const), which: fc.nat({ max: 9 }) }),
  fc.record({ kind: fc.constant("refuse" as const), which: fc.nat({ max: 9 }) }),
  fc.record({ kind: fc.constant("mark" as const), count: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ kind: fc.constant("save" as const), device: fc.nat({ max: 3 }), value: number }),
);

export const round: fc.Arbitrary<Round> = fc.record({
  steps: fc.array(step, { maxLength: 8 }),
  fails: fc.boolean(),
  reopens: fc.nat({ max: 3 }).map((n) => n === 0),
});

/** What a step writes, in view of what there is. */
export function* plan(step: Step, model: JournalModel): Generator<(writes: Writes) => unknown> {
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
    case "reject": {
      const { which } = step;
      const bytes = new Uint8Array(3000).fill(which);
      const place = { topic: "in", partition: 0, offset: which, time: 5, reason: "r" };
      yield (writes) => writes.reject({ id: `in-0-${which}`, ...place, bytes });
      break;
    }
    case "refuse": {
      const answer = { status: 400, answer: "no", attempts: 1, bytes: new Uint8Array(3000) };
      const result = { id: `in-0-${step.which}`, sink: "storage" as const, tenant: "t", time: 5 };
      yield (writes) => writes.refuse({ ...result, reason: "r", ...answer });
      break;
    }
    case "mark": {
      const offset = model.anomalies.length;
      const samples = Array.from({ length: step.count }, () => ({}));
      const blocks = blocksOf(samples, { time: now(), offset });
      yield (writes) => writes.keepAnomalies(blocks);
      break;
    }
    case "save":
      yield (writes) =>
        writes.saveDevice(
          device(`d${step.device}`, {
            journalId: step.value,
            metrics: [{ name: "m", series: series(step.value % 9) }],
          }),
        );
  }
}

function newRow(model: JournalModel, fields: Pick<JournalRow, "lane" | "count" | "body">) {
  const baseSequence = model.lanes.get(fields.lane)?.end ?? 0;
  return row(model.lastId + 1, { ...fields, lanes: fields.lane < 0 ? 0 : 3, baseSequence });
}

function choose<T>(from: readonly T[], which: number): T | undefined {
  return from.length === 0 ? undefined : from[which % from.length];
}

export function compare(store: ReturnType<typeof open>, model: JournalModel): void {
  const { journal } = store;
  assert.deepEqual(journal.size(), model.size());
  assert.equal(journal.lastId(), model.lastId);
  assert.equal(journal.checkpoint(), model.checkpoint);
  assert.deepEqual(journal.lanes(), [...model.lanes.values()]);
  assert.deepEqual(journal.storageCursor(), model.cursor);
  assert.equal(store.positions.next(SOURCE), model.position);
  assert.deepEqual(store.counters(), model.counters);
  assert.deepEqual(
    store.deadLetters({ limit: 100 }).map(({ id, sink }) => `${id} ${sink}`).sort(),
    [...model.letters].sort(),
  );
  assert.deepEqual(
    store.devices.page({ limit: 100 }).map((it) => store.devices.load(it.tenant, it.device)),
    [...model.devices.values()].sort((a, b) => a.device < b.device ? -1 : 1),
  );
  const dropped = Math.max(0, model.anomalies.length - MAX_ANOMALIES);
  const kept = model.anomalies.slice(dropped);
  assert.deepEqual(store.anomalies.counts(), { kept: kept.length, dropped });
  const { anomalies } = store.anomalies.page({ limit: MAX_ANOMALIES + 1, filter: {} });
  assert.deepEqual(anomalies, kept.reverse());
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

/** A position and three lanes, in the store and in its model. */
export function begin(store: ReturnType<typeof open>): JournalModel {
  const model = new JournalModel();
  model.position = 0;
  store.positions.jump(SOURCE, 0, "first start");
  store.transact((tx) => {
    for (const writes of [tx, model]) {
      for (const number of [0, 1, 2]) writes.saveLane(lane(number));
    }
  });
  return model;
}
