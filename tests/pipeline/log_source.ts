import { type RecordBatch, type RecordSource, type Store } from "../../src/pipeline/ports.ts";

/** A record's value; null: a tombstone. */
export type Value = Uint8Array | null;

/** An input topic: its partitions' records from offset 0 on. */
export class InputTopic {
  readonly partitions: Value[][];
  readonly name: string;

  constructor(partitions: number, name = "in") {
    this.partitions = Array.from({ length: partitions }, () => []);
    this.name = name;
  }

  ref(partition: number) {
    return { clusterId: "cluster", topicId: `${this.name}-id`, topic: this.name, partition };
  }
}

/**
 * A fake of the port RecordSource, as true as it can be without a broker: it reads a topic in memory
 * from the positions in the store, fetches ahead, and starts again from them when it is told to.
 */
export class LogSource implements RecordSource {
  readonly #topic: InputTopic;
  readonly #store: Store;
  readonly #fetchSize: () => number;
  #at: number[] = [];
  #epoch = 1;
  #paused = false;
  #lost = new Set<number>();
  resets = 0;
  /** Ends told to the group, by partition. */
  readonly told = new Map<number, number>();

  /** `fetchSize`: records of each partition in a fetch. */
  constructor(topic: InputTopic, of: { store: Store; fetchSize?: () => number }) {
    this.#topic = topic;
    this.#store = of.store;
    this.#fetchSize = of.fetchSize ?? (() => Infinity);
    topic.partitions.forEach((_, partition) => {
      const ref = topic.ref(partition);
      if (of.store.positions.next(ref) === undefined) {
        of.store.positions.jump(ref, 0, "first start");
      }
    });
    this.#seek();
  }

  start(): void {}

  /** null when everything was read: the tests read to the end. */
  next(): Promise<RecordBatch[] | null> {
    const batches: RecordBatch[] = [];
    if (this.#paused) return Promise.resolve(null);
    this.#topic.partitions.forEach((values, partition) => {
      const asked = this.#at[partition];
      const records = values.slice(asked, asked + this.#fetchSize());
      if (records.length === 0 || this.#lost.has(partition)) return;
      this.#at[partition] += records.length;
      batches.push(batchOf(records, { topic: this.#topic, partition, asked, epoch: this.#epoch }));
    });
    return Promise.resolve(batches.length === 0 ? null : batches);
  }

  owns(batch: RecordBatch): boolean {
    return batch.epoch === this.#epoch && !this.#lost.has(batch.source.partition);
  }

  committed(batches: readonly RecordBatch[]): void {
    for (const { source, end } of batches) this.told.set(source.partition, end);
  }

  reset(): void {
    this.resets++;
    this.#seek();
  }

  /** Another member takes the partition. */
  lose(partition: number): void {
    this.#epoch++;
    this.#lost.add(partition);
  }

  /** It comes back. */
  regain(partition: number): void {
    this.#epoch++;
    this.#lost.delete(partition);
    this.#seek();
  }

  stopped(): undefined {
    return undefined;
  }

  state() {
    return "connected" as const;
  }

  lag() {
    return new Map<number, number>();
  }

  pause(): void {
    this.#paused = true;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #seek(): void {
    this.#at = this.#topic.partitions.map((_, partition) =>
      this.#store.positions.next(this.#topic.ref(partition))!
    );
  }
}

/** One partition's share of a fetch; `end` beyond the records: control records follow them. */
export function batchOf(
  values: readonly Value[],
  at: { topic: InputTopic; partition: number; asked: number; epoch?: number; end?: number },
): RecordBatch {
  const { topic, partition, asked, epoch = 1, end = asked + values.length } = at;
  // The values stand somewhere in a larger buffer, as in a fetch.
  const padded = values.map((value) => {
    const bytes = new Uint8Array((value?.length ?? 0) + 20).fill(0x2c);
    if (value !== null) bytes.set(value, 7);
    return bytes;
  });
  return {
    source: topic.ref(partition),
    epoch,
    idPrefix: `${topic.name}-${partition}-`,
    asked,
    end,
    length: values.length,
    offset: (i) => asked + i,
    timestamp: () => 1_700_000_000_000,
    buffer: (i) => padded[i],
    valueStart: (i) => values[i] === null ? -1 : 7,
    valueEnd: (i) => 7 + (values[i]?.length ?? 0),
  };
}
