/** Section 7 of the contract, and the old engine's own page. */
import assert from "node:assert/strict";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { bucketsOf, type Family, labelNames, parseExposition } from "./exposition.ts";
import { IDLE } from "./sources.ts";

const OLD_PAGE = new URL("../fixtures/contract/go-final.metrics.txt", import.meta.url);
const BUCKETS = "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf";

/** What the contract names, with its labels. */
const kept: Record<string, [type: string, labels: string]> = {
  process_messages_total: ["counter", "status"],
  tenant_messages_processed: ["counter", "tenant_id"],
  tenant_messages_processed_total: ["counter", "tenant_id"],
  tenant_processing_latency_seconds: ["histogram", "tenant_id"],
  processing_latency_seconds: ["histogram", "status"],
  http_requests_total: ["counter", "endpoint,method,status"],
  http_request_duration_seconds: ["histogram", "endpoint,method"],
};

/** A page on which every metric has a series. */
async function page(): Promise<Map<string, Family>> {
  const metrics = new Metrics({
    version: "1.2.3",
    output: { client: "platformatic", guarantee: "exactly_once" },
    sources: {
      ...IDLE,
      lag: () => new Map([[0, 7]]),
      jumps: () => new Map([["first start", 1]]),
      backlog: () => [{ sink: "output", rows: 1, bytes: 2, since: 0 }],
      tenantBacklogs: () => [["t", 1]],
      backlogLimits: () => [{ sink: "output", maxBytes: 1, maxAgeMs: 2 }],
      resultsDropped: () => [["output", 3]],
      connections: () => [["source", "connected"]],
      stages: () => ({ fetch: 1 }),
      files: () => ({ database: 1, wal: 2, free: 3, freeBytes: 4, walHeldSeconds: 5 }),
      letters: () => ({
        ...IDLE.letters(),
        copy: { sent: 1, tooLarge: 0, missed: 0, behind: 2 },
      }),
    },
  });
  metrics.batch({
    tenants: [{ name: 'a "tenant"\\with\nall' }],
    codes: Int32Array.of(0, 1),
    arrivals: Float64Array.of(0, 1),
    judged: 2,
    rejections: ["not JSON: x"],
    overQuota: new Map([["b", 1]]),
  }, 2);
  metrics.committed(0.001);
  metrics.checkpointed(0.1);
  metrics.output("acknowledged", 2);
  metrics.request({ endpoint: "/health", method: "GET", status: 200, seconds: 0.02 });
  return parseExposition(await metrics.text());
}

Deno.test("every metric that the contract keeps, with its type, labels and buckets", async () => {
  const families = await page();
  for (const [name, [type, labels]] of Object.entries(kept)) {
    const family = families.get(name);
    assert.ok(family, name);
    assert.equal(family.type, type, name);
    assert.equal(labelNames(family.samples[0]).join(), labels, name);
    if (type === "histogram") assert.equal(bucketsOf(family).join(" "), BUCKETS, name);
  }
});

Deno.test("what the contract keeps is as the old engine's page has it", async () => {
  const old = parseExposition(await Deno.readTextFile(OLD_PAGE));
  const families = await page();
  const names = [...old.keys()].filter((name) => name in kept);
  assert.deepEqual(names, [
    "http_request_duration_seconds",
    "http_requests_total",
    "process_messages_total",
    "tenant_messages_processed",
    "tenant_processing_latency_seconds",
  ]);
  for (const name of names) {
    const theirs = old.get(name)!, ours = families.get(name)!;
    assert.equal(ours.type, theirs.type, name);
    assert.deepEqual(labelNames(ours.samples[0]), labelNames(theirs.samples[0]), name);
    assert.deepEqual(bucketsOf(ours), bucketsOf(theirs), name);
  }
  const statuses = (family: Family) => family.samples.map(({ labels }) => labels.status).sort();
  assert.deepEqual(
    statuses(families.get("process_messages_total")!),
    statuses(old.get("process_messages_total")!),
  );
  for (const name of ["cpu_seconds_total", "resident_memory_bytes", "start_time_seconds"]) {
    const both = `process_${name}`;
    assert.equal(families.get(both)?.type, old.get(both)?.type, both);
  }
});

/** Dashboards and alerts go by these. */
const own: Record<string, [type: string, labels: string]> = {
  plumbline_anomalies_dropped_total: ["counter", ""],
  plumbline_anomalies_kept: ["gauge", ""],
  plumbline_backlog_bytes: ["gauge", "sink"],
  plumbline_backlog_dropped_total: ["counter", "sink"],
  plumbline_tenant_backlog_bytes: ["gauge", "tenant_id"],
  plumbline_backlog_limit_bytes: ["gauge", "sink"],
  plumbline_backlog_limit_seconds: ["gauge", "sink"],
  plumbline_backlog_oldest_seconds: ["gauge", "sink"],
  plumbline_backlog_rows: ["gauge", "sink"],
  plumbline_build_info: ["gauge", "deno,version"],
  plumbline_checkpoint_age_seconds: ["gauge", ""],
  plumbline_checkpoint_duration_seconds: ["histogram", ""],
  plumbline_commit_duration_seconds: ["histogram", ""],
  plumbline_connected: ["gauge", "part"],
  plumbline_consumer_lag: ["gauge", "partition"],
  plumbline_dead_letter_copies_total: ["counter", "outcome"],
  plumbline_dead_letter_copy_behind: ["gauge", ""],
  plumbline_dead_letters_gone_total: ["counter", "how"],
  plumbline_dead_letters_kept: ["gauge", "sink"],
  plumbline_dead_letters_kept_bytes: ["gauge", "sink"],
  plumbline_dead_letters_total: ["counter", "reason"],
  plumbline_devices_in_memory: ["gauge", ""],
  plumbline_disk_free_bytes: ["gauge", ""],
  plumbline_event_loop_delay_seconds: ["histogram", ""],
  plumbline_fleet_bytes: ["gauge", ""],
  plumbline_heap_bytes: ["gauge", ""],
  plumbline_journal_bytes: ["gauge", ""],
  plumbline_journal_rows: ["gauge", ""],
  plumbline_live: ["gauge", ""],
  plumbline_metric_failures_total: ["counter", ""],
  plumbline_older_folder_total: ["counter", ""],
  plumbline_over_quota_total: ["counter", "tenant_id"],
  plumbline_output_acknowledged_total: ["counter", ""],
  plumbline_output_delivery: ["gauge", "client,guarantee"],
  plumbline_output_failures_total: ["counter", ""],
  plumbline_output_lost_by_broker_total: ["counter", ""],
  plumbline_output_offset_not_new_total: ["counter", ""],
  plumbline_output_older_folder_total: ["counter", ""],
  plumbline_output_producer_ids_total: ["counter", ""],
  plumbline_output_refused_total: ["counter", ""],
  plumbline_output_sent_again_total: ["counter", ""],
  plumbline_output_split_total: ["counter", ""],
  plumbline_output_timestamp_refused_total: ["counter", ""],
  plumbline_output_unsure_total: ["counter", ""],
  plumbline_partitions_stopped: ["gauge", ""],
  plumbline_paused: ["gauge", "reason"],
  plumbline_position_jumps_total: ["counter", "reason"],
  plumbline_readings_read_total: ["counter", ""],
  plumbline_readings_total: ["counter", "outcome"],
  plumbline_ready: ["gauge", "check"],
  plumbline_rebalances_total: ["counter", ""],
  plumbline_records_skipped_total: ["counter", ""],
  plumbline_sink_dead_letters_total: ["counter", ""],
  plumbline_source_remade_total: ["counter", ""],
  plumbline_stage_seconds_total: ["counter", "stage"],
  plumbline_store_bytes: ["gauge", "file"],
  plumbline_store_free_bytes: ["gauge", ""],
  plumbline_stream_clinging: ["gauge", ""],
  plumbline_stream_dropped_total: ["counter", "reason"],
  plumbline_stream_events_total: ["counter", "type"],
  plumbline_stream_readers: ["gauge", ""],
  plumbline_stream_refused_total: ["counter", ""],
  plumbline_tenants_file_wrong: ["gauge", ""],
  plumbline_tenants_reloads_total: ["counter", "outcome"],
  plumbline_wal_held_seconds: ["gauge", ""],
  process_cpu_seconds_total: ["counter", ""],
  process_cpu_system_seconds_total: ["counter", ""],
  process_cpu_user_seconds_total: ["counter", ""],
  process_resident_memory_bytes: ["gauge", ""],
  process_start_time_seconds: ["gauge", ""],
};

Deno.test("all other metrics are the engine's and the process' own, and all have a series", async () => {
  const found = [...await page()].filter(([name]) => !(name in kept)).map((
    [name, { type, samples }],
  ) => [name, [type, labelNames(samples[0]).join()]]);
  assert.deepEqual(Object.fromEntries(found.sort()), own);
});

Deno.test("docs/monitoring.md has every metric, with its type and labels, and no other", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/monitoring.md", import.meta.url));
  const rows = [...text.matchAll(/^\| `(\w+)(?:\{([\w,]+)\})?` \| (\w+) \|/gm)].map((
    [, name, labels = "", type],
  ) => [name, [type, labels.split(",").sort().join()]]);
  assert.equal(new Set(rows.map(([name]) => name)).size, rows.length);
  assert.deepEqual(Object.fromEntries(rows), { ...kept, ...own });
});
