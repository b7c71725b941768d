/** A damaged file never keeps the engine from starting, and what is whole in it isn't lost. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { Commit } from "../../src/pipeline/commit.ts";
import { type JournalRow, type Log, StoreDamaged } from "../../src/pipeline/ports.ts";
import { openStore } from "../../src/store/open.ts";
import { checkRow } from "../../src/pipeline/row_check.ts";
import { tempFolder } from "../harness/temp.ts";
import { type Node, startNode } from "../pipeline/node.ts";
import { batchOf, InputTopic } from "../pipeline/log_source.ts";
import { contents, copyFolder, garbage, overwrite, setAside } from "./damaged_files.ts";
import { now, open, SILENT } from "./samples.ts";

const PAGE = 16384;
const PARTITIONS = 2;
const TOPIC = new InputTopic(PARTITIONS);

interface Line {
  level: string;
  message: string;
  fields: Record<string, unknown>;
}

function logInto(lines: Line[]): Log {
  const at = (level: string) => (message: string, fields: Record<string, unknown> = {}) => {
    lines.push({ level, message, fields });
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/**
 * A store as the engine leaves it in the middle of its work: three quarters of the results are still
 * to be sent, some devices are behind the journal, there are dead letters. `fill`: bytes of ballast in
 * every reading, so that rows take pages of their own.
 */
function makeStore(dir: string, fill = 2000): void {
  const clock = { time: now() };
  const node = startNode({ dir, clock, storage: true });
  const { store, ingest, output, storage } = node;
  output!.open({ topicId: "out", partitions: 3 });
  for (let lane = 0; lane < 3; lane++) {
    output!.identify(lane, { topicId: "out", producerId: 70n + BigInt(lane), producerEpoch: 0 });
  }
  for (let p = 0; p < PARTITIONS; p++) store.positions.jump(TOPIC.ref(p), 0, "first start");
  for (let number = 0; number < 16; number++) {
    const values = Array.from({ length: 30 }, (_, i) => {
      const device = (number * 7 + i) % 40;
      const text = i === 7
        ? `{"device_id":"","pad":"${"x".repeat(fill)}"}`
        : `{"device_id":"d${device}-${"n".repeat(180)}","tenant_id":"t${
          device % 3
        }","temperature":${i}.5,"humidity":99}`;
      return new TextEncoder().encode(text);
    });
    const share = (partition: number) => ({ topic: TOPIC, partition, asked: number * 30 });
    commit(node, [0, 1].map((partition) => batchOf(values, share(partition))));
    if (number === 2) {
      for (let lane = 0; lane < 3; lane++) {
        for (let row; (row = output!.take(lane));) {
          output!.acknowledge(lane, row.baseSequence + row.count, number);
        }
      }
      for (let taken; (taken = storage!.take());) {
        storage!.acknowledge(taken.row.id, taken.row.count);
      }
      ingest.checkpointAll();
    }
  }
  node.crash();
}

/** Commits batches as the ingest does, without a source to wait for. */
function commit(node: Node, records: ReturnType<typeof batchOf>[]): void {
  const parts = { ...node, maxReadingBytes: 1e6, now };
  const work = new Commit(parts, { fetch: 0, apply: 0, insert: 0, commit: 0, produce: 0 });
  work.attempt({
    positions: records,
    fill: (batch) => records.forEach((one) => batch.applyRecords(one)),
  });
  work.batch!.committed();
}

/** Rows that go out follow one another; a lane that has lost some has no producer id any more. */
function checkLanes(store: ReturnType<typeof open>, expected: readonly JournalRow[]): void {
  for (const { lane, acknowledged, end, producerId } of store.journal.lanes()) {
    const rows = store.journal.outputRows(lane, acknowledged, Infinity);
    let next = acknowledged;
    for (const { baseSequence, count } of rows) {
      assert.equal(baseSequence, next, `lane ${lane}`);
      next += count;
    }
    assert.equal(end, next);
    // None of those that there were had been sent.
    const lost = rows.length < expected.filter((row) => row.lane === lane).length;
    if (lost) assert.equal(producerId, -1n, `lane ${lane} has lost rows`);
  }
}

/** Opens, reads everything as a start does, and again where that finds damage. */
function openAndRead(dir: string, options: { log?: Log; damagedStart?: "earliest" } = {}) {
  for (let again = 0; again < 3; again++) {
    const store = openStore({ dir, log: SILENT, now, random: () => "fresh", ...options });
    try {
      const found = contents(store);
      for (const row of found.rows) checkRow(row, store);
      return { store, found, again };
    } catch (error) {
      store.close();
      if (!(error instanceof StoreDamaged)) throw error;
    }
  }
  throw new Error("the third start still finds damage");
}

/** The difference of two large things takes minutes to write down. */
function same(found: unknown, expected: unknown, what: string): void {
  assert.ok(isDeepStrictEqual(found, expected), `${what} isn't what it was`);
}

function sameContents(
  found: ReturnType<typeof contents>,
  expected: ReturnType<typeof contents>,
): void {
  for (const [key, value] of Object.entries(found)) {
    same(value, expected[key as keyof typeof expected], key);
  }
}

Deno.test("a page of garbage anywhere: the start works, and nothing that is there was made up", () => {
  using folder = tempFolder();
  const whole = `${folder.path}/whole`;
  makeStore(whole);
  const before = open(whole);
  const expected = contents(before);
  before.close();
  assert.ok(expected.rows.length >= 30 && expected.devices.length === 40);
  assert.equal(expected.letters.length, 32);
  assert.equal(expected.anomalies.length, 288);
  const pages = Deno.statSync(`${whole}/plumbline.db`).size / PAGE;
  const outcomes = { unnoticed: 0, whole: 0, partial: 0, anew: 0 };
  let fewer = 0;
  for (let page = 0; page < pages; page++) {
    const dir = `${folder.path}/page-${page}`;
    copyFolder(whole, dir);
    overwrite(`${dir}/plumbline.db`, { from: page * PAGE, bytes: garbage(PAGE, page + 1) });
    const { store, found } = openAndRead(dir);
    checkLanes(store, expected.rows);
    store.close();
    const aside = setAside(dir).filter((name) => name.endsWith("Z")).length;
    if (found.folderId === "fresh") {
      outcomes.anew++;
      assert.deepEqual([found.rows, found.devices, found.counters.read], [[], [], 0]);
    } else {
      const bodies = new Map(expected.rows.map((row) => [row.id, row.body]));
      for (const row of found.rows) same(row.body, bodies.get(row.id), `row ${row.id}`);
      const devices = new Map(expected.devices.map((it) => [`${it.tenant}/${it.device}`, it]));
      for (const it of found.devices) {
        same(it, devices.get(`${it.tenant}/${it.device}`), it.device);
      }
      assert.deepEqual(found.counters, expected.counters);
      const all = found.rows.length === expected.rows.length &&
        found.devices.length === expected.devices.length;
      if (all) {
        const beside = { letters: [], anomalies: [] };
        sameContents({ ...found, ...beside }, { ...expected, ...beside });
        outcomes[aside > 0 ? "whole" : "unnoticed"]++;
      } else {
        assert.ok(aside > 0);
        outcomes.partial++;
      }
    }
    const letters = new Map(expected.letters.map((it) => [it.sequence, it]));
    for (const it of found.letters) assert.deepEqual(it.id, letters.get(it.sequence)?.id);
    const anomalies = new Map(expected.anomalies.map((it) => [it.id, it]));
    for (const it of found.anomalies) assert.deepEqual(it, anomalies.get(it.id));
    if (found.anomalies.length > 0 && found.anomalies.length < anomalies.size) fewer++;
    // The next start finds nothing any more.
    const lines: Line[] = [];
    const again = openAndRead(dir, { log: logInto(lines) });
    again.store.close();
    sameContents(again.found, found);
    assert.deepEqual(lines.filter(({ level }) => level === "error"), []);
    Deno.removeSync(dir, { recursive: true });
  }
  console.log(`${pages} pages:`, JSON.stringify(outcomes));
  assert.ok(outcomes.partial > 5 && outcomes.whole > 2 && outcomes.anew >= 2);
  assert.ok(fewer > 0, "a page of anomalies costs those that it held");
  assert.ok(outcomes.anew < pages / 3, "most pages cost only what they held");
});

Deno.test("a file that was cut short, without a write-ahead log: what stands before the cut is there", () => {
  using folder = tempFolder();
  const whole = `${folder.path}/whole`;
  makeStore(whole);
  const before = open(whole);
  const expected = contents(before);
  before.close();
  const pages = Deno.statSync(`${whole}/plumbline.db`).size / PAGE;
  let salvaged = 0;
  for (const share of [0.5, 0.75, 0.9, 0.97]) {
    const dir = `${folder.path}/cut-${share}`;
    copyFolder(whole, dir);
    for (const part of ["-wal", "-shm"]) {
      try {
        Deno.removeSync(`${dir}/plumbline.db${part}`);
      } catch {
        // It was closed well: there is none.
      }
    }
    Deno.truncateSync(`${dir}/plumbline.db`, Math.floor(share * pages) * PAGE);
    const lines: Line[] = [];
    const { store, found } = openAndRead(dir, { log: logInto(lines) });
    store.close();
    assert.ok(lines.some(({ message }) => /damaged/.test(message)), `told at ${share}`);
    if (found.folderId === "fresh") continue;
    salvaged += found.rows.length;
    assert.deepEqual(found.counters, expected.counters);
    const bodies = new Map(expected.rows.map((row) => [row.id, row.body]));
    for (const row of found.rows) same(row.body, bodies.get(row.id), `row ${row.id}`);
  }
  assert.ok(salvaged > 0, "nothing was taken over from any of them");
});
