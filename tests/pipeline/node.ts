/**
 * An engine as the program puts it together, over a real store, without Kafka and HTTP. `crash` ends it
 * as SIGKILL would: what was committed is there, nothing else.
 */
import { createTenantShares } from "../../src/app/tenant_shares.ts";
import { type DeviceState } from "../../src/core/device.ts";
import { type TenantSettings } from "../../src/core/tenant.ts";
import { Backlogs } from "../../src/pipeline/backlogs.ts";
import { Checkpoint } from "../../src/pipeline/checkpoint.ts";
import { Ingest } from "../../src/pipeline/ingest.ts";
import { engineReplayer, LetterDesk } from "../../src/pipeline/letter_desk.ts";
import { JournalIds } from "../../src/pipeline/journal_ids.ts";
import { JournalOutputFeed } from "../../src/pipeline/output_feed.ts";
import { type Log, type RecordSource, type Store } from "../../src/pipeline/ports.ts";
import { ResultTail } from "../../src/pipeline/result_tail.ts";
import { RowPool } from "../../src/pipeline/row_pool.ts";
import { State } from "../../src/pipeline/state.ts";
import { type BacklogLimits } from "../../src/pipeline/sink_backlog.ts";
import { JournalStorageFeed } from "../../src/pipeline/storage_feed.ts";
import { openStore } from "../../src/store/open.ts";
import { PARITY } from "../core/result_twin.ts";
import { SILENT } from "../store/samples.ts";
import { FaultyStore } from "./faulty_store.ts";

export interface NodeOptions {
  dir: string;
  clock: { time: number };
  settings?: (tenant: string) => TenantSettings | undefined;
  maxReadings?: number;
  maxFleetBytes?: number;
  memoryBytes?: number;
  /** Of rows that are kept for those who look on. */
  tailBytes?: number;
  maxBacklogBytes?: number;
  /** Of one sink; `maxBacklogBytes` and "block" hold unless told. */
  limits?: { output?: Partial<BacklogLimits>; storage?: Partial<BacklogLimits> };
  maxReadingBytes?: number;
  output?: boolean;
  storage?: boolean;
  outputHealthy?: () => boolean;
  checkpointed?: (seconds: number) => void;
  log?: Log;
  /** Of submitted readings; different ones in every node unless told. */
  newId?: () => string;
  /** Made once the store is open. */
  source?: (store: Store) => RecordSource;
}

export type Node = ReturnType<typeof startNode>;

let submitted = 0;

export function startNode(options: NodeOptions) {
  const { dir, clock, settings = () => PARITY, output: hasOutput = true } = options;
  const { maxReadings = 4, maxFleetBytes = 1e9, memoryBytes = 1e9 } = options;
  const now = () => clock.time;
  const { log = SILENT } = options;
  const real = openStore({ dir, log, now });
  const store = new FaultyStore(real);
  const pool = new RowPool();
  const backlogRoom = (tenant: string, share: number) => shares.room(tenant, share);
  const fleet = { maxReadings, maxBytes: maxFleetBytes, settings, backlogRoom };
  const state = new State({ store, pool, log, now, fleet });
  const ids = new JournalIds(store.journal.lastId());
  const tail = new ResultTail({
    store,
    results: () => state.counters.results,
    now,
    memoryBytes: options.tailBytes,
  });
  const output = hasOutput
    ? new JournalOutputFeed({ store, ids, pool, log, now, memoryBytes })
    : null;
  const storage = options.storage ? new JournalStorageFeed({ store, pool, memoryBytes }) : null;
  const checkpoint = new Checkpoint(state, {
    durableId: store.journal.checkpoint(),
    now,
    observe: options.checkpointed,
  });
  const { maxBacklogBytes: maxBytes = Infinity, limits = {} } = options;
  const backlogs = new Backlogs({
    store,
    checkpoint,
    sinks: [output, storage].filter((feed) => feed !== null).map((feed) => ({
      feed,
      limits: { maxBytes, maxAgeMs: Infinity, policy: "block", ...limits[feed.gaps.sink] },
    })),
    log,
    now,
  });
  const shares = createTenantShares({ store, backlogs, output, storage });
  const source = options.source?.(store) ?? null;
  const ingest = new Ingest({
    state,
    ids,
    pool,
    checkpoint,
    output,
    storage,
    backlogs,
    shares,
    tail,
    store,
    source,
    outputHealthy: options.outputHealthy ?? (() => true),
    maxReadingBytes: options.maxReadingBytes ?? 1e6,
    retryMs: 1,
    newId: options.newId ?? (() => `submitted-${submitted++}`),
    log,
    now,
    observe: () => {},
  });
  const letters = new LetterDesk(store, engineReplayer({ ingest, output, storage }));

  return {
    store,
    letters,
    state,
    ids,
    pool,
    output,
    storage,
    checkpoint,
    backlogs,
    tail,
    ingest,
    /** A device as it is now, wherever it rests; the journal id says nothing about the device. */
    device(tenant: string, device: string): DeviceState | undefined {
      const found = state.engine.fleet.inMemory(tenant, device)?.toState(0) ??
        real.devices.load(tenant, device);
      return found && { ...found, journalId: 0 };
    },
    dropped() {
      return real.resultsDropped();
    },
    totals() {
      return state.engine.totals.toState(0);
    },
    crash(): void {
      real.close();
    },
    stop(): void {
      ingest.checkpointAll();
      real.close();
    },
  };
}
