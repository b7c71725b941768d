/** A sink under test, with its log and its counts, and the check of what arrived in its topic. */
import assert from "node:assert/strict";
import type { OutputFeed } from "../../src/pipeline/ports.ts";
import type { KafkaClient } from "../../src/kafka/client.ts";
import type { ClusterSecurity } from "../../src/kafka/connection_options.ts";
import { broker, readTopic } from "../harness/kafka.ts";
import { clientInUse } from "./client_in_use.ts";
import { type LogLine, memoryLog } from "./memory_log.ts";

/** `await using`: the sink is closed at the end of the block. */
export function startSink(
  feed: OutputFeed,
  { topic, bootstrap = broker(), refreshMs, client = clientInUse(), security }: {
    topic: string;
    bootstrap?: string;
    refreshMs?: number;
    /** The one in use unless told. */
    client?: KafkaClient;
    security?: ClusterSecurity;
  },
) {
  const lines: LogLine[] = [];
  const counts = new Map<string, number>();
  const watchers = new Set<() => void>();
  const seen = () => {
    for (const look of [...watchers]) look();
  };
  const sink = client.createOutput({
    brokers: [bootstrap],
    security,
    clientId: "plumbline-test",
    topic,
    feed,
    log: memoryLog(lines, seen),
    now: Date.now,
    random: Math.random,
    refreshMs,
    observe: (event, count) => {
      counts.set(event, (counts.get(event) ?? 0) + count);
      seen();
    },
  });
  sink.start();
  return {
    sink,
    lines,
    count: (event: string) => counts.get(event) ?? 0,
    /** Resolves once `holds`; it is asked after every log line and every count. */
    until: (holds: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!holds()) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    [Symbol.asyncDispose]: () => sink.close(5_000),
  };
}

/** The numbers of the topic's numbered records by partition, in order; each in the lane that it names. */
export async function numbersIn(topic: string, bootstrap?: string): Promise<number[][]> {
  const lanes: number[][] = [];
  for (const { partition, value } of await readTopic(topic, { bootstrap })) {
    const { lane, n } = JSON.parse(value!.toString());
    assert.equal(lane, partition);
    (lanes[lane] ??= []).push(n);
  }
  return lanes;
}

/** No loss, no duplicate, in order: the first `count` numbers, once each, in every lane. */
export async function assertComplete(
  topic: string,
  { lanes, count, bootstrap }: { lanes: number; count: number; bootstrap?: string },
): Promise<void> {
  const expected = Array.from({ length: count }, (_, n) => n);
  const numbers = await numbersIn(topic, bootstrap);
  for (let lane = 0; lane < lanes; lane++) {
    const found = numbers[lane] ?? [];
    const twice = found.length - new Set(found).size;
    const missing = expected.filter((n) => !new Set(found).has(n)).length;
    assert.deepEqual({ lane, twice, missing }, { lane, twice: 0, missing: 0 });
    assert.deepEqual(found, expected, `lane ${lane}: the order`);
  }
}
