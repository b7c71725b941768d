import assert from "node:assert/strict";
import { EngineHealth, type HealthOptions } from "../../src/pipeline/health.ts";
import type { RecordSource, Sink, SourceState } from "../../src/pipeline/ports.ts";

function rig() {
  const it = {
    source: "connected" as SourceState,
    output: "connected" as SourceState,
    storage: "connected" as SourceState,
    lag: 0,
    full: {} as { output?: string; storage?: string },
    stopped: undefined as string | undefined,
    time: 1_000_000,
    lifecycle: { running: true },
    ingest: { unavailableSince: 0, backlogFull: false, batches: 0 },
  };
  const source = {
    state: () => it.source,
    stopped: () => it.stopped,
    lag: () => new Map([[0, it.lag], [1, 0]]),
  } as unknown as RecordSource;
  const sink = (name: "output" | "storage") => ({ state: () => it[name] }) as unknown as Sink;
  const options: HealthOptions = {
    source,
    output: sink("output"),
    storage: sink("storage"),
    ingest: it.ingest,
    backlogs: { reason: (sink) => it.full[sink] },
    lifecycle: it.lifecycle,
    now: () => it.time,
  };
  return Object.assign(it, { options, health: new EngineHealth(options) });
}

function failing(health: EngineHealth): string[] {
  return [...health.ready().keys()];
}

Deno.test("everything well: live and ready", () => {
  const { health } = rig();
  assert.deepEqual([...health.ready()], []);
  assert.deepEqual([...health.live()], []);
});

Deno.test("each part's failure is its own check, all at once", () => {
  const it = rig();
  it.source = "error";
  assert.deepEqual(failing(it.health), ["kafka"]);
  it.output = "error";
  it.storage = "error";
  it.ingest.unavailableSince = Date.parse("2026-01-02T03:04:05Z");
  it.ingest.backlogFull = true;
  assert.deepEqual(failing(it.health), ["kafka", "store", "output", "storage", "progress"]);
  assert.equal(
    it.health.ready().get("store"),
    "it can't be written since 2026-01-02T03:04:05.000Z",
  );
  assert.deepEqual([...it.health.live()], [], "a new start wouldn't help");
});

Deno.test("before the first connection the engine isn't ready; a storage service is asked only when needed", () => {
  const it = rig();
  it.source = "connecting";
  it.output = "connecting";
  it.storage = "connecting";
  assert.deepEqual(failing(it.health), ["kafka", "output"]);
  assert.deepEqual([...it.health.live()], []);
});

Deno.test("without Kafka and sinks there is nothing that could fail but the store", () => {
  const it = rig();
  const health = new EngineHealth({ ...it.options, source: null, output: null, storage: null });
  assert.equal(health.kafka(), "disabled");
  assert.deepEqual(failing(health), []);
  it.ingest.unavailableSince = 5;
  assert.deepEqual(failing(health), ["store"]);
});

Deno.test("kafka is the worse of both sides", () => {
  const it = rig();
  const states: [SourceState, SourceState, SourceState][] = [
    ["connected", "connected", "connected"],
    ["connecting", "connected", "connecting"],
    ["connected", "connecting", "connecting"],
    ["error", "connecting", "error"],
    ["connecting", "error", "error"],
  ];
  for (const [source, output, both] of states) {
    Object.assign(it, { source, output });
    assert.equal(it.health.kafka(), both);
  }
});

Deno.test("progress: records wait and no batch comes for half a minute", () => {
  const it = rig();
  const pass = (ms: number) => {
    for (const end = it.time + ms; it.time < end;) {
      it.time += 250;
      it.health.look();
    }
  };
  pass(3_600_000);
  it.lag = 7;
  pass(29_750);
  assert.deepEqual(failing(it.health), []);
  pass(250);
  assert.equal(
    it.health.ready().get("progress"),
    "7 records wait in Kafka, and no batch came for 30 s",
  );
  it.ingest.batches++;
  pass(250);
  assert.deepEqual(failing(it.health), []);
  pass(60_000);
  assert.deepEqual(failing(it.health), ["progress"]);
  it.lag = 0;
  pass(250);
  assert.deepEqual(failing(it.health), []);
});

Deno.test("a standstill of ten minutes that nothing explains: a new start may help", () => {
  const it = rig();
  it.lag = 1;
  it.time += 599_999;
  assert.deepEqual([...it.health.live()], []);
  it.time += 1;
  assert.deepEqual([...it.health.live().keys()], ["progress"]);
  it.source = "error";
  assert.deepEqual([...it.health.live()], []);
  it.source = "connected";
  it.ingest.backlogFull = true;
  assert.deepEqual([...it.health.live()], []);
  it.ingest.backlogFull = false;
  it.ingest.unavailableSince = it.time - 1;
  assert.deepEqual([...it.health.live()], []);
});

Deno.test("a store that refuses everything for ten minutes: a new start may help", () => {
  const it = rig();
  // The clock was set back meanwhile.
  it.ingest.unavailableSince = 3_600_000;
  it.health.look();
  it.time += 599_999;
  assert.deepEqual([...it.health.live()], []);
  it.time += 1;
  assert.deepEqual(
    [...it.health.live()],
    [["store", "it can't be written since 1970-01-01T01:00:00.000Z"]],
  );
  it.ingest.unavailableSince = 0;
  it.health.look();
  assert.deepEqual([...it.health.live()], []);
});

Deno.test("a sink that takes results isn't ready all the same while its backlog is over a limit", () => {
  const it = rig();
  it.full = { output: "too old" };
  assert.deepEqual([...it.health.ready()], [["output", "too old"]]);
  it.full = { storage: "too much" };
  it.storage = "error";
  assert.deepEqual(
    [...it.health.ready()],
    [["storage", "the storage service doesn't take results; the log says why; too much"]],
  );
  assert.deepEqual([...it.health.live()], []);
});

Deno.test("while it stops the engine isn't ready", () => {
  const it = rig();
  it.lifecycle.running = false;
  assert.deepEqual([...it.health.ready()], [["progress", "the engine is stopping"]]);
  assert.equal(it.health.running(), false);
});

Deno.test("a partition that nobody may decide about but people: not ready, but alive", () => {
  const it = rig();
  it.stopped = "not read: partition 3";
  assert.deepEqual([...it.health.ready()], [["kafka", "not read: partition 3"]]);
  it.time += 3_600_000;
  it.health.look();
  assert.deepEqual([...it.health.live()], []);
});
