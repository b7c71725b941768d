/**
 * The pipeline dies before or after any statement of any transaction: of a batch, a checkpoint, a cursor,
 * a split, a re-framing. What is made of the files that it leaves behind is what would have been.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ResultId } from "../../src/core/result.ts";
import { anomalyInResult, comparableAnomaly } from "../core/anomaly_twin.ts";
import { decodeRecords, textOf } from "../core/record_twin.ts";
import { readingsOf } from "../core/readings.ts";
import { tempFolder } from "../harness/temp.ts";
import { atEveryStatement, leaveBehind } from "../store/crash_points.ts";
import { InputTopic, LogSource } from "./log_source.ts";
import { type Node, startNode } from "./node.ts";
import { assertSameState, MAX_READINGS, NAMES, Reference, settings, START } from "./reference.ts";

const PARTITIONS = 2;
const FETCH = 3;

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("read" as const), count: fc.nat(8) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("acknowledge" as const), rows: fc.nat(4) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("maintain" as const), all: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("open" as const), lanes: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("split" as const), lane: fc.nat(3) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

let marked = 0;

/** The process is gone. */
class Killed extends Error {}

const readings = readingsOf({
  devices: fc.constantFrom(...NAMES),
  tenants: fc.constantFrom(...NAMES),
});

Deno.test("killed at any statement: the state, the counters and the results are those of an engine that wasn't", async () => {
  using folder = tempFolder();
  let runs = 0, kills = 0;
  const killedIn = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 4, maxLength: 14, size: "max" }),
      fc.infiniteStream(readings),
      fc.array(fc.nat(60), { minLength: 1, maxLength: 5 }),
      async (steps, stream, deaths) => {
        const base = `${folder.path}/${runs++}`;
        const clock = { time: START };
        const topic = new InputTopic(PARTITIONS);
        let life = 0, number = 0;
        let dying = false;
        using _ = atEveryStatement(({ sql }) => {
          if (dying) throw new Killed();
          if (number++ !== deaths[life]) return;
          leaveBehind(`${base}/${life}`, `${base}/${life + 1}`);
          kills++;
          const kind = sql.trim().split(/\s+/).slice(0, 3).join(" ");
          killedIn.set(kind, (killedIn.get(kind) ?? 0) + 1);
          dying = true;
          throw new Killed();
        });
        let lanes = 0;
        const start = () =>
          startNode({
            dir: `${base}/${life}`,
            clock,
            settings,
            maxReadings: MAX_READINGS,
            source: (store) => new LogSource(topic, { store, fetchSize: () => FETCH }),
          });
        // A start may die, too.
        const live = async (work: (node: Node) => Promise<void> | void) => {
          for (;;) {
            try {
              node ??= start();
              await work(node);
              return;
            } catch (error) {
              if (!dying) throw error;
              dying = false;
              node?.crash();
              node = undefined;
              life++;
              number = 0;
            }
          }
        };
        let node: Node | undefined;
        // Before there is a position there is nothing to lose.
        deaths[0] += 20;
        for (const step of steps) {
          if (step.kind === "read") {
            for (let i = 0; i < step.count * PARTITIONS * FETCH; i++) {
              topic.partitions[i % PARTITIONS].push(stream.next().value as Uint8Array);
            }
          }
          if (step.kind === "open") lanes = Math.max(lanes, step.lanes);
          await live((node) => take(step, node, lanes));
        }
        await live((node) => node.ingest.run());
        const reference = referenceOf(topic);
        await live((node) => {
          assertSameState(node, reference);
          assertResults(node, reference);
          assertAnomalies(node, reference);
        });
        node?.crash();
        // And once more, from the disk alone.
        life++;
        leaveBehind(`${base}/${life - 1}`, `${base}/${life}`);
        const last = start();
        assertSameState(last, reference);
        assertAnomalies(last, reference);
        last.crash();
        Deno.removeSync(base, { recursive: true });
      },
    ),
    { numRuns: 25, endOnFailure: true },
  );
  console.log(`${kills} kills`, JSON.stringify(Object.fromEntries(killedIn)));
  assert.ok(kills > 25 && killedIn.size > 5);
  assert.ok(marked > 25, `${marked} anomalies`);
});

async function take(step: Step, node: Node, lanes: number): Promise<void> {
  const { output, ingest } = node;
  switch (step.kind) {
    case "read":
      return await ingest.run();
    case "acknowledge":
      for (let lane = 0; lane < output!.laneCount; lane++) {
        for (let i = 0; i < step.rows; i++) {
          const row = output!.take(lane);
          if (row !== undefined) output!.acknowledge(lane, row.baseSequence + row.count, -1);
        }
      }
      return;
    case "maintain":
      return step.all ? ingest.checkpointAll() : ingest.maintain();
    case "open":
      if (lanes > output!.laneCount) output!.open({ topicId: "t", partitions: lanes });
      return;
    case "split": {
      if (step.lane >= output!.laneCount) return;
      output!.rewind(step.lane);
      const row = output!.take(step.lane);
      if (row !== undefined && row.count > 1) output!.split(row, Math.ceil(row.body.length / 2));
    }
  }
}

/** Batches are those of the source: the same ones whenever it begins. */
function referenceOf(topic: InputTopic): Reference {
  const reference = new Reference();
  for (let from = 0;; from += FETCH) {
    const batch = topic.partitions.flatMap((values, partition) => {
      const id = new ResultId(`in-${partition}-`);
      return values.slice(from, from + FETCH).map((bytes, i) => ({ id, offset: from + i, bytes }));
    });
    if (batch.length === 0) return reference;
    reference.apply(batch, { time: START, lanes: 0 });
  }
}

/** All that were marked, once each, the newest first, whatever died. */
function assertAnomalies(node: Node, reference: Reference): void {
  const expected = [...reference.results.values()].reverse()
    .filter((text) => JSON.parse(text).is_anomaly).map(anomalyInResult);
  const { anomalies, end } = node.store.anomalies.page({ limit: 1000, filter: {} });
  assert.equal(end, undefined);
  assert.deepEqual(anomalies.map(comparableAnomaly), expected);
  assert.deepEqual(node.store.anomalies.counts(), { kept: expected.length, dropped: 0 });
  marked += expected.length;
}

/** Every result that is still in the journal is there once; what it says doesn't depend on deaths. */
function assertResults(node: Node, reference: Reference): void {
  const ids = new Set<string>();
  for (const row of node.store.journal.resultRows(0, 1e9)) {
    for (const { value, headers } of decodeRecords(row)) {
      const [{ value: id }] = headers;
      assert.ok(!ids.has(id), `${id} is there twice`);
      ids.add(id);
      assert.equal(textOf(value), reference.results.get(id));
    }
  }
}
