import assert from "node:assert/strict";
import fc from "fast-check";
import { type TenantSettings } from "../../src/core/tenant.ts";
import { type ReloadOutcome, StoreUnavailable } from "../../src/pipeline/ports.ts";
import { TenantSettingsReload } from "../../src/pipeline/tenants_reload.ts";
import { PARITY } from "../core/result_twin.ts";
import { tempFolder } from "../harness/temp.ts";
import { SILENT } from "../store/samples.ts";
import { startNode } from "./node.ts";

function reloading() {
  const file = { stamp: "1" as string | undefined, faults: [] as string[], inForce: 0, reads: 0 };
  const outcomes: ReloadOutcome["kind"][] = [];
  const store = { full: false };
  const reload = new TenantSettingsReload({
    source: {
      look: () => file.stamp,
      read() {
        file.reads++;
        return file.faults.length > 0 ? { faults: file.faults } : {
          named: 1,
          use: () => file.inForce++,
        };
      },
    },
    reconfigure(change) {
      if (store.full) throw new StoreUnavailable("full");
      change();
    },
    log: SILENT,
    observe: (kind) => outcomes.push(kind),
  });
  return { file, store, outcomes, reload };
}

Deno.test("a file is read again once it has changed and rests", () => {
  const { file, reload, outcomes } = reloading();
  reload.look();
  reload.look();
  assert.equal(file.reads, 0, "it is as it was at the start");
  for (const stamp of ["2", "3", "4"]) {
    file.stamp = stamp;
    reload.look();
  }
  assert.equal(file.reads, 0, "it is being written");
  reload.look();
  reload.look();
  assert.deepEqual([file.reads, file.inForce, outcomes], [1, 1, ["done"]]);
  file.stamp = undefined;
  reload.look();
  reload.look();
  assert.equal(file.reads, 1, "a file that is gone says nothing");
  file.stamp = "5";
  file.faults = ["wrong"];
  for (let i = 0; i < 5; i++) reload.look();
  assert.deepEqual([file.reads, file.inForce], [2, 1], "faults are told once");
  assert.deepEqual(reload.reload(), { kind: "wrong", faults: ["wrong"] });
  assert.equal(file.inForce, 1);
});

Deno.test("while the store can't be written the settings stay, and the next look tries again", () => {
  const { file, store, reload, outcomes } = reloading();
  store.full = true;
  file.stamp = "2";
  for (let i = 0; i < 3; i++) reload.look();
  assert.deepEqual([file.inForce, outcomes.at(-1)], [0, "unavailable"]);
  store.full = false;
  reload.look();
  assert.deepEqual([file.inForce, outcomes.at(-1)], [1, "done"]);
});

Deno.test("after a kill at any moment state and later results are as without it, whatever was reloaded", async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ value: fc.integer({ min: 0, max: 40 }) }) },
    { weight: 2, arbitrary: fc.record({ windows: fc.integer({ min: 1, max: 5 }) }) },
    { weight: 1, arbitrary: fc.constant({ kill: true }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      const answers: string[][] = [];
      for (const kills of [false, true]) {
        using folder = tempFolder();
        let settings: TenantSettings = { ...PARITY, maxReadings: 3 };
        let reading = 0;
        const start = () =>
          startNode({
            dir: folder.path,
            clock: { time: 1_770_000_000_000 },
            settings: () => settings,
            newId: () => `r-${reading}`,
          });
        let node = start();
        const told: string[] = [];
        for (const step of steps) {
          if ("value" in step) {
            reading++;
            const body = new TextEncoder().encode(`{"device_id":"d","temperature":${step.value}}`);
            told.push(JSON.stringify(await node.ingest.submit(body)));
          } else if ("windows" in step) {
            const { windows: maxReadings } = step;
            node.ingest.reconfigure(() => settings = { ...PARITY, maxReadings });
          } else if (kills) {
            node.crash();
            node = start();
          }
        }
        told.push(JSON.stringify(node.device("default", "d"), bytesAsText));
        node.crash();
        answers.push(told);
      }
      assert.deepEqual(answers[1], answers[0]);
    }),
    { numRuns: 20 },
  );
});

function bytesAsText(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? value.toHex() : value;
}
