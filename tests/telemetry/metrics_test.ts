import assert from "node:assert/strict";
import { type BatchTally, Metrics, type MetricSources } from "../../src/telemetry/metrics.ts";

const idle: MetricSources = {
  counters: () => ({ read: 0, results: 0, sampledOut: 0, rejected: 0, dropped: 0, passedOn: 0 }),
  lag: () => new Map(),
  backlog: () => [],
  devicesInMemory: () => 0,
};

function metricsWith(sources: Partial<MetricSources> = {}, maxTenants?: number): Metrics {
  return new Metrics({ version: "1.2.3", sources: { ...idle, ...sources }, maxTenants });
}

interface Judged {
  readonly tenant: string;
  readonly anomaly?: boolean;
  readonly arrival: number;
}

function tallyOf(readings: readonly Judged[], rejected = 0): BatchTally {
  const names = [...new Set(readings.map((it) => it.tenant))];
  return {
    tenants: names.map((name) => ({ name })),
    codes: Int32Array.from(readings, (it) => names.indexOf(it.tenant) * 2 + (it.anomaly ? 1 : 0)),
    arrivals: Float64Array.from(readings, (it) => it.arrival),
    judged: readings.length,
    rejected,
  };
}

/** The sample lines by name and labels. */
async function samples(metrics: Metrics): Promise<Map<string, number>> {
  const lines = (await metrics.text()).split("\n").filter((it) => it !== "" && it[0] !== "#");
  return new Map(lines.map((line) => {
    const space = line.lastIndexOf(" ");
    return [line.slice(0, space), Number(line.slice(space + 1))];
  }));
}

Deno.test("a batch is counted by status and tenant", async () => {
  const metrics = metricsWith();
  metrics.batch(
    tallyOf([
      { tenant: "a", arrival: 0 },
      { tenant: "b", anomaly: true, arrival: 0 },
      { tenant: "a", arrival: 0 },
    ], 2),
    1,
  );
  metrics.batch(tallyOf([{ tenant: "a", arrival: 0 }]), 1);
  const found = await samples(metrics);
  assert.equal(found.get('process_messages_total{status="normal"}'), 3);
  assert.equal(found.get('process_messages_total{status="anomaly"}'), 1);
  assert.equal(found.get('process_messages_total{status="error"}'), 2);
  for (const name of ["tenant_messages_processed", "tenant_messages_processed_total"]) {
    assert.equal(found.get(`${name}{tenant_id="a"}`), 3);
    assert.equal(found.get(`${name}{tenant_id="b"}`), 1);
  }
});

Deno.test("the statuses are there before the first reading", async () => {
  const found = await samples(metricsWith());
  assert.equal(found.get('process_messages_total{status="error"}'), 0);
  assert.equal(found.get('processing_latency_seconds_count{status="normal"}'), 0);
});

Deno.test("latency: cumulated buckets with inclusive bounds, sum and count", async () => {
  const metrics = metricsWith();
  const arrivals = [10_000, 9_995, 9_994, 9_000, 0, -5_000, 12_000];
  metrics.batch(tallyOf(arrivals.map((arrival) => ({ tenant: "t", arrival }))), 10_000);
  const found = await samples(metrics);
  const buckets = [".005", ".01", ".025", ".05", ".1", ".25", ".5", "1", "2.5", "5", "10", "+Inf"]
    .map((le) => le.replace(/^\./, "0."))
    .map((
      le,
    ) => [le, found.get(`tenant_processing_latency_seconds_bucket{le="${le}",tenant_id="t"}`)]);
  assert.deepEqual(buckets, [
    ["0.005", 3],
    ["0.01", 4],
    ["0.025", 4],
    ["0.05", 4],
    ["0.1", 4],
    ["0.25", 4],
    ["0.5", 4],
    ["1", 5],
    ["2.5", 5],
    ["5", 5],
    ["10", 6],
    ["+Inf", 7],
  ]);
  const sum = found.get('tenant_processing_latency_seconds_sum{tenant_id="t"}')!;
  assert.ok(Math.abs(sum - (0.005 + 0.006 + 1 + 10 + 15)) < 1e-9, String(sum));
  assert.equal(found.get('tenant_processing_latency_seconds_count{tenant_id="t"}'), 7);
  assert.equal(found.get('processing_latency_seconds_count{status="normal"}'), 7);
});

Deno.test("tenants beyond the bound share one label, also one that is called so", async () => {
  const metrics = metricsWith({}, 2);
  const tenants = ["a", "other", "c", "d", "a"];
  metrics.batch(tallyOf(tenants.map((tenant) => ({ tenant, arrival: 0 }))), 1);
  const text = await metrics.text();
  const lines = text.split("\n").filter((it) => it.startsWith("tenant_messages_processed{"));
  assert.deepEqual(lines, [
    'tenant_messages_processed{tenant_id="a"} 2',
    'tenant_messages_processed{tenant_id="other"} 3',
  ]);
});

Deno.test("a tenant's name is escaped in its label", async () => {
  const metrics = metricsWith();
  metrics.batch(tallyOf([{ tenant: 'a"b\\c', arrival: 0 }]), 1);
  const found = await samples(metrics);
  assert.equal(found.get('tenant_messages_processed{tenant_id="a\\"b\\\\c"}'), 1);
  const count = 'tenant_processing_latency_seconds_count{tenant_id="a\\"b\\\\c"}';
  assert.equal(found.get(count), 1);
});

Deno.test("sources are asked at each scrape", async () => {
  let read = 5;
  const metrics = metricsWith({
    counters: () => ({ read, results: 1, sampledOut: 2, rejected: 3, dropped: 4, passedOn: 5 }),
    lag: () => new Map([[0, 7], [3, 0]]),
    backlog: () => [{ sink: "output", rows: 2, bytes: 300 }],
    devicesInMemory: () => 11,
  });
  await metrics.text();
  read = 6;
  const found = await samples(metrics);
  assert.equal(found.get("plumbline_readings_read_total"), 6);
  assert.equal(found.get('plumbline_readings_total{outcome="result"}'), 1);
  assert.equal(found.get('plumbline_readings_total{outcome="sampled_out"}'), 2);
  assert.equal(found.get('plumbline_readings_total{outcome="rejected"}'), 3);
  assert.equal(found.get('plumbline_readings_total{outcome="dropped"}'), 4);
  assert.equal(found.get('plumbline_readings_total{outcome="passed_on"}'), 5);
  assert.equal(found.get("plumbline_dead_letters_total"), 3);
  assert.equal(found.get('plumbline_consumer_lag{partition="0"}'), 7);
  assert.equal(found.get('plumbline_consumer_lag{partition="3"}'), 0);
  assert.equal(found.get('plumbline_backlog_rows{sink="output"}'), 2);
  assert.equal(found.get('plumbline_backlog_bytes{sink="output"}'), 300);
  assert.equal(found.get("plumbline_devices_in_memory"), 11);
  assert.equal(found.get("plumbline_metric_failures_total"), 0);
});

Deno.test("a source that fails leaves out its own metric and is counted", async () => {
  const metrics = metricsWith({
    devicesInMemory: () => {
      throw new Error("closed");
    },
    lag: () => new Map([[0, 1]]),
  });
  const found = await samples(metrics);
  assert.equal(found.has("plumbline_devices_in_memory"), false);
  assert.equal(found.get('plumbline_consumer_lag{partition="0"}'), 1);
  assert.equal(found.get("plumbline_metric_failures_total"), 1);
});

Deno.test("requests, commits, build and process", async () => {
  const metrics = metricsWith();
  metrics.request({ endpoint: "/health", method: "GET", status: 200, seconds: 0.02 });
  metrics.committed(0.002);
  const found = await samples(metrics);
  assert.equal(found.get('http_requests_total{endpoint="/health",method="GET",status="200"}'), 1);
  const bucket = 'http_request_duration_seconds_bucket{le="0.025",endpoint="/health",method="GET"}';
  assert.equal(found.get(bucket), 1);
  assert.equal(found.get('plumbline_commit_duration_seconds_bucket{le="0.001"}'), 0);
  assert.equal(found.get('plumbline_commit_duration_seconds_bucket{le="0.0025"}'), 1);
  assert.equal(found.get(`plumbline_build_info{version="1.2.3",deno="${Deno.version.deno}"}`), 1);
  const started = found.get("process_start_time_seconds")!;
  assert.ok(started > 1.6e9 && started <= Date.now() / 1000, String(started));
  assert.ok(found.get("process_resident_memory_bytes")! > 1e6);
  const cpu = found.get("process_cpu_seconds_total")!;
  assert.ok(cpu > 0 && cpu < 3600, String(cpu));
  assert.ok((await samples(metrics)).get("process_cpu_seconds_total")! >= cpu);
});

Deno.test("every metric has HELP and TYPE, and no name comes twice", async () => {
  const text = await metricsWith().text();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]);
  assert.equal(new Set(types.map(([name]) => name)).size, types.length);
  assert.ok(
    types.some(([name, type]) => name === "processing_latency_seconds" && type === "histogram"),
  );
  assert.equal([...text.matchAll(/^# HELP \S+ \S/gm)].length, types.length);
  assert.doesNotMatch(text, /nodejs_/);
});
