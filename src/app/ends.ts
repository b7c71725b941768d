/** Both ends of the road: where readings come from, and where results and dead letters go. */
import type { Config } from "../config/config.ts";
import type { KafkaClient } from "../kafka/client.ts";
import { DeadLetterTopic } from "../kafka/dead_letter_topic.ts";
import { createKafkaSource, type KafkaSource } from "../kafka/source.ts";
import { settleLetterCopy, StoreLetterCopyFeed } from "../pipeline/letter_copy.ts";
import type { JournalOutputFeed } from "../pipeline/output_feed.ts";
import type { Log, Sink } from "../pipeline/ports.ts";
import type { JournalStorageFeed } from "../pipeline/storage_feed.ts";
import { createStorageSink } from "../storage_service/sink.ts";
import type { OpenedStore } from "../store/open.ts";
import type { OutputEvent } from "../telemetry/metrics.ts";
import type { Tracing } from "../telemetry/tracing/tracing.ts";

/** null: it isn't configured. */
export interface Ends {
  readonly source: KafkaSource | null;
  readonly outputSink: Sink | null;
  readonly storageSink: Sink | null;
  readonly deadLetterTopic: DeadLetterTopic | null;
}

export interface EndsOptions {
  readonly config: Config;
  readonly client: KafkaClient;
  readonly store: OpenedStore;
  readonly output: JournalOutputFeed | null;
  readonly storage: JournalStorageFeed | null;
  readonly log: Log;
  /** ms since 1970, as the machine's clock is set. */
  readonly now: () => number;
  /** ms by a clock that can't be set back. */
  readonly elapsed: () => number;
  readonly observe: (event: OutputEvent, count: number) => void;
  readonly tracing: Tracing | null;
}

/** None of them is started. */
export function createEnds(options: EndsOptions): Ends {
  const { config, client, store, output, storage, log, now, elapsed, tracing } = options;
  const random = () => Math.random();
  const { brokers, kafkaSecurity: security } = config;
  const kafka = { brokers, security, clientId: "plumbline", log, now: elapsed };
  const source: KafkaSource | null = config.kafkaEnabled
    ? createKafkaSource({
      ...kafka,
      wallClock: now,
      client: client.source,
      group: config.group,
      topic: config.inputTopic,
      positions: store.positions,
      outOfRange: config.outOfRange,
    })
    : null;
  const outputSink: Sink | null = output === null ? null : client.createOutput({
    ...kafka,
    topic: config.outputTopic,
    feed: tracing?.output(output, config.outputTopic) ?? output,
    random,
    observe: options.observe,
  });
  const storageSink: Sink | null = storage === null ? null : createStorageSink({
    url: config.storageUrl,
    feed: storage,
    concurrency: config.storageConcurrency,
    timeoutMs: config.storageTimeoutMs,
    log,
    now: elapsed,
    random,
    trace: tracing?.post,
  });

  const hasCopy = config.kafkaEnabled && config.deadLetterTopic !== "";
  settleLetterCopy(store, { on: hasCopy });
  const deadLetterTopic = hasCopy
    ? new DeadLetterTopic({
      ...kafka,
      topic: config.deadLetterTopic,
      feed: new StoreLetterCopyFeed(store),
      random,
    })
    : null;

  return { source, outputSink, storageSink, deadLetterTopic };
}
