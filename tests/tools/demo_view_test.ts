import assert from "node:assert/strict";
import { type DemoState, lineView, screenLines, screenView } from "../../tools/demo_view.ts";

const state: DemoState = {
  address: "http://127.0.0.1:8000",
  fleet: "100 devices of 3 tenants",
  time: Date.UTC(2026, 0, 1, 14, 30),
  readings: 12_345,
  rate: 299.6,
  anomalies: 1,
  answerMs: 2.345,
  temperature: { count: 12_345, avg: 20.5, min: -1, max: 44.123 },
  humidity: { count: 0, avg: null, min: null, max: null },
};
const seen = {
  device: "pump-002",
  tenant: "plant-2",
  time: state.time,
  reason: "temperature 44.12 is above 30",
  kind: "spike",
};
const unseen = {
  mark: {
    device: "fan-001",
    tenant: "plant-1",
    kind: "silence" as const,
    from: "2026-01-01T10:00:00.000Z",
    to: "2026-01-01T11:00:00.000Z",
  },
  steps: 30,
};

Deno.test("lines: what happens at once, the figures now and then", () => {
  const lines: string[] = [];
  const view = lineView((line) => lines.push(line), 3_600_000);
  view.update(state);
  view.update(state);
  view.seen(seen);
  view.unseen(unseen);
  view.tell("something");
  assert.deepEqual(lines, [
    "12,345 readings, 300/s; temperature -1.00 to 44.12, on average 20.50 °C; " +
    "humidity - to -, on average - %; 1 anomaly",
    "anomaly: plant-2/pump-002 at 14:30: temperature 44.12 is above 30 (in truth: spike)",
    "not seen by range: silent sensor plant-1/fan-001, 10:00 to 11:00, 30 readings",
    "something",
  ]);
});

Deno.test("the screen never has more lines or columns than the terminal, whatever happened", () => {
  for (const [rows, columns] of [[24, 80], [50, 200], [10, 40], [15, 60]]) {
    for (const count of [0, 1, 100]) {
      const lines = screenLines(state, {
        told: Array(count).fill("told"),
        seen: Array(count).fill(seen),
        unseen: Array(count).fill(unseen),
        rows,
        columns,
      });
      assert.ok(lines.length <= rows, `${lines.length} lines of ${rows}`);
      for (const line of lines) assert.ok(line.length <= columns, line);
    }
  }
  const all = screenLines(state, {
    told: ["told"],
    seen: [seen],
    unseen: [unseen],
    rows: 24,
    columns: 100,
  });
  for (const text of ["12,345", "44.12", "pump-002 at 14:30", "silent sensor", "told", "curl"]) {
    assert.ok(all.some((line) => line.includes(text)), text);
  }
});

Deno.test("the screen gives the terminal back, and says there what was told meanwhile", () => {
  let written = "";
  const terminal = {
    write: (text: string) => void (written += text),
    size: () => ({ rows: 24, columns: 80 }),
  };
  const view = screenView(terminal);
  view.tell("before");
  assert.equal(written, "before\n");
  view.update(state);
  assert.ok(written.includes("\x1b[?1049h\x1b[?25l\x1b[HPlumbline demo"));
  view.tell("meanwhile");
  written = "";
  view.close();
  view.close();
  assert.equal(written, "\x1b[?25h\x1b[?1049lmeanwhile\n");
});
