/** What is kept of the anomalies, within their bounds, and how it is read; against a plain list. */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import fc from "fast-check";
import {
  type Anomaly,
  type AnomalyBounds,
  type AnomalyFilter,
  StoreDamaged,
} from "../../src/pipeline/ports.ts";
import { openStore } from "../../src/store/open.ts";
import { tempFolder } from "../harness/temp.ts";
import { blocksOf, plainAnomalies, type Sample } from "./anomaly_samples.ts";
import { now, SILENT } from "./samples.ts";

const TENANTS = ["a", "b", "ü"];
const DEVICES = ["d", "e", "\u{1f600}"];
const DAY = 86_400_000;

function rig(bounds: AnomalyBounds = { maxCount: Infinity, maxAgeMs: Infinity }) {
  const folder = tempFolder();
  const clock = { time: now() };
  let offset = 0;
  const open = (of = bounds) =>
    openStore({ dir: folder.path, log: SILENT, now: () => clock.time, anomalies: of });
  const it = {
    folder,
    clock,
    store: open(),
    reopen(of = bounds) {
      it.store.close();
      it.store = open(of);
    },
    /** Keeps them as one batch of now; what they are. */
    keep(samples: readonly Sample[]): Anomaly[] {
      const blocks = blocksOf(samples, { time: clock.time, offset });
      offset += samples.length;
      it.store.transact((tx) => tx.keepAnomalies(blocks));
      return plainAnomalies(blocks);
    },
    /** All that match, page by page. */
    read(filter: AnomalyFilter = {}, limit = 1000): Anomaly[] {
      const found: Anomaly[] = [];
      let before: number | undefined;
      for (;;) {
        const { anomalies, end } = it.store.anomalies.page({ before, limit, filter });
        assert.ok(anomalies.length <= limit);
        found.push(...anomalies);
        if (end === undefined) return found;
        assert.ok(before === undefined || end < before, "it goes on");
        before = end;
      }
    },
    [Symbol.dispose]() {
      it.store.close();
      folder[Symbol.dispose]();
    },
  };
  return it;
}

const timestamps = fc.integer({ min: 0, max: 9 }).map((n) =>
  `2026-01-0${1 + n % 9}T00:00:00${["Z", "", "+01:00"][n % 3]}`
);
const sample: fc.Arbitrary<Sample> = fc.record({
  tenant: fc.constantFrom(...TENANTS),
  device: fc.constantFrom(...DEVICES),
  timestamp: fc.option(timestamps, { nil: undefined }),
  score: fc.integer({ min: 0, max: 3 }),
});
const time = fc.option(timestamps.map((text) => Date.parse(zoned(text))), { nil: undefined });
const filter: fc.Arbitrary<AnomalyFilter> = fc.record({
  tenants: fc.option(fc.subarray(TENANTS).map((it) => new Set(it)), { nil: undefined }),
  device: fc.option(fc.constantFrom(...DEVICES), { nil: undefined }),
  since: time,
  until: time,
  minScore: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
});

function zoned(text: string): string {
  return /(Z|:00)$/.test(text.slice(19)) ? text : `${text}Z`;
}

function matches(it: Anomaly, { tenants, device, since, until, minScore = 0 }: AnomalyFilter) {
  const at = Date.parse(it.timestamp);
  return (tenants?.has(it.tenant) ?? true) && it.device === (device ?? it.device) &&
    at >= (since ?? -Infinity) && at < (until ?? Infinity) && it.score >= minScore;
}

Deno.test("any batches, bounds and filters: what is found is what a plain list has, the newest first", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(sample, { minLength: 1, maxLength: 12 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 40 }),
      fc.array(filter, { minLength: 3, maxLength: 3 }),
      fc.integer({ min: 1, max: 7 }),
      (batches, maxCount, filters, limit) => {
        using it = rig({ maxCount, maxAgeMs: Infinity });
        let all: Anomaly[] = [];
        for (const batch of batches) {
          it.clock.time++;
          all = [...all, ...it.keep(batch)];
          const kept = all.slice(-maxCount);
          const dropped = all.length - kept.length;
          assert.deepEqual(it.store.anomalies.counts(), { kept: kept.length, dropped });
        }
        it.reopen();
        for (const wanted of [{}, ...filters]) {
          const expected = all.slice(-maxCount).reverse().filter((one) => matches(one, wanted));
          assert.deepEqual(it.read(wanted, limit), expected);
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("the old ones fall off by themselves, a batch at a time, and are counted", () => {
  using it = rig({ maxCount: 1000, maxAgeMs: 30 * DAY });
  it.keep([{}, {}]);
  it.clock.time += DAY;
  const later = it.keep([{}]);
  it.clock.time += 29 * DAY;
  it.store.maintain();
  assert.deepEqual(it.store.anomalies.counts(), { kept: 3, dropped: 0 }, "thirty days are kept");
  it.clock.time += 1;
  it.store.maintain();
  assert.deepEqual(it.store.anomalies.counts(), { kept: 1, dropped: 2 });
  assert.deepEqual(it.read(), later);
  it.clock.time += 100 * DAY;
  it.store.maintain();
  assert.deepEqual(it.store.anomalies.counts(), { kept: 0, dropped: 3 });
  assert.deepEqual(it.read(), []);
  it.keep([{}]);
  assert.deepEqual(it.store.anomalies.counts(), { kept: 1, dropped: 3 });
});

Deno.test("a bound that is lowered is reached in steps", () => {
  using it = rig();
  for (let i = 0; i < 3; i++) it.keep(Array.from({ length: 3000 }, () => ({})));
  it.reopen({ maxCount: 3, maxAgeMs: Infinity });
  it.store.maintain();
  const { kept } = it.store.anomalies.counts();
  assert.ok(kept > 3 && kept < 9000, `${kept} after one step`);
  for (let i = 0; i < 9; i++) it.store.maintain();
  assert.deepEqual(it.store.anomalies.counts(), { kept: 3, dropped: 8997 });
  assert.deepEqual(it.read().map(({ id }) => id), ["in-0-8999", "in-0-8998", "in-0-8997"]);
});

Deno.test("the bound holds at any moment, though a flood follows many blocks of one each", () => {
  using it = rig({ maxCount: 3000, maxAgeMs: Infinity });
  const one = blocksOf([{}], { time: it.clock.time });
  it.store.transact((tx) => {
    for (let i = 0; i < 3000; i++) tx.keepAnomalies(one);
  });
  for (let i = 1; i <= 3; i++) {
    it.keep(Array.from({ length: 1000 }, () => ({})));
    assert.deepEqual(it.store.anomalies.counts(), { kept: 3000, dropped: 1000 * i });
  }
  const db = new Database(`${it.folder.path}/plumbline.db`, { readonly: true });
  assert.equal(db.prepare("SELECT sum(count) FROM anomalies").pluck().get(), 3000);
  db.close();
});

Deno.test("one batch with more than are ever kept leaves the newest", () => {
  using it = rig({ maxCount: 10, maxAgeMs: Infinity });
  it.keep([{}, {}, {}]);
  const blocks = blocksOf(Array.from({ length: 9000 }, () => ({})), { time: it.clock.time });
  assert.ok(blocks.length > 2);
  it.store.transact((tx) => tx.keepAnomalies(blocks));
  assert.deepEqual(it.store.anomalies.counts(), { kept: 10, dropped: 8993 });
  assert.deepEqual(
    it.read().map(({ id }) => id),
    Array.from({ length: 10 }, (_, i) => `in-0-${8999 - i}`),
  );
});

Deno.test("one call looks at a bounded number, and says where to go on", () => {
  using it = rig();
  const first = it.keep([{ device: "only" }]);
  for (let i = 0; i < 5; i++) it.keep(Array.from({ length: 6000 }, () => ({})));
  const { anomalies, end } = it.store.anomalies.page({ limit: 9, filter: { device: "only" } });
  assert.deepEqual(anomalies, []);
  assert.ok(end !== undefined && end > 10_000, `${end}`);
  assert.deepEqual(it.read({ device: "only" }), first);
  for (let i = 0; i < 1200; i++) it.keep([{}]);
  const small = it.store.anomalies.page({ limit: 9, filter: { device: "only" } });
  assert.equal(small.end, 30_001 + 1200 - 1000 + 1, "a thousand blocks are looked into");
  // Whole blocks that can't have it aren't looked into.
  const near = it.store.anomalies.page({ limit: 9, filter: { minScore: 2 } });
  assert.deepEqual(near, { anomalies: [], end: undefined });
});

Deno.test("a transaction that fails keeps none of them", () => {
  using it = rig({ maxCount: 2, maxAgeMs: Infinity });
  const kept = it.keep([{}, {}]);
  assert.throws(() =>
    it.store.transact((tx) => {
      tx.keepAnomalies(blocksOf([{}, {}], { time: it.clock.time }));
      throw new Error("no");
    }), /no/);
  assert.deepEqual(it.store.anomalies.counts(), { kept: 2, dropped: 0 });
  assert.deepEqual(it.read(), kept.reverse());
});

Deno.test("bytes that were changed on the disk are told as damage; the next start has the rest", () => {
  using it = rig();
  const first = it.keep([{}]);
  it.keep([{ device: "broken" }]);
  const last = it.keep([{}]);
  const db = new Database(`${it.folder.path}/plumbline.db`);
  db.exec("UPDATE anomalies SET body = zeroblob(40) WHERE first_number = 2");
  db.close();
  assert.throws(() => it.read(), StoreDamaged);
  it.reopen();
  assert.deepEqual(it.read(), [...last, ...first]);
  const later = it.keep([{}]);
  assert.deepEqual(it.read(), [...later, ...last, ...first]);
});
