import assert from "node:assert/strict";
import { MarkedLetters } from "../../src/pipeline/marked_letters.ts";
import { tempFolder } from "../harness/temp.ts";
import { SILENT } from "../store/samples.ts";
import { startNode } from "./node.ts";

Deno.test("marked letters that can't be replayed yet wait, told once, and are replayed when they can be", async () => {
  using folder = tempFolder();
  const clock = { time: 1.7e12 };
  const node = startNode({ dir: folder.path, clock });
  node.store.transact((tx) => {
    const origin = { topic: "in", partition: 0, offset: 1, time: 1, reason: "old" };
    tx.reject({ ...origin, id: "in-0-1", bytes: new TextEncoder().encode('{"device_id":"d"}') });
    const refused = { id: "x", sink: "output" as const, tenant: "t", time: 1, reason: "large" };
    const value = '{"device_id":"d","tenant_id":"t"}';
    const bytes = new TextEncoder().encode(value);
    tx.refuse({ ...refused, status: null, answer: null, attempts: 1, bytes });
    tx.markLetters([1, 2], true);
  });
  const told: [string, unknown][] = [];
  const note = (message: string, fields?: Record<string, unknown>) => {
    told.push([message, fields?.cause ?? fields?.replayed]);
  };
  const log = { ...SILENT, info: note, warn: note };
  const marked = new MarkedLetters(node.letters, { log, now: () => clock.time });
  /** Looks, and waits for what that has begun. */
  async function look(): Promise<void> {
    marked.look();
    await node.letters.discard({ sequences: [] }, { dryRun: true });
    await new Promise((resolve) => setTimeout(resolve, 0));
    clock.time += 5_000;
  }
  await look();
  await look();
  assert.deepEqual(told, [[
    "dead letters that were marked for this start wait",
    "replaying: the output topic isn't found yet",
  ]]);
  node.output!.open({ topicId: "t", partitions: 1 });
  await look();
  await look();
  assert.deepEqual(told.slice(1), [[
    "dead letters that were marked for this start were replayed",
    2,
  ]]);
  assert.equal(node.store.letters.last(), 0);
  node.crash();
});
