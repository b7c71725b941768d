/** Things to write into a store. */
import type {
  Counters,
  DeviceState,
  JournalRow,
  LaneState,
  Log,
  PartitionRef,
  SeriesState,
} from "../../src/pipeline/ports.ts";
import { openStore } from "../../src/store/open.ts";

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

export const SOURCE: PartitionRef = {
  clusterId: "cluster",
  topicId: "topic-id",
  topic: "readings",
  partition: 3,
};

/** A clock that stands still. */
export function now(): number {
  return 1_700_000_000_000;
}

/** Anomalies that these stores keep. */
export const MAX_ANOMALIES = 300;

export function open(dir: string) {
  return openStore({
    dir,
    log: SILENT,
    now,
    anomalies: { maxCount: MAX_ANOMALIES, maxAgeMs: Infinity },
  });
}

export function row(id: number, fields: Partial<JournalRow> = {}): JournalRow {
  const body = new Uint8Array(100).fill(id);
  return { id, lane: 0, lanes: 4, count: 10, time: now(), baseSequence: 0, body, ...fields };
}

export function lane(number: number, fields: Partial<LaneState> = {}): LaneState {
  return {
    lane: number,
    topicId: "out",
    producerId: -1n,
    producerEpoch: -1,
    acknowledged: 0,
    end: 0,
    lastOffset: -1,
    ...fields,
  };
}

export function series(seed: number): SeriesState {
  return {
    count: seed,
    sum: seed * 1.5,
    min: seed === 0 ? null : -seed,
    max: seed === 0 ? null : seed,
    exact: new Uint8Array([1, seed & 255]),
    window: new Uint8Array(40).fill(seed),
  };
}

export function device(name: string, fields: Partial<DeviceState> = {}): DeviceState {
  return {
    tenant: "default",
    device: name,
    lastSeen: "2024-01-01T00:00:00Z",
    lastSeenMs: 1_704_067_200_000,
    results: 2,
    lastProcessed: 1_704_067_201_000,
    lastScore: 1.5,
    journalId: 1,
    temperature: series(2),
    humidity: series(0),
    metrics: [],
    ...fields,
  };
}

export function counts(fields: Partial<Counters> = {}): Counters {
  return {
    read: 0,
    results: 0,
    sampledOut: 0,
    rejected: 0,
    dropped: 0,
    passedOn: 0,
    ...fields,
  };
}
