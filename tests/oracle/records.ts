/** Records of a topic as the oracle wants them. */

export interface InputRecord {
  readonly partition: number;
  readonly offset: number;
  readonly value: Uint8Array | null;
  /** ms since 1970. */
  readonly timestamp: number;
  /** Of a reading that came by another way than Kafka; it has a partition that no topic has. */
  readonly id?: string;
}

export interface OutputRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: Uint8Array | null;
  /** In the order of the record. */
  readonly headers: readonly (readonly [name: string, value: Uint8Array])[];
  readonly value: Uint8Array | null;
  /** ms since 1970. */
  readonly timestamp: number;
}

/** By partition, each in the order of its log. */
export function byPartition<T extends InputRecord>(records: readonly T[]): Map<number, T[]> {
  const partitions = new Map<number, T[]>();
  for (const record of records) {
    const list = partitions.get(record.partition);
    if (list === undefined) partitions.set(record.partition, [record]);
    else list.push(record);
  }
  for (const list of partitions.values()) list.sort((a, b) => a.offset - b.offset);
  return partitions;
}
