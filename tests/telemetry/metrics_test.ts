import assert from "node:assert/strict";
import { parseReading } from "../../src/core/reading.ts";
import { Reading } from "../../src/core/reading_register.ts";
import { type BatchTally, Metrics, type MetricSources } from "../../src/telemetry/metrics.ts";
import { type Labels, parseExposition, valueOf } from "./exposition.ts";
import { IDLE } from "./sources.ts";

function metricsWith(sources: Partial<MetricSources> = {}, maxTenants?: number): Metrics {
  return new Metrics({ version: "1.2.3", sources: { ...IDLE, ...sources }, maxTenants });
}

interface Judged {
  readonly tenant: string;
  readonly anomaly?: boolean;
  readonly arrival: number;
}

function tallyOf(readings: readonly Judged[], rejections: string[] = []): BatchTally {
  const names = [...new Set(readings.map((it) => it.tenant))];
  return {
    tenants: names.map((name) => ({ name })),
    codes: Int32Array.from(readings, (it) => names.indexOf(it.tenant) * 2 + (it.anomaly ? 1 : 0)),
    arrivals: Float64Array.from(readings, (it) => it.arrival),
    judged: readings.length,
    rejections,
    overQuota: new Map(),
  };
}

async function scrape(metrics: Metrics) {
  const families = parseExposition(await metrics.text());
  return (name: string, labels: Labels = {}) => valueOf(families, name, labels);
}

Deno.test("a batch is counted by status and tenant", async () => {
  const metrics = metricsWith();
  const readings = [
    { tenant: "a", arrival: 0 },
    { tenant: "b", anomaly: true, arrival: 0 },
    { tenant: "a", arrival: 0 },
  ];
  metrics.batch(tallyOf(readings, ["not JSON: x", "device_id: required"]), 1);
  metrics.batch(tallyOf([{ tenant: "a", arrival: 0 }]), 1);
  const value = await scrape(metrics);
  assert.equal(value("process_messages_total", { status: "normal" }), 3);
  assert.equal(value("process_messages_total", { status: "anomaly" }), 1);
  assert.equal(value("process_messages_total", { status: "error" }), 2);
  for (const name of ["tenant_messages_processed", "tenant_messages_processed_total"]) {
    assert.equal(value(name, { tenant_id: "a" }), 3);
    assert.equal(value(name, { tenant_id: "b" }), 1);
  }
});

Deno.test("rejected readings by the start of the reason, which is never what was sent", async () => {
  const metrics = metricsWith();
  const reasons = [
    "not JSON: the value is empty",
    "not UTF-8",
    "temperature: expected a number, got null",
    "metrics.pressure: expected a number, got null",
    "metrics: expected an object, got null",
    "reading: expected at most 1 bytes, got 2",
    "something: new",
    "__proto__: x",
    "",
  ];
  metrics.batch(tallyOf([], reasons), 1);
  metrics.batch(tallyOf([], ["not UTF-8"]), 1);
  const value = await scrape(metrics);
  const count = (reason: string) => value("plumbline_dead_letters_total", { reason });
  assert.equal(count("not JSON"), 1);
  assert.equal(count("not UTF-8"), 2);
  assert.equal(count("temperature"), 1);
  assert.equal(count("metrics"), 2);
  assert.equal(count("reading"), 1);
  assert.equal(count("other"), 3);
  assert.equal(count("humidity"), 0);
  assert.equal(count("something"), undefined);
});

Deno.test("every reason that the engine gives has a label of its own", async () => {
  const bodies: string[] = [
    "",
    "{",
    "[]",
    "null",
    "{}",
    `{"device_id":1}`,
    `{"device_id":"d","tenant_id":1}`,
    `{"device_id":"d","temperature":"1"}`,
    `{"device_id":"d","humidity":true}`,
    `{"device_id":"d","metrics":[]}`,
    `{"device_id":"d","metrics":{"a":null,"b":"1"}}`,
    `{"device_id":"d","metrics":{"1":1}}`,
    `{"device_id":"d","metrics":{"temperature":1}}`,
    `{"device_id":"d","timestamp":"yesterday"}`,
  ];
  const encoded = bodies.map((it) => new TextEncoder().encode(it));
  const reasons = [...encoded, Uint8Array.of(0xff)].map((bytes) => {
    const reason = parseReading(new Reading(), bytes, 0, bytes.length);
    assert.ok(reason !== null, new TextDecoder().decode(bytes));
    return reason;
  });
  const metrics = metricsWith();
  metrics.batch(tallyOf([], reasons), 1);
  const value = await scrape(metrics);
  assert.equal(value("plumbline_dead_letters_total", { reason: "other" }), 0, reasons.join("\n"));
});

Deno.test("the statuses are there before the first reading", async () => {
  const value = await scrape(metricsWith());
  assert.equal(value("process_messages_total", { status: "error" }), 0);
  assert.equal(value("processing_latency_seconds_count", { status: "normal" }), 0);
});

Deno.test("latency: cumulated buckets with inclusive bounds, sum and count", async () => {
  const metrics = metricsWith();
  const arrivals = [10_000, 9_995, 9_994, 9_000, 0, -5_000, 12_000];
  metrics.batch(tallyOf(arrivals.map((arrival) => ({ tenant: "t", arrival }))), 10_000);
  const value = await scrape(metrics);
  const buckets = "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf".split(" ").map((le) =>
    value("tenant_processing_latency_seconds_bucket", { le, tenant_id: "t" })
  );
  assert.deepEqual(buckets, [3, 4, 4, 4, 4, 4, 4, 5, 5, 5, 6, 7]);
  const sum = value("tenant_processing_latency_seconds_sum", { tenant_id: "t" })!;
  assert.ok(Math.abs(sum - (0.005 + 0.006 + 1 + 10 + 15)) < 1e-9, String(sum));
  assert.equal(value("tenant_processing_latency_seconds_count", { tenant_id: "t" }), 7);
  assert.equal(value("processing_latency_seconds_count", { status: "normal" }), 7);
});

Deno.test("a later scrape shows what came since the one before", async () => {
  const metrics = metricsWith();
  for (const count of [1, 2, 3]) {
    metrics.batch(tallyOf([{ tenant: "t", arrival: 0 }]), 1);
    const value = await scrape(metrics);
    assert.equal(value("tenant_processing_latency_seconds_count", { tenant_id: "t" }), count);
    assert.equal(value("tenant_messages_processed", { tenant_id: "t" }), count);
  }
});

Deno.test("tenants beyond the bound share one label, also one that is called so", async () => {
  for (const tenants of [["a", "other", "c", "d", "a"], ["a", "c", "d", "other", "other"]]) {
    const metrics = metricsWith({}, 2);
    for (const tenant of tenants) metrics.batch(tallyOf([{ tenant, arrival: 0 }]), 1);
    const text = await metrics.text();
    const lines = text.split("\n").filter((it) => it.startsWith("tenant_messages_processed{"));
    assert.equal(lines.length, tenants[1] === "other" ? 2 : 3);
    const value = await scrape(metrics);
    assert.equal(value("tenant_messages_processed", { tenant_id: "other" }), 3);
  }
});

Deno.test("a tenant's name is escaped in its label", async () => {
  const metrics = metricsWith();
  const tenant_id = 'a"b\\c\nd}';
  metrics.batch(tallyOf([{ tenant: tenant_id, arrival: 0 }]), 1);
  const value = await scrape(metrics);
  assert.equal(value("tenant_messages_processed", { tenant_id }), 1);
  assert.equal(value("tenant_processing_latency_seconds_count", { tenant_id }), 1);
});

Deno.test("sources are asked at each scrape", async () => {
  let read = 5;
  const metrics = metricsWith({
    counters: () => ({ read, results: 1, sampledOut: 2, rejected: 3, dropped: 4, passedOn: 5 }),
    lag: () => new Map([[0, 7], [3, 0]]),
    group: () => ({ joins: 2, olderFolder: 1, remade: 3, stopped: 5 }),
    jumps: () => new Map([["offset out of range", 4]]),
    skippedRecords: () => 6,
    backlog: () => [
      { sink: "output", rows: 2, bytes: 300, since: 4_500 },
      { sink: "storage", rows: 0, bytes: 0, since: undefined },
    ],
    journal: () => ({ rows: 8, bytes: 900 }),
    fleet: () => ({ size: 11, bytes: 12_000 }),
    checkpointAge: () => 1.5,
    connections: () => [["source", "connected"], ["output", "error"], ["storage", "connecting"]],
    pauses: () => ({ backlogFull: true, storeUnavailable: false }),
    stages: () => ({ fetch: 1500, apply: 0 }),
    files: () => ({
      database: 4096,
      wal: undefined,
      free: 1e12,
      freeBytes: 16384,
      walHeldSeconds: 0,
    }),
    now: () => 6_000,
  });
  await metrics.text();
  read = 6;
  const value = await scrape(metrics);
  assert.equal(value("plumbline_readings_read_total"), 6);
  for (
    const [outcome, count] of [
      ["result", 1],
      ["sampled_out", 2],
      ["rejected", 3],
      ["dropped", 4],
      ["passed_on", 5],
    ] as const
  ) {
    assert.equal(value("plumbline_readings_total", { outcome }), count);
  }
  assert.equal(value("plumbline_consumer_lag", { partition: "0" }), 7);
  assert.equal(value("plumbline_consumer_lag", { partition: "3" }), 0);
  assert.equal(value("plumbline_rebalances_total"), 2);
  assert.equal(value("plumbline_older_folder_total"), 1);
  assert.equal(value("plumbline_position_jumps_total", { reason: "offset out of range" }), 4);
  assert.equal(value("plumbline_source_remade_total"), 3);
  assert.equal(value("plumbline_partitions_stopped"), 5);
  assert.equal(value("plumbline_records_skipped_total"), 6);
  assert.equal(value("plumbline_backlog_rows", { sink: "output" }), 2);
  assert.equal(value("plumbline_backlog_bytes", { sink: "output" }), 300);
  assert.equal(value("plumbline_backlog_oldest_seconds", { sink: "output" }), 1.5);
  assert.equal(value("plumbline_backlog_oldest_seconds", { sink: "storage" }), 0);
  assert.equal(value("plumbline_journal_rows"), 8);
  assert.equal(value("plumbline_journal_bytes"), 900);
  assert.equal(value("plumbline_devices_in_memory"), 11);
  assert.equal(value("plumbline_fleet_bytes"), 12_000);
  assert.equal(value("plumbline_checkpoint_age_seconds"), 1.5);
  assert.equal(value("plumbline_connected", { part: "source" }), 1);
  assert.equal(value("plumbline_connected", { part: "output" }), 0);
  assert.equal(value("plumbline_connected", { part: "storage" }), 0);
  assert.equal(value("plumbline_paused", { reason: "backlog" }), 1);
  assert.equal(value("plumbline_paused", { reason: "store" }), 0);
  assert.equal(value("plumbline_stage_seconds_total", { stage: "fetch" }), 1.5);
  assert.equal(value("plumbline_store_bytes", { file: "database" }), 4096);
  assert.equal(value("plumbline_store_bytes", { file: "wal" }), undefined);
  assert.equal(value("plumbline_disk_free_bytes"), 1e12);
  assert.equal(value("plumbline_metric_failures_total"), 0);
});

Deno.test("a source that fails leaves out its own metrics only, and is counted", async () => {
  const broken: Record<string, Partial<MetricSources>> = {
    plumbline_devices_in_memory: {
      fleet: () => {
        throw new Error("closed");
      },
    },
    plumbline_journal_rows: { journal: () => ({ rows: NaN, bytes: NaN }) },
    plumbline_stage_seconds_total: { stages: () => ({ fetch: -1 }) },
  };
  for (const [name, sources] of Object.entries(broken)) {
    const value = await scrape(metricsWith({ lag: () => new Map([[0, 1]]), ...sources }));
    assert.equal(value(name), undefined, name);
    assert.equal(value("plumbline_consumer_lag", { partition: "0" }), 1);
    assert.ok(value("plumbline_metric_failures_total")! > 0, name);
    assert.ok(value("process_cpu_seconds_total")! > 0);
  }
});

Deno.test("requests, commits, checkpoints, build and process", async () => {
  const metrics = metricsWith();
  const request = { endpoint: "/health", method: "GET" };
  metrics.request({ ...request, status: 200, seconds: 0.02 });
  metrics.committed(0.002);
  metrics.checkpointed(20);
  const value = await scrape(metrics);
  assert.equal(value("http_requests_total", { ...request, status: "200" }), 1);
  assert.equal(value("http_request_duration_seconds_bucket", { ...request, le: "0.025" }), 1);
  assert.equal(value("plumbline_commit_duration_seconds_bucket", { le: "0.001" }), 0);
  assert.equal(value("plumbline_commit_duration_seconds_bucket", { le: "0.0025" }), 1);
  assert.equal(value("plumbline_checkpoint_duration_seconds_bucket", { le: "10" }), 0);
  assert.equal(value("plumbline_checkpoint_duration_seconds_bucket", { le: "30" }), 1);
  assert.equal(value("plumbline_build_info", { version: "1.2.3", deno: Deno.version.deno }), 1);
  const started = value("process_start_time_seconds")!;
  assert.ok(started > 1.6e9 && started <= Date.now() / 1000, String(started));
  assert.ok(value("process_resident_memory_bytes")! > 1e6);
  const cpu = value("process_cpu_seconds_total")!;
  assert.ok(cpu > 0 && cpu < 3600, String(cpu));
  assert.ok((await scrape(metrics))("process_cpu_seconds_total")! >= cpu);
});

Deno.test("what happens on the way to the output topic", async () => {
  const metrics = metricsWith();
  metrics.output("unsure", 3);
  metrics.output("unsure", 4);
  metrics.output("new producer id", 1);
  const value = await scrape(metrics);
  assert.equal(value("plumbline_output_unsure_total"), 7);
  assert.equal(value("plumbline_output_producer_ids_total"), 1);
  assert.equal(value("plumbline_output_acknowledged_total"), 0);
});
