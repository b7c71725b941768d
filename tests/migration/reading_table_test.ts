/** What is said of a reading that only one engine takes, against the 89 cases and what became of them. */
import assert from "node:assert/strict";
import { judge } from "../../src/migration/reading_table.ts";
import { goFinal } from "../fixtures/legacy/go_final.ts";
import { pythonV2 } from "../fixtures/legacy/python_v2.ts";
import { loadMessages } from "../contract/cases.ts";

const encoder = new TextEncoder();

Deno.test("all 89 cases: who has a result of a reading is known, and why", async () => {
  for (const { case: name, record: { value } } of await loadMessages()) {
    const bytes = typeof value === "string" ? encoder.encode(value) : value ?? new Uint8Array();
    const go = judge(bytes, "go");
    const hasGo = goFinal(bytes, { now: 0, random: () => 0 }) !== null;
    // The early engine takes what has no device, too; the last one doesn't.
    assert.ok(hasGo ? go.old !== null : go.old === null || go.old.device === "unknown", name);
    if ((go.old === null) !== (go.new === null)) assert.ok(go.reason !== null, name);
    const python = judge(bytes, "python");
    const made = pythonV2(bytes, { now: 0 });
    // What ends it isn't taken by Plumbline either.
    if (made === "ends") assert.equal(python.new, null, name);
    else assert.equal(python.old !== null, made !== null, name);
    if ((python.old === null) !== (python.new === null)) assert.ok(python.reason !== null, name);
  }
});

Deno.test("the reasons, one by one", () => {
  const table: [string | Uint8Array, "go" | "python", string | undefined][] = [
    ['{"device_id":"a","temperature":1,"timestamp":"2026-01-01T00:00:00"}', "go", "fraction of"],
    ['{"device_id":"a","Temperature":1}', "go", "names matched"],
    ['{"DEVICE_ID":"a"}', "go", "names matched"],
    [new Uint8Array([...encoder.encode('{"device_id":"a'), 255, 34, 125]), "go", "invalid UTF-8"],
    ['{"device_id":"  "}', "go", "blank, over 256"],
    ['{"device_id":"a","temperature":1}', "go", undefined],
    ['{"device_id":"a","temperature":1,"humidity":1,"tenant_id":"b"}', "python", undefined],
    [
      '{"device_id":"a","temperature":true,"humidity":1,"tenant_id":"b"}',
      "python",
      "missing values",
    ],
    ['{"device_id":7,"temperature":1,"humidity":1,"tenant_id":"b"}', "python", "section 1"],
    ['{"temperature":1,"humidity":1,"tenant_id":"b"}', "python", "15: "],
    ['{"device_id":"a","temperature":1,"tenant_id":"b"}', "python", "L9: a reading without temp"],
    ['{"device_id":"a","temperature":1,"humidity":1}', "python", "L9: a reading without a tenant"],
    ['{"device_id":"a","temperature":1,"humidity":1,"tenant_id":"tenant2"}', "python", "24: "],
    [
      '{"device_id":"a","temperature":1,"humidity":1,"tenant_id":"b","timestamp":7}',
      "python",
      "sec",
    ],
  ];
  for (const [reading, format, reason] of table) {
    const bytes = typeof reading === "string" ? encoder.encode(reading) : reading;
    const found = judge(bytes, format).reason?.name;
    assert.ok(
      reason === undefined ? found === undefined : found?.startsWith(reason),
      `${reading}: ${found}`,
    );
  }
});
