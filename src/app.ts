/** The composition root, with its pieces in `app/`: what knows every part; the order of start and stop. */
import { ulid } from "../deps.ts";
import { createTenantShares } from "./app/tenant_shares.ts";
import { createEnds } from "./app/ends.ts";
import { followBatches } from "./app/following.ts";
import { listening } from "./app/listening.ts";
import { createLists } from "./app/lists.ts";
import { createLiveResults } from "./app/live_results.ts";
import { watchHeap } from "./app/heap_watch.ts";
import { metricSources } from "./app/metric_sources.ts";
import { TlsWatch } from "./app/tls_watch.ts";
import { backlogLimits } from "./config/backlog_settings.ts";
import { type Config, outputDelivery } from "./config/config.ts";
import type { WatchedFiles } from "./config/files.ts";
import { TenantsFile } from "./config/tenants_file.ts";
import { type Api, createApi } from "./http/api.ts";
import { type Door, openDoor } from "./http/door.ts";
import { type KafkaClient, platformaticClient } from "./kafka/client.ts";
import { Backlogs } from "./pipeline/backlogs.ts";
import { Checkpoint } from "./pipeline/checkpoint.ts";
import { EngineHealth } from "./pipeline/health.ts";
import { Ingest, type StageTimes } from "./pipeline/ingest.ts";
import { JournalIds } from "./pipeline/journal_ids.ts";
import { engineReplayer, LetterDesk } from "./pipeline/letter_desk.ts";
import { MarkedLetters } from "./pipeline/marked_letters.ts";
import { JournalOutputFeed } from "./pipeline/output_feed.ts";
import { LowDisk } from "./pipeline/low_disk.ts";
import { type Log, StoreDamaged, StoreUnavailable } from "./pipeline/ports.ts";
import { settleRemovedSinks } from "./pipeline/removed_sinks.ts";
import { RowPool } from "./pipeline/row_pool.ts";
import { State } from "./pipeline/state.ts";
import { StateStatistics } from "./pipeline/statistics.ts";
import { TenantSettingsReload } from "./pipeline/tenants_reload.ts";
import { JournalStorageFeed } from "./pipeline/storage_feed.ts";
import { type OpenedStore, openStore } from "./store/open.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { seldom } from "./telemetry/seldom.ts";
import type { Tracing } from "./telemetry/tracing/tracing.ts";

/** Rows in memory for a sink; the ingest waits for a healthy output topic before this is reached. */
const OUTPUT_MEMORY_BYTES = 40_000_000;
const STORAGE_MEMORY_BYTES = 8_000_000;
/** All HTTP bodies in hand at the same time may take so many times what a single one may. */
const BODIES_AT_ONCE = 4;
/** How often cursors and checkpoints are looked after while no batch does it. */
const MAINTENANCE_MS = 250;
/** Everything is closed after so much time, finished or not: the 10 s promised, less what ends the process. */
const STOP_MS = 9_000;
/** Kept from a dead sink's share, so that the group is left and HTTP closed all the same. */
const LEAVE_MS = 1_500;
/** Readers of the stream get the last results within so long. */
const STREAM_END_MS = 1_000;

export interface EngineOptions {
  readonly config: Config;
  /** The tenants' file is read from here again when it changes. */
  readonly files: WatchedFiles;
  readonly log: Log;
  readonly version: string;
  /** By `loadKafkaClient`. */
  readonly client: KafkaClient;
  /** By `loadTracing`; null: nothing is traced. */
  readonly tracing: Tracing | null;
}

/** A running engine. */
export interface RunningEngine {
  /** `http://host:port` of the API. */
  readonly address: string;
  /** Settles when the engine can't go on by itself: with the reason. */
  readonly failed: Promise<unknown>;
  /** Why only a new start may help, as `/health/live` says it; undefined: it is alive. */
  failure(): string | undefined;
  /** Reads the tenants' file again; the log says what came of it. */
  reload(): void;
  /** Stops in order, within 10 s. True: everything was written and closed. */
  stop(): Promise<boolean>;
}

/** kafkajs is loaded only where it is asked for: it would cost every other engine memory and time. */
export async function loadKafkaClient({ kafkaClient }: Config): Promise<KafkaClient> {
  if (kafkaClient === "platformatic") return platformaticClient;
  const { kafkajsClient } = await import("./kafka/kafkajs/client.ts");
  return kafkajsClient;
}

/**
 * Starts everything, at this door if it is open already. Throws where the data folder, the address or the
 * settings don't allow it, `StoreUnavailable` where the disk is full or the file locked: that may pass.
 */
export function startEngine(options: EngineOptions, door?: Door): RunningEngine {
  const { config, log } = options;
  const now = () => Date.now();
  for (let mended = false;; mended = true) {
    const damaged = Promise.withResolvers<StoreDamaged>();
    const store = openStore({
      dir: config.dataDir,
      log,
      now,
      deadLetters: {
        maxCount: config.deadLettersMaxCount,
        maxBytes: config.deadLettersMaxBytes,
        maxAgeMs: config.deadLettersMaxAge * 86_400_000,
      },
      anomalies: {
        maxCount: config.anomaliesMaxCount,
        maxAgeMs: config.anomaliesMaxAge * 86_400_000,
      },
      damagedStart: config.damagedStart,
      onDamage: damaged.resolve,
    });
    try {
      return assemble({ ...options, store, now, damaged: damaged.promise, door });
    } catch (error) {
      store.close();
      // Opened again the file is set aside; once must be enough.
      if (!(error instanceof StoreDamaged) || mended) throw error;
    }
  }
}

function assemble(
  parts: EngineOptions & {
    store: OpenedStore;
    now: () => number;
    damaged: Promise<StoreDamaged>;
    /** Where it is open already. */
    door?: Door;
  },
): RunningEngine {
  const { config, files, log, version, store, now, client, tracing } = parts;
  const hasOutput = config.kafkaEnabled && config.outputTopic !== "";
  const hasStorage = config.storageUrl !== "";
  // For how long things last: a clock that is set back by an hour must not make anything wait for one.
  const elapsed = () => performance.timeOrigin + performance.now();
  const outputTopic = hasOutput ? config.outputTopic : "";
  settleRemovedSinks({ store, log, outputTopic, hasStorage, discard: config.discardBacklog });

  const pool = new RowPool();
  const { maxReadings, fleetMaxBytes: maxBytes } = config;
  const tenants = new TenantsFile(config.tenantsFile, {
    files,
    tenants: config.tenants,
    address: config,
  });
  const { settings } = tenants;
  const backlogRoom = (tenant: string, share: number) => shares.room(tenant, share);
  const fleet = { maxReadings, maxBytes, settings, backlogRoom };
  const state = new State({ store, pool, log, now, fleet });
  const ids = new JournalIds(store.journal.lastId());
  const live = createLiveResults({ config, store, state, log, elapsed });
  const output = hasOutput
    ? new JournalOutputFeed({ store, ids, pool, log, now, memoryBytes: OUTPUT_MEMORY_BYTES })
    : null;
  const storage = hasStorage
    ? new JournalStorageFeed({ store, pool, memoryBytes: STORAGE_MEMORY_BYTES })
    : null;
  const checkpoint = new Checkpoint(state, {
    durableId: store.journal.checkpoint(),
    now: elapsed,
    observe: (seconds) => metrics.checkpointed(seconds),
  });
  const backlogs = new Backlogs({
    store,
    checkpoint,
    sinks: [output, storage].filter((feed) => feed !== null)
      .map((feed) => ({ feed, limits: backlogLimits(config, feed.gaps.sink) })),
    log,
    now,
  });
  const shares = createTenantShares({ store, backlogs, output, storage });
  const lifecycle = { running: true, startedAt: now() };

  const { source, outputSink, storageSink, deadLetterTopic } = createEnds({
    config,
    client,
    store,
    output,
    storage,
    log,
    now,
    elapsed,
    observe: (event, count) => metrics.output(event, count),
    tracing,
  });

  const promise = {
    client: config.kafkaClient,
    guarantee: outputDelivery(config.kafkaClient),
  } as const;
  const metrics = new Metrics({
    version,
    output: hasOutput ? promise : undefined,
    sources: metricSources({
      config,
      store,
      state,
      backlogs,
      checkpoint,
      shares,
      feeds: { output, storage },
      ends: { source, outputSink, storageSink, deadLetterTopic },
      stream: live.readers,
      health: () => health,
      ingest: () => ingest,
      disk: () => disk,
      now,
    }),
  });
  const quotaLog = seldom(log, { now });
  const disk = new LowDisk(() => store.lowDisk(), log);
  const ingest = new Ingest({
    state,
    ids,
    pool,
    checkpoint,
    output,
    storage,
    backlogs,
    shares,
    tail: live.tail,
    store,
    source,
    outputHealthy: () => outputSink?.state() === "connected",
    maxReadingBytes: config.maxReadingBytes,
    disk,
    newId: ulid.monotonicFactory(),
    log,
    now,
    follow: followBatches({ config, log, tracing }),
    observe: (tally, transactionMs) => {
      metrics.batch(tally, now());
      metrics.committed(transactionMs / 1000);
      for (const [tenant, readings] of tally.overQuota) {
        quotaLog.warn("a tenant sends more than its quotas allow", {
          tenant,
          readings,
          quota: tally.quotaOf.get(tenant),
          todo: "raise its quotas in the tenants' file, or see what its devices do",
        });
      }
    },
  });

  const reload = config.tenantsFile === "" ? null : new TenantSettingsReload({
    source: tenants,
    reconfigure: (change) => ingest.reconfigure(change),
    log,
    observe: (outcome) => {
      metrics.reloaded(outcome);
      // Who may see what can be another now; those who still may come back by themselves.
      if (outcome === "done") live.readers.endAll();
    },
  });

  const health = new EngineHealth({
    source,
    output: outputSink,
    storage: storageSink,
    ingest,
    backlogs,
    disk,
    lifecycle,
    now: elapsed,
  });
  const letters = new LetterDesk(store, engineReplayer({ ingest, output, storage }));
  const marked = new MarkedLetters(letters, { log, now });
  const { maxReadingBytes, maxBatchBytes } = config;
  const largest = Math.max(maxReadingBytes, maxBatchBytes);
  const api: Api = createApi({
    intake: ingest,
    letters,
    anomalies: store.anomalies,
    statistics: new StateStatistics(state, { store, lifecycle }),
    ...createLists(state, { store, file: tenants, maxReadings, now }),
    health,
    metrics,
    stream: live.readers,
    reload,
    tokens: () => tenants.tenants.tokens,
    metricsPublic: config.metricsPublic,
    limits: { maxReadingBytes, maxBatchBytes, maxTotalBytes: BODIES_AT_ONCE * largest },
    log: seldom(log, { now: elapsed }),
    now: elapsed,
    wallClock: now,
    version,
  });
  const door = parts.door ?? openDoor({ app: api, ...listening(config), log });
  door.answering = api;
  const tls = new TlsWatch(config, { files, door, log });

  source?.start();
  outputSink?.start();
  storageSink?.start();
  const reading = ingest.run();
  const eventLoop = metrics.eventLoopDelay(MAINTENANCE_MS);
  const heap = watchHeap();
  const maintenance = setInterval(() => {
    eventLoop.beat();
    heap?.look(state.engine.fleet.bytes);
    health.look();
    ingest.maintain();
    reload?.look();
    tls.look();
    // While the store refuses writes, that is looked after by the ingest.
    if (ingest.unavailableSince === 0) tidy(store, log);
    deadLetterTopic?.look();
    marked.look();
  }, MAINTENANCE_MS);
  const { address } = door;
  log.info("plumbline is running", {
    address,
    version,
    dataDir: config.dataDir,
    ...(config.mode === "shadow" && { mode: "shadow", group: config.group, outputTopic }),
    ...(hasOutput && { outputDelivery: promise.guarantee, kafkaClient: promise.client }),
  });

  async function stop(): Promise<boolean> {
    lifecycle.running = false;
    const deadline = elapsed() + STOP_MS;
    const left = () => Math.max(0, deadline - elapsed());
    source?.pause();
    // A full backlog or disk would hold the reading for ever: the ingest is told to stop, too.
    await within(left(), Promise.allSettled([reading, ingest.stop()]));
    clearInterval(maintenance);
    const share = Math.max(0, left() - LEAVE_MS);
    const sinks = [outputSink, storageSink, deadLetterTopic];
    const ended = live.readers.close(Math.min(share, STREAM_END_MS));
    await within(share, Promise.all([ended, ...sinks.map((sink) => sink?.close(share))]));
    try {
      ingest.checkpointAll();
    } catch (error) {
      if (!(error instanceof StoreDamaged)) throw error;
    }
    backlogs.close();
    await within(left(), Promise.resolve(source?.close(left())));
    await within(left() + 500, door.close(left()));
    store.close();
    log.info("plumbline has stopped", {
      ...state.counters,
      stages: wholeMilliseconds(ingest.stages),
    });
    return true;
  }
  function reloadBySignal(): void {
    if (reload === null) log.warn("there is nothing to read again: no TENANTS_FILE is set");
    else reload.reload("signal");
  }
  const defect = reading.then(() => new Promise(() => {}), (error) => error);
  return {
    address,
    failed: Promise.race([parts.damaged, defect]),
    failure: () => health.live().values().next().value,
    reload: reloadBySignal,
    stop,
  };
}

function tidy(store: OpenedStore, log: Log): void {
  try {
    store.maintain();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    log.debug("looking after the store's file failed; tried again", { error });
  }
}

function wholeMilliseconds(stages: StageTimes): Record<string, number> {
  return Object.fromEntries(Object.entries(stages).map(([stage, ms]) => [stage, Math.round(ms)]));
}

/** Waits for the work, but not longer. */
async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, milliseconds));
  await Promise.race([work, late]);
  clearTimeout(timer);
}
