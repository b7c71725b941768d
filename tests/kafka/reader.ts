/**
 * A source at work for tests: a real store in a folder of its own, and the pipeline's loop without the
 * engine. Each fetch is one transaction that moves the positions; what was read is kept in memory.
 */
import { createKafkaSource, type KafkaSource } from "../../src/kafka/source.ts";
import type { OutOfRangePolicy } from "../../src/kafka/out_of_range.ts";
import type { Log, RecordBatch, Store, StoreReports } from "../../src/pipeline/ports.ts";
import { openStore } from "../../src/store/open.ts";
import type { KafkaClient } from "../../src/kafka/client.ts";
import type { ClusterSecurity } from "../../src/kafka/connection_options.ts";
import { broker, createTopic, produce, topicName } from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { clientInUse } from "./client_in_use.ts";

export interface ReadRecord {
  id: string;
  partition: number;
  offset: number;
  timestamp: number;
  /** null: a tombstone. */
  value: string | null;
}

export interface LogLine {
  level: keyof Log;
  message: string;
  fields: Record<string, unknown>;
}

export interface ReaderOptions {
  topic: string;
  group: string;
  /** The data folder. */
  dir: string;
  bootstrap?: string;
  /** The one in use unless told. */
  client?: KafkaClient;
  security?: ClusterSecurity;
  isolation?: "read_committed" | "read_uncommitted";
  topicLookMs?: number;
  outOfRange?: OutOfRangePolicy;
  stallMs?: number;
  /** Default: `Date.now`. */
  now?: () => number;
  /** False: `source.start()` is left to the test. Default: true. */
  starts?: boolean;
  /** Called between `next()` and the transaction. */
  beforeCommit?: (batches: readonly RecordBatch[]) => void | Promise<void>;
}

/** Shared by all readers: what a test waits for may take several of them. */
const waiting = new Set<() => void>();

/** What readers wait for may have come from elsewhere. */
export function wakeReaders(): void {
  for (const look of waiting) look();
}

export class Reader implements AsyncDisposable {
  readonly source: KafkaSource;
  readonly store: Store & StoreReports;
  readonly records: ReadRecord[] = [];
  /** Every batch that was committed, empty ones too. */
  readonly batches: RecordBatch[] = [];
  readonly log: LogLine[] = [];
  readonly #options: ReaderOptions;
  readonly #loop: Promise<void>;
  #closed = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
    const log = this.#collect();
    this.store = openStore({ dir: options.dir, log, now: Date.now });
    this.source = createKafkaSource({
      brokers: (options.bootstrap ?? broker()).split(","),
      clientId: "reader",
      client: (options.client ?? clientInUse()).source,
      security: options.security,
      group: options.group,
      topic: options.topic,
      positions: this.store.positions,
      isolation: options.isolation,
      topicLookMs: options.topicLookMs,
      outOfRange: options.outOfRange,
      stallMs: options.stallMs,
      log,
      now: options.now ?? Date.now,
      wallClock: options.now ?? Date.now,
    });
    if (options.starts ?? true) this.source.start();
    this.#loop = this.#run();
  }

  values(partition?: number): (string | null)[] {
    return this.records.filter((record) =>
      partition === undefined || record.partition === partition
    )
      .map((record) => record.value);
  }

  /** Resolves when `holds` does; it is asked again after every commit and log line of any reader. */
  async until(what: string, holds: () => boolean, timeoutMs = 30_000): Promise<void> {
    if (holds()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => holds() && resolve();
    const late = setTimeout(() => {
      const lines = this.log.map((line) => JSON.stringify(line)).join("\n");
      reject(
        new Error(`${what}: not within ${timeoutMs} ms; ${this.records.length} read\n${lines}`),
      );
    }, timeoutMs);
    waiting.add(look);
    try {
      await promise;
    } finally {
      clearTimeout(late);
      waiting.delete(look);
    }
  }

  async untilRead(count: number, timeoutMs?: number): Promise<void> {
    await this.until(`${count} records`, () => this.records.length >= count, timeoutMs);
  }

  logged(text: string): LogLine[] {
    return this.log.filter((line) => line.message.includes(text));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.source.pause();
    await this.#loop;
    await this.source.close(10_000);
    this.store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    for (;;) {
      const batches = await this.source.next();
      if (batches === null) return;
      await this.#options.beforeCommit?.(batches);
      const ours = batches.filter((batch) => this.source.owns(batch));
      const moved = this.store.transact((tx) =>
        ours.every((batch) => tx.advance(batch.source, batch.asked, batch.end))
      );
      if (!moved) {
        this.source.reset();
        continue;
      }
      for (const batch of ours) this.#keep(batch);
      this.source.committed(ours);
      wakeReaders();
    }
  }

  #keep(batch: RecordBatch): void {
    this.batches.push(batch);
    for (let i = 0; i < batch.length; i++) {
      const start = batch.valueStart(i);
      const bytes = batch.buffer(i).subarray(Math.max(0, start), batch.valueEnd(i));
      this.records.push({
        id: batch.idPrefix + batch.offset(i),
        partition: batch.source.partition,
        offset: batch.offset(i),
        timestamp: batch.timestamp(i),
        value: start < 0 ? null : new TextDecoder().decode(bytes),
      });
    }
  }

  #collect(): Log {
    const line = (level: keyof Log) => (message: string, fields: Record<string, unknown> = {}) => {
      this.log.push({ level, message, fields });
      wakeReaders();
    };
    return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  }
}

/** Waits for the group coordinator, which a broker that has just started doesn't have: a group of its own reads a record. */
export async function coordinatorAnswers(): Promise<void> {
  using folder = tempFolder();
  const topic = await createTopic({ name: topicName("warm") });
  await produce(topic, [{ value: "0" }]);
  await using reader = new Reader({ topic, group: topic, dir: folder.path });
  await reader.untilRead(1);
}
