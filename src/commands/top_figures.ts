/** What `top` shows, out of two looks at an engine's metrics. Pure: it asks nobody. */
import {
  type Buckets,
  bucketsBetween,
  bucketsOf,
  quantile,
  readMetrics,
  type Samples,
  sumOf,
} from "./metrics_text.ts";

/** One look at an engine. */
export interface Look {
  /** ms by a clock that isn't set. */
  readonly at: number;
  /** ms since 1970. */
  readonly time: number;
  readonly samples: Samples;
  /** undefined: it is ready, and alive. */
  readonly notReady: string | undefined;
  readonly notLive: string | undefined;
}

/** Rates are null without a look before, or where the engine was started anew since. */
export interface Figures {
  readonly ready: boolean;
  readonly live: boolean;
  /** Why it isn't ready or alive. */
  readonly reason: string | null;
  readonly version: string | null;
  readonly uptime_seconds: number | null;
  readonly paused: readonly string[];
  /** Records behind the ends of the partitions that this engine reads; null: it reads none. */
  readonly lag: number | null;
  readonly partitions: number;
  readonly totals: Readonly<Record<"read" | "results" | "rejected", number | null>>;
  readonly per_second: Readonly<
    Record<"read" | "results" | "rejected" | "acknowledged" | "commits", number | null>
  >;
  readonly commit_ms: Quantiles;
  /** From a reading's arrival to its commit. */
  readonly latency_ms: Quantiles;
  readonly sinks: readonly SinkFigures[];
  readonly busiest_tenants: readonly TenantFigures[];
  readonly slowest_tenants: readonly TenantFigures[];
  readonly dead_letters: number | null;
  readonly memory_bytes: number | null;
  readonly heap_bytes: number | null;
  readonly devices_in_memory: number | null;
  readonly store_bytes: number | null;
  readonly disk_free_bytes: number | null;
}

export interface Quantiles {
  readonly p50: number | null;
  readonly p99: number | null;
}

export interface SinkFigures {
  readonly sink: string;
  readonly connected: boolean;
  readonly rows: number;
  readonly bytes: number;
  readonly limit_bytes: number | null;
  readonly oldest_seconds: number;
  readonly dropped: number;
}

export interface TenantFigures {
  readonly tenant_id: string;
  readonly per_second: number;
  readonly p99_ms: number | null;
}

/** Of either list. */
const MAX_TENANTS = 20;

export function lookAt(
  page: { text: string; notReady: string | undefined; notLive: string | undefined },
  { at, time }: { at: number; time: number },
): Look {
  const { text, ...health } = page;
  return { at, time, samples: readMetrics(text), ...health };
}

/** Something else may answer at the address, with metrics of its own. */
export function isEngine({ samples }: Look): boolean {
  return samples.has("plumbline_build_info");
}

export function figuresOf(look: Look, before: Look | undefined): Figures {
  const { samples } = look;
  const isSame = before !== undefined && start(before) === start(look) && look.at > before.at;
  const since = isSame ? before : undefined;
  const value = (name: string, labels = {}) => sumOf(samples, name, labels) ?? null;
  const rate = (name: string, labels = {}) => rateOf(look, since, { name, labels });
  const tenants = since === undefined ? [] : tenantsOf(look, since);
  const lag = value("plumbline_consumer_lag");
  const sum = "plumbline_readings_total";
  return {
    ready: look.notReady === undefined,
    live: look.notLive === undefined,
    reason: look.notLive ?? look.notReady ?? null,
    version: samples.get("plumbline_build_info")?.[0].labels.version ?? null,
    uptime_seconds: uptimeOf(look),
    paused: (samples.get("plumbline_paused") ?? []).filter((it) => it.value === 1)
      .map(({ labels }) => labels.reason),
    lag,
    partitions: samples.get("plumbline_consumer_lag")?.length ?? 0,
    totals: {
      read: value("plumbline_readings_read_total"),
      results: value(sum, { outcome: "result" }),
      rejected: value(sum, { outcome: "rejected" }),
    },
    per_second: {
      read: rate("plumbline_readings_read_total"),
      results: rate(sum, { outcome: "result" }),
      rejected: rate(sum, { outcome: "rejected" }),
      acknowledged: rate("plumbline_output_acknowledged_total"),
      commits: rate("plumbline_commit_duration_seconds_count"),
    },
    commit_ms: quantiles("plumbline_commit_duration_seconds", look, since),
    latency_ms: quantiles("processing_latency_seconds", look, since),
    sinks: sinksOf(samples),
    busiest_tenants: tenants.toSorted((a, b) => b.per_second - a.per_second)
      .slice(0, MAX_TENANTS),
    slowest_tenants: tenants.filter((it) => it.p99_ms !== null)
      .sort((a, b) => b.p99_ms! - a.p99_ms!).slice(0, MAX_TENANTS),
    dead_letters: value("plumbline_dead_letters_kept"),
    memory_bytes: value("process_resident_memory_bytes"),
    heap_bytes: value("plumbline_heap_bytes"),
    devices_in_memory: value("plumbline_devices_in_memory"),
    store_bytes: value("plumbline_store_bytes"),
    disk_free_bytes: value("plumbline_disk_free_bytes"),
  };
}

function start({ samples }: Look): number | undefined {
  return sumOf(samples, "process_start_time_seconds");
}

function uptimeOf(look: Look): number | null {
  const started = start(look);
  return started === undefined ? null : Math.max(0, Math.round(look.time / 1000 - started));
}

function rateOf(
  look: Look,
  since: Look | undefined,
  { name, labels }: { name: string; labels: Record<string, string> },
): number | null {
  const after = sumOf(look.samples, name, labels);
  if (since === undefined || after === undefined) return null;
  return perSecond(after - (sumOf(since.samples, name, labels) ?? 0), { look, since });
}

function perSecond(count: number, { look, since }: { look: Look; since: Look }): number {
  return rounded(Math.max(0, count) / ((look.at - since.at) / 1000));
}

/** More digits than these say nothing. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function quantiles(name: string, look: Look, since: Look | undefined): Quantiles {
  if (since === undefined) return { p50: null, p99: null };
  const between = bucketsBetween(bucketsOf(since.samples, name), bucketsOf(look.samples, name));
  return { p50: milliseconds(0.5, between), p99: milliseconds(0.99, between) };
}

function milliseconds(share: number, buckets: Buckets): number | null {
  const seconds = quantile(share, buckets);
  return seconds === undefined ? null : rounded(seconds * 1000);
}

function sinksOf(samples: Samples): SinkFigures[] {
  return (samples.get("plumbline_backlog_rows") ?? []).map(({ labels: { sink }, value }) => ({
    sink,
    connected: sumOf(samples, "plumbline_connected", { part: sink }) === 1,
    rows: value,
    bytes: sumOf(samples, "plumbline_backlog_bytes", { sink }) ?? 0,
    limit_bytes: sumOf(samples, "plumbline_backlog_limit_bytes", { sink }) ?? null,
    oldest_seconds: sumOf(samples, "plumbline_backlog_oldest_seconds", { sink }) ?? 0,
    dropped: sumOf(samples, "plumbline_backlog_dropped_total", { sink }) ?? 0,
  }));
}

const TENANT_LATENCY = "tenant_processing_latency_seconds";

/** Those that have sent something between the two looks. */
function tenantsOf(look: Look, since: Look): TenantFigures[] {
  const counts = countsByTenant(since.samples);
  const [earlier, later] = [since, look].map(({ samples }) => byTenant(samples));
  return [...countsByTenant(look.samples)].flatMap(([tenant_id, count]) => {
    const more = count - (counts.get(tenant_id) ?? 0);
    if (more <= 0) return [];
    const between = bucketsBetween(
      bucketsOf(earlier.get(tenant_id) ?? new Map(), TENANT_LATENCY),
      bucketsOf(later.get(tenant_id) ?? new Map(), TENANT_LATENCY),
    );
    return [{
      tenant_id,
      per_second: perSecond(more, { look, since }),
      p99_ms: milliseconds(0.99, between),
    }];
  });
}

function countsByTenant(samples: Samples): Map<string, number> {
  const all = samples.get("tenant_messages_processed_total") ?? [];
  return new Map(all.map(({ labels, value }) => [labels.tenant_id, value]));
}

/** The buckets of each tenant by themselves: looking through all of them for each would take too long. */
function byTenant(samples: Samples): Map<string, Samples> {
  const name = `${TENANT_LATENCY}_bucket`;
  const groups = Map.groupBy(samples.get(name) ?? [], ({ labels }) => labels.tenant_id);
  return new Map([...groups].map(([tenant, group]) => [tenant, new Map([[name, group]])]));
}
