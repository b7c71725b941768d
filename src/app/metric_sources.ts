/** Where the metrics' page reads what it shows. */
import type { Config } from "../config/config.ts";
import type { Backlogs } from "../pipeline/backlogs.ts";
import type { StreamReaders } from "../http/stream_readers.ts";
import type { Checkpoint } from "../pipeline/checkpoint.ts";
import type { EngineHealth } from "../pipeline/health.ts";
import type { Ingest } from "../pipeline/ingest.ts";
import type { LowDisk } from "../pipeline/low_disk.ts";
import type { JournalOutputFeed } from "../pipeline/output_feed.ts";
import type { State } from "../pipeline/state.ts";
import type { TenantShares } from "../pipeline/tenant_shares.ts";
import type { JournalStorageFeed } from "../pipeline/storage_feed.ts";
import type { OpenedStore } from "../store/open.ts";
import type { MetricSources } from "../telemetry/metrics.ts";
import { storeFiles } from "../telemetry/store_files.ts";
import type { Ends } from "./ends.ts";

export interface MetricSourcesOptions {
  readonly config: Config;
  readonly store: OpenedStore;
  readonly state: State;
  readonly backlogs: Backlogs;
  readonly checkpoint: Checkpoint;
  readonly shares: TenantShares;
  readonly feeds: {
    readonly output: JournalOutputFeed | null;
    readonly storage: JournalStorageFeed | null;
  };
  readonly ends: Ends;
  /** Made later than the metrics are, which they are given. */
  readonly health: () => EngineHealth;
  readonly ingest: () => Ingest;
  readonly disk: () => LowDisk;
  readonly stream: StreamReaders;
  readonly now: () => number;
}

export function metricSources(options: MetricSourcesOptions): MetricSources {
  const { config, store, state, backlogs, checkpoint, health, ingest, disk, now } = options;
  const { output, storage } = options.feeds;
  const { stream } = options;
  const { source, outputSink, storageSink, deadLetterTopic } = options.ends;
  return {
    counters: () => state.counters,
    lag: () => source?.lag() ?? new Map(),
    group: () => source?.counts() ?? { joins: 0, olderFolder: 0, remade: 0, stopped: 0 },
    jumps: () => store.jumps(),
    skippedRecords: () => store.skippedRecords(),
    backlog: () => [
      ...(output === null ? [] : [{ sink: "output", ...output.backlog() }]),
      ...(storage === null ? [] : [{ sink: "storage", ...storage.backlog() }]),
    ],
    tenantBacklogs: () => options.shares.waiting(),
    backlogLimits: () => backlogs.limits().map(({ sink, limits }) => ({ sink, ...limits })),
    resultsDropped: () => Object.entries(store.resultsDropped()),
    health,
    journal: () => store.journal.size(),
    letters: () => store.letters.counts(),
    anomalies: () => store.anomalies.counts(),
    stream: () => ({ readers: stream.size, clinging: stream.clinging, ...stream.counts() }),
    fleet: () => state.engine.fleet,
    checkpointAge: () => checkpoint.ageSeconds,
    connections: () => [
      ...(source === null ? [] : [["source", source.state()] as const]),
      ...(outputSink === null ? [] : [["output", outputSink.state()] as const]),
      ...(storageSink === null ? [] : [["storage", storageSink.state()] as const]),
      ...(deadLetterTopic === null ? [] : [["dead_letters", deadLetterTopic.state()] as const]),
    ],
    pauses: () => ({
      backlogFull: ingest().backlogFull,
      storeUnavailable: ingest().unavailableSince > 0 || disk().check() !== undefined,
    }),
    stages: () => ({ ...ingest().stages }),
    files: () => ({ ...storeFiles(config.dataDir), ...store.fileState() }),
    now,
  };
}
