/** An ingest over a topic in memory, and what to look at. */
import assert from "node:assert/strict";
import { decodeRecords, textOf } from "../core/record_twin.ts";
import { tempFolder } from "../harness/temp.ts";
import { InputTopic, LogSource } from "./log_source.ts";
import { type Node, type NodeOptions, startNode } from "./node.ts";

export const encoder = new TextEncoder();
export const START = 1_770_000_000_000;

export function reading(device: string, temperature: number): Uint8Array {
  return encoder.encode(JSON.stringify({ device_id: device, temperature, humidity: 50 }));
}

export function topicOf(partitions: number, records: number): InputTopic {
  const topic = new InputTopic(partitions);
  for (let i = 0; i < records; i++) {
    topic.partitions[i % partitions].push(reading(`d${i % 5}`, i));
  }
  return topic;
}

/** A node with a source over this topic, in a folder of its own. */
export function rig(
  topic: InputTopic,
  { fetchSize, after, ...options }: Partial<NodeOptions> & {
    fetchSize?: number;
    /** A rig that is over: its folder is taken on. */
    after?: { crash(): void; readonly dir: string };
  } = {},
) {
  after?.crash();
  const folder = after === undefined ? tempFolder() : undefined;
  const dir = after?.dir ?? folder!.path;
  let source!: LogSource;
  const node = startNode({
    dir,
    clock: { time: START },
    ...options,
    source: (store) => source = new LogSource(topic, { store, fetchSize: () => fetchSize ?? 4 }),
  });
  return {
    ...node,
    dir,
    source,
    [Symbol.dispose]() {
      node.crash();
      folder?.[Symbol.dispose]();
    },
  };
}

/** What stands in the journal, in order. */
export function journalled(node: Pick<Node, "store">): string[] {
  return node.store.journal.resultRows(0, Infinity).flatMap((row) =>
    decodeRecords(row).map(({ value }) => textOf(value))
  );
}

export function idsOf(node: Pick<Node, "store">): number[] {
  return node.store.journal.resultRows(0, Infinity).map(({ id }) => id);
}

/** Ids and values of what a topic makes, partition by partition. */
export function idsIn(topic: InputTopic): string[] {
  return topic.partitions.flatMap((values, partition) =>
    values.map((_, offset) => `in-${partition}-${offset}`)
  );
}

export function resultIds(node: Pick<Node, "store">): string[] {
  return journalled(node).map((value) => JSON.parse(value).id);
}

/** Invariant 5, and that memory knows what the store knows. */
export function assertCounted(
  node: Pick<Node, "store" | "state">,
  counts: {
    read: number;
    results?: number;
    rejected?: number;
    sampledOut?: number;
    dropped?: number;
  },
): void {
  const { read, results = read, rejected = 0, sampledOut = 0, dropped = 0 } = counts;
  const all = { read, results, rejected, sampledOut, dropped, passedOn: 0 };
  assert.deepEqual(node.store.counters(), all);
  assert.deepEqual(node.state.counters, all);
}
