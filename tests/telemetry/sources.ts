import { type MetricSources } from "../../src/telemetry/metrics.ts";

/** Of an engine that has done nothing yet. */
export const IDLE: MetricSources = {
  counters: () => ({ read: 0, results: 0, sampledOut: 0, rejected: 0, dropped: 0, passedOn: 0 }),
  lag: () => new Map(),
  group: () => ({ joins: 0, olderFolder: 0, remade: 0, stopped: 0 }),
  jumps: () => new Map(),
  skippedRecords: () => 0,
  backlog: () => [],
  tenantBacklogs: () => [],
  backlogLimits: () => [],
  resultsDropped: () => [],
  health: () => ({ live: () => new Map(), ready: () => new Map() }),
  journal: () => ({ rows: 0, bytes: 0 }),
  letters: () => ({
    kept: [
      { sink: "", count: 0, bytes: 0 },
      { sink: "output", count: 0, bytes: 0 },
      { sink: "storage", count: 0, bytes: 0 },
    ],
    refused: 0,
    dropped: 0,
    replayed: 0,
    discarded: 0,
    copy: { sent: 0, tooLarge: 0, missed: 0, behind: null },
  }),
  anomalies: () => ({ kept: 0, dropped: 0 }),
  stream: () => ({
    readers: 0,
    clinging: 0,
    events: { result: 0, anomaly: 0, gap: 0 },
    dropped: { unread: 0, behind: 0 },
    refused: 0,
  }),
  fleet: () => ({ size: 0, bytes: 0 }),
  checkpointAge: () => 0,
  connections: () => [],
  pauses: () => ({ backlogFull: false, storeUnavailable: false }),
  stages: () => ({}),
  files: () => ({
    database: undefined,
    wal: undefined,
    free: undefined,
    freeBytes: undefined,
    walHeldSeconds: undefined,
  }),
  now: () => 0,
};
