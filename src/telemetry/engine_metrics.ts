/** The engine's own numbers, asked for at the moment of a scrape. */
import {
  CHECKS,
  type Counters,
  type Health,
  type LetterCounts,
  type SourceState,
} from "../pipeline/ports.ts";
import { registerLetterMetrics } from "./letter_metrics.ts";
import type { MetricTexts, PulledMetric } from "./metric_texts.ts";
import { registerStreamMetrics, type StreamNumbers } from "./stream_metrics.ts";

/** Tenants whose waiting bytes are shown by name. */
const MAX_TENANT_BACKLOGS = 100;

/** What is asked for in a scrape: cheap, synchronous; one that throws leaves out its own metrics only. */
export interface MetricSources {
  counters(): Counters;
  /** Records that wait in Kafka, by partition. */
  lag(): ReadonlyMap<number, number>;
  /** Of the consumer group, since the start. */
  group(): {
    readonly joins: number;
    readonly olderFolder: number;
    readonly remade: number;
    readonly stopped: number;
  };
  /** Positions that were moved other than by reading on, ever, by reason. */
  jumps(): ReadonlyMap<string, number>;
  skippedRecords(): number;
  /** What each sink hasn't acknowledged yet, and since when (ms since 1970) the oldest of it waits. */
  backlog(): Iterable<SinkBacklog>;
  /** Bytes that wait of the results of tenants with a share of the backlog. */
  tenantBacklogs(): Iterable<readonly [string, number]>;
  /** What may wait for each sink; Infinity: no limit. */
  backlogLimits(): Iterable<SinkLimits>;
  /** Results that each sink didn't get on purpose, ever. */
  resultsDropped(): Iterable<readonly [string, number]>;
  health(): Pick<Health, "live" | "ready">;
  journal(): { readonly rows: number; readonly bytes: number };
  letters(): LetterCounts;
  anomalies(): { readonly kept: number; readonly dropped: number };
  stream(): StreamNumbers;
  fleet(): { readonly size: number; readonly bytes: number };
  /** Seconds since the store last had everything that memory has. */
  checkpointAge(): number;
  /** Whether each connection stands: `source`, `output`, `storage`, `dead_letters`. */
  connections(): Iterable<readonly [string, SourceState]>;
  /** Why no readings are taken now, if so. */
  pauses(): { readonly backlogFull: boolean; readonly storeUnavailable: boolean };
  /** ms that the one road in has spent, by stage. */
  stages(): Readonly<Record<string, number>>;
  files(): StoreFiles;
  /** ms since 1970. */
  now(): number;
}

export interface SinkBacklog {
  readonly sink: string;
  readonly rows: number;
  readonly bytes: number;
  readonly since: number | undefined;
}

export interface SinkLimits {
  readonly sink: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** Bytes; undefined: not known. */
export interface StoreFiles {
  readonly database: number | undefined;
  readonly wal: number | undefined;
  /** Left on the disk for this process. */
  readonly free: number | undefined;
  /** Of the database: pages that hold nothing. */
  readonly freeBytes: number | undefined;
  /** How long somebody's read has kept the write-ahead log from being emptied. */
  readonly walHeldSeconds: number | undefined;
}

/** `texts` gets a metric for each of the sources. */
export function registerEngineMetrics(texts: MetricTexts, sources: MetricSources): void {
  const one = (value: number): ReturnType<PulledMetric["values"]> => [[{}, value]];
  const by = (label: string, entries: Iterable<readonly [string | number, number]>) =>
    [...entries].map(([value, n]) => [{ [label]: value }, n] as const);
  const backlogs = (value: (it: SinkBacklog) => number) =>
    by("sink", [...sources.backlog()].map((it) => [it.sink, value(it)]));

  texts.counter({
    name: "plumbline_readings_read_total",
    help: "Readings that were read, ever",
    labels: [],
    values: () => one(sources.counters().read),
  });
  texts.counter({
    name: "plumbline_readings_total",
    help: "What became of the readings that were read, ever",
    labels: ["outcome"],
    values: () => by("outcome", outcomes(sources.counters())),
  });
  texts.gauge({
    name: "plumbline_consumer_lag",
    help: "Records between the committed position and the partition's end",
    labels: ["partition"],
    values: () => by("partition", sources.lag()),
  });
  texts.counter({
    name: "plumbline_rebalances_total",
    help: "Joins of the consumer group since the start: the first one, and one for each rebalance",
    labels: [],
    values: () => one(sources.group().joins),
  });
  texts.counter({
    name: "plumbline_older_folder_total",
    help: "Partitions whose group was ahead of this data folder at a join: it is an older copy",
    labels: [],
    values: () => one(sources.group().olderFolder),
  });
  texts.counter({
    name: "plumbline_position_jumps_total",
    help: "Positions moved other than by reading on, ever, by reason",
    labels: ["reason"],
    values: () => by("reason", sources.jumps()),
  });
  texts.counter({
    name: "plumbline_records_skipped_total",
    help:
      "Offsets left out because retention had removed their records before they were read, ever",
    labels: [],
    values: () => one(sources.skippedRecords()),
  });
  texts.gauge({
    name: "plumbline_partitions_stopped",
    help:
      "Partitions that are not read because their position is out of range and the policy is stop",
    labels: [],
    values: () => one(sources.group().stopped),
  });
  texts.counter({
    name: "plumbline_source_remade_total",
    help:
      "Times that the consumers were made anew because a partition stood still, since the start",
    labels: [],
    values: () => one(sources.group().remade),
  });
  texts.gauge({
    name: "plumbline_backlog_rows",
    help: "Journal rows from the oldest one on that a sink hasn't acknowledged",
    labels: ["sink"],
    values: () => backlogs(({ rows }) => rows),
  });
  texts.gauge({
    name: "plumbline_backlog_bytes",
    help: "Bytes in journal rows from the oldest one on that a sink hasn't acknowledged",
    labels: ["sink"],
    values: () => backlogs(({ bytes }) => bytes),
  });
  texts.gauge({
    name: "plumbline_backlog_oldest_seconds",
    help: "Age of the oldest result that a sink hasn't acknowledged, 0 where there is none",
    labels: ["sink"],
    values: () => {
      const now = sources.now();
      return backlogs(({ since = now }) => Math.max(0, now - since) / 1000);
    },
  });
  texts.gauge({
    name: "plumbline_tenant_backlog_bytes",
    help: "Bytes of results that wait, by tenant with a share of the backlog as a quota",
    labels: ["tenant_id"],
    values: () =>
      largest([...sources.tenantBacklogs()]).map(([tenant_id, n]) => [{ tenant_id }, n]),
  });
  const limits = (value: (it: SinkLimits) => number) =>
    by("sink", [...sources.backlogLimits()].map((it) => [it.sink, value(it)] as const))
      .filter(([, limit]) => limit !== Infinity);
  texts.gauge({
    name: "plumbline_backlog_limit_bytes",
    help: "Bytes that may wait for a sink",
    labels: ["sink"],
    values: () => limits(({ maxBytes }) => maxBytes),
  });
  texts.gauge({
    name: "plumbline_backlog_limit_seconds",
    help: "How long a result may wait for a sink; none where there is no limit",
    labels: ["sink"],
    values: () => limits(({ maxAgeMs }) => maxAgeMs / 1000),
  });
  texts.counter({
    name: "plumbline_backlog_dropped_total",
    help: "Results that a sink was not given on purpose, ever: its backlog was full, or given up",
    labels: ["sink"],
    values: () => by("sink", sources.resultsDropped()),
  });
  texts.gauge({
    name: "plumbline_live",
    help: "Whether /health/live answers 200: 1 or 0",
    labels: [],
    values: () => one(+(sources.health().live().size === 0)),
  });
  texts.gauge({
    name: "plumbline_ready",
    help: "Whether each check of /health/ready is well: 1 or 0",
    labels: ["check"],
    values: () => {
      const failed = sources.health().ready();
      return by("check", CHECKS.map((check) => [check, +!failed.has(check)]));
    },
  });
  texts.gauge({
    name: "plumbline_journal_rows",
    help: "Rows in the journal",
    labels: [],
    values: () => one(sources.journal().rows),
  });
  texts.gauge({
    name: "plumbline_journal_bytes",
    help: "Bytes in the journal's rows",
    labels: [],
    values: () => one(sources.journal().bytes),
  });
  registerLetterMetrics(texts, () => sources.letters());
  registerStreamMetrics(texts, () => sources.stream());
  texts.gauge({
    name: "plumbline_anomalies_kept",
    help: "Anomalies that are kept for /api/anomalies",
    labels: [],
    values: () => one(sources.anomalies().kept),
  });
  texts.counter({
    name: "plumbline_anomalies_dropped_total",
    help: "Anomalies that have fallen off by the bounds for their number and age, ever",
    labels: [],
    values: () => one(sources.anomalies().dropped),
  });
  texts.gauge({
    name: "plumbline_checkpoint_age_seconds",
    help: "Time since the store last had every device as memory has it",
    labels: [],
    values: () => one(sources.checkpointAge()),
  });
  texts.gauge({
    name: "plumbline_devices_in_memory",
    help: "Devices whose state is in memory",
    labels: [],
    values: () => one(sources.fleet().size),
  });
  texts.gauge({
    name: "plumbline_fleet_bytes",
    help: "Approximate memory of these devices",
    labels: [],
    values: () => one(sources.fleet().bytes),
  });
  texts.gauge({
    name: "plumbline_connected",
    help:
      "Whether readings come in (source) and results (output, storage) and dead letters go out: 1 or 0",
    labels: ["part"],
    values: () =>
      by(
        "part",
        [...sources.connections()].map(([part, state]) => [part, +(state === "connected")]),
      ),
  });
  texts.gauge({
    name: "plumbline_paused",
    help:
      "Whether no readings are taken, because the backlog is full or the store can't be written",
    labels: ["reason"],
    values: () => {
      const { backlogFull, storeUnavailable } = sources.pauses();
      return by("reason", [["backlog", +backlogFull], ["store", +storeUnavailable]]);
    },
  });
  texts.counter({
    name: "plumbline_stage_seconds_total",
    help: "Where the time of the road in went since the start",
    labels: ["stage"],
    values: () => by("stage", Object.entries(sources.stages()).map(([it, ms]) => [it, ms / 1000])),
  });
  texts.gauge({
    name: "plumbline_store_bytes",
    help: "Size of the database file and of its write-ahead log",
    labels: ["file"],
    values: () => {
      const { database, wal } = sources.files();
      return by("file", known([["database", database], ["wal", wal]]));
    },
  });
  texts.gauge({
    name: "plumbline_store_free_bytes",
    help: "Bytes of the database file that hold nothing: used again, or given back to the disk",
    labels: [],
    values: () => optional(sources.files().freeBytes),
  });
  texts.gauge({
    name: "plumbline_wal_held_seconds",
    help: "For how long somebody's open read has let the write-ahead log grow, 0 where nobody does",
    labels: [],
    values: () => optional(sources.files().walHeldSeconds),
  });
  texts.gauge({
    name: "plumbline_disk_free_bytes",
    help: "Room left on the disk of the data folder",
    labels: [],
    values: () => optional(sources.files().free),
  });
}

function optional(value: number | undefined): ReturnType<PulledMetric["values"]> {
  return value === undefined ? [] : [[{}, value]];
}

function known(entries: readonly [string, number | undefined][]): [string, number][] {
  return entries.flatMap(([name, value]) => value === undefined ? [] : [[name, value]]);
}

function outcomes(counters: Counters): [string, number][] {
  const { results, sampledOut, rejected, dropped, passedOn } = counters;
  return [
    ["result", results],
    ["sampled_out", sampledOut],
    ["rejected", rejected],
    ["dropped", dropped],
    ["passed_on", passedOn],
  ];
}

/** Those that have most, and the rest together: the number of tenants is a matter of who sends. */
function largest(all: (readonly [string, number])[]): (readonly [string, number])[] {
  all.sort(([, a], [, b]) => b - a);
  const rest = all.slice(MAX_TENANT_BACKLOGS).reduce((sum, [, bytes]) => sum + bytes, 0);
  const named = all.slice(0, MAX_TENANT_BACKLOGS);
  return rest === 0 ? named : [...named.filter(([name]) => name !== "other"), ["other", rest]];
}
