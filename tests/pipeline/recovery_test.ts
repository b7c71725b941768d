/**
 * State after a recovery is the state that was there: against an engine of the core alone that never
 * stops, has no store and puts no device away.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ResultId } from "../../src/core/result.ts";
import { decodeRecords, textOf } from "../core/record_twin.ts";
import { readingsOf } from "../core/readings.ts";
import { tempFolder } from "../harness/temp.ts";
import { InputTopic, LogSource } from "./log_source.ts";
import { startNode } from "./node.ts";
import { assertSameState, MAX_READINGS, NAMES, Reference, settings, START } from "./reference.ts";

type Step =
  | { kind: "read"; count: number; fetchSize: number }
  | { kind: "checkpoint"; devices: number }
  | { kind: "wait" }
  | { kind: "crash" }
  | { kind: "rebuild" }
  | { kind: "stop" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      count: fc.integer({ min: 1, max: 12 }),
      fetchSize: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("checkpoint" as const),
      devices: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "wait" as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: "crash" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "rebuild" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "stop" as const }) },
);

const anyReading = fc.oneof(
  {
    weight: 9,
    arbitrary: readingsOf({
      devices: fc.constantFrom(...NAMES),
      tenants: fc.constantFrom(...NAMES),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom(null, new TextEncoder().encode("{}")) },
);

/** A device's state takes a few kB here: with 9 kB nearly all are put away between two batches. */
const fleetBytes = fc.constantFrom(1, 9_000, 1e9);

Deno.test("after any crash, checkpoint and eviction: the state of an engine that never stopped", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 4, maxLength: 24, size: "max" }),
      fc.infiniteStream(anyReading),
      fleetBytes,
      fc.nat({ max: 4 }),
      async (steps, readings, maxFleetBytes, lanes) => {
        using folder = tempFolder();
        const clock = { time: START };
        const topic = new InputTopic(2);
        const reference = new Reference();
        let fetchSize = 1;
        const start = () => {
          const node = startNode({
            dir: folder.path,
            clock,
            settings,
            maxReadings: MAX_READINGS,
            maxFleetBytes,
            source: (store) => new LogSource(topic, { store, fetchSize: () => fetchSize }),
          });
          if (lanes > 0) node.output!.open({ topicId: "t", partitions: lanes });
          return node;
        };
        let node = start();
        const read = [0, 0];
        for (const step of steps) {
          switch (step.kind) {
            case "read":
              for (let i = 0; i < step.count; i++) {
                topic.partitions[i % 2].push(readings.next().value as Uint8Array | null);
              }
              fetchSize = step.fetchSize;
              await node.ingest.run();
              for (;;) {
                const batch = topic.partitions.flatMap((values, partition) => {
                  const from = read[partition];
                  const records = values.slice(from, from + fetchSize);
                  read[partition] += records.length;
                  const id = new ResultId(`in-${partition}-`);
                  return records.map((bytes, i) => ({ id, offset: from + i, bytes }));
                });
                if (batch.length === 0) break;
                reference.apply(batch, { time: clock.time, lanes });
              }
              break;
            case "checkpoint": {
              if (!node.checkpoint.due) break;
              const slice = node.checkpoint.slice(step.devices);
              node.store.transact((tx) => {
                for (const device of slice.devices) tx.saveDevice(device);
                if (slice.totals !== null) tx.saveGlobal(slice.totals);
                tx.moveCheckpoint(slice.checkpointId);
              });
              node.checkpoint.written(slice);
              break;
            }
            case "wait":
              clock.time += 6000;
              break;
            case "rebuild":
              node.state.rebuild();
              node.checkpoint.reset();
              break;
            case "crash":
              node.crash();
              node = start();
              break;
            case "stop":
              node.stop();
              node = start();
              assert.equal(node.store.journal.checkpoint(), node.store.journal.lastId());
          }
          assert.ok(node.state.engine.fleet.bytes <= maxFleetBytes, "devices beyond the bound");
          assertSameState(node, reference);
          const values = new Map(
            node.store.journal.resultRows(0, 1e9).flatMap((row) =>
              decodeRecords(row).map(({ value, headers }) => [headers[0].value, textOf(value)])
            ),
          );
          for (const [id, value] of values) assert.equal(value, reference.results.get(id));
        }
        node.crash();
      },
    ),
    { numRuns: 80 },
  );
});
