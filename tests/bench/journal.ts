/**
 * Engine plus journal without Kafka, in this process: the bench's readings from memory through the real
 * ingest into a real SQLite file, `synchronous=FULL`. The output topic is a stand-in that has every
 * row the moment it is handed out. Prints where the time goes.
 */
import { createLog } from "../../src/telemetry/log.ts";
import { builtInSettings } from "../../src/config/tenants.ts";
import { Backlogs } from "../../src/pipeline/backlogs.ts";
import { Checkpoint } from "../../src/pipeline/checkpoint.ts";
import { Ingest } from "../../src/pipeline/ingest.ts";
import { JournalIds } from "../../src/pipeline/journal_ids.ts";
import { JournalOutputFeed } from "../../src/pipeline/output_feed.ts";
import { type RecordBatch, type RecordSource } from "../../src/pipeline/ports.ts";
import { ResultTail } from "../../src/pipeline/result_tail.ts";
import { RowPool } from "../../src/pipeline/row_pool.ts";
import { State } from "../../src/pipeline/state.ts";
import { openStore } from "../../src/store/open.ts";
import { tempFolder } from "../harness/temp.ts";
import { messageOf, PARTITIONS } from "./load.ts";
import type { Figures } from "./table.ts";

/** Readings of a fetch: four partitions of 1 MiB. */
const FETCH = 28_000;

export async function measureJournal(readings: number): Promise<Figures> {
  using folder = tempFolder("bench-journal-");
  const fetches = prepare(readings);
  const log = createLog({
    level: "warn",
    write: (line) => console.log(line),
    now: () => Date.now(),
  });
  const now = () => Date.now();
  const store = openStore({ dir: folder.path, log, now });
  const pool = new RowPool();
  const state = new State({
    store,
    pool,
    log,
    now,
    fleet: { maxReadings: 100, maxBytes: 256 * 1024 ** 2, settings: () => builtInSettings },
  });
  const ids = new JournalIds(0);
  const output = new JournalOutputFeed({ store, ids, pool, log, now, memoryBytes: 40e6 });
  output.open({ topicId: "bench", partitions: PARTITIONS });
  output.onRows(() => {
    for (let lane = 0; lane < PARTITIONS; lane++) {
      for (let row = output.take(lane); row !== undefined; row = output.take(lane)) {
        output.acknowledge(lane, row.baseSequence + row.count, -1);
      }
    }
  });
  for (const source of sourcesOf(fetches)) store.positions.jump(source, 0, "first start");
  const checkpoint = new Checkpoint(state, { durableId: 0, now });
  const limits = { maxBytes: 4 * 1024 ** 3, maxAgeMs: Infinity, policy: "block" as const };
  const ingest = new Ingest({
    state,
    ids,
    pool,
    checkpoint,
    output,
    storage: null,
    backlogs: new Backlogs({ store, checkpoint, sinks: [{ feed: output, limits }], log, now }),
    tail: new ResultTail({ store, results: () => state.counters.results, now }),
    store,
    source: sourceOver(fetches),
    outputHealthy: () => true,
    maxReadingBytes: 1024 ** 2,
    newId: () => "",
    log,
    now,
    observe: () => {},
  });
  const started = performance.now();
  await ingest.run();
  const took = performance.now() - started;
  const { read } = store.counters();
  store.close();
  if (read !== readings) {
    throw new Error(`Measure the journal: read ${read} of ${readings} readings`);
  }
  return {
    "readings/s": readings / took * 1000,
    "apply ns/reading": ingest.stages.apply / readings * 1e6,
    "insert ns/reading": ingest.stages.insert / readings * 1e6,
    "commit ns/reading": ingest.stages.commit / readings * 1e6,
  };
}

/** Fetches as Kafka would give them, each partition's records behind one another in one buffer. */
function prepare(readings: number): RecordBatch[][] {
  const next = new Array<number>(PARTITIONS).fill(0);
  const fetches: RecordBatch[][] = [];
  for (let from = 0; from < readings; from += FETCH) {
    const values: Uint8Array[][] = Array.from({ length: PARTITIONS }, () => []);
    for (let i = from; i < Math.min(readings, from + FETCH); i++) {
      const { partition, value } = messageOf(i, { topic: "bench-in" });
      values[partition].push(value);
    }
    fetches.push(values.map((records, partition) => {
      const asked = next[partition];
      next[partition] += records.length;
      return batchOf(records, { partition, asked });
    }));
  }
  return fetches;
}

function batchOf(
  records: readonly Uint8Array[],
  at: { partition: number; asked: number },
): RecordBatch {
  const { partition, asked } = at;
  const arrival = Date.now();
  return {
    source: { clusterId: "bench", topicId: "bench", topic: "bench-in", partition },
    epoch: 1,
    idPrefix: `bench-in-${partition}-`,
    asked,
    end: asked + records.length,
    length: records.length,
    offset: (i) => asked + i,
    timestamp: () => arrival,
    buffer: (i) => records[i],
    valueStart: () => 0,
    valueEnd: (i) => records[i].length,
  };
}

function sourcesOf(fetches: readonly RecordBatch[][]) {
  return fetches[0].map((batch) => batch.source);
}

/** A stand-in for Kafka: hands out what was prepared. */
function sourceOver(fetches: RecordBatch[][]): RecordSource {
  const left = fetches.slice();
  return {
    start: () => {},
    next: () => Promise.resolve(left.shift() ?? null),
    owns: () => true,
    committed: () => {},
    reset: () => {},
    state: () => "connected",
    stopped: () => undefined,
    lag: () => new Map(),
    pause: () => {},
    close: () => Promise.resolve(),
  };
}
