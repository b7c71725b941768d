import { kafka } from "../../deps.ts";
import { SEQUENCES } from "./seal.ts";

export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/**
 * A producer id that nobody had before; every broker gives them out. Rejects while the broker's
 * coordinator is loading (just after its start): ask again.
 */
export async function newIdentity(connection: kafka.Connection): Promise<ProducerIdentity> {
  const { producerId, producerEpoch } = await kafka.initProducerIdV4.api.async(
    connection,
    null,
    60_000,
    -1n,
    -1,
  );
  return { producerId, producerEpoch };
}

/**
 * The sequence of the last record that the partition has from this producer; undefined where the
 * broker doesn't know the producer: it never sent, or its state has expired. Ask the leader.
 */
export async function lastSequence(
  connection: kafka.Connection,
  { topic, partition, producerId }: { topic: string; partition: number; producerId: bigint },
): Promise<number | undefined> {
  const answer = await kafka.describeProducersV0.api.async(connection, [
    { name: topic, partitionIndexes: [partition] },
  ]);
  const producer = answer.topics[0].partitions[0].activeProducers.find((active) =>
    active.producerId === producerId
  );
  return producer && producer.lastSequence >= 0 ? producer.lastSequence : undefined;
}

export type Standing =
  /** The broker has every record below `sequence`. */
  | { readonly kind: "within"; readonly sequence: number }
  /** It has records that were never sent from this data folder: the folder is an older copy. */
  | { readonly kind: "ahead" }
  /** It has less than it once acknowledged, by so many records. */
  | { readonly kind: "behind"; readonly missing: number };

/**
 * Where the broker stands, by the last sequence that it tells. Sequences on the wire are counts modulo
 * 2^31, so the answer counts as ahead up to half of that, and as behind beyond.
 */
export function standing(
  last: number,
  { acknowledged, sent }: { acknowledged: number; sent: number },
): Standing {
  const next = (last + 1) % SEQUENCES;
  const beyond = (next - acknowledged % SEQUENCES + SEQUENCES) % SEQUENCES;
  if (beyond <= sent - acknowledged) return { kind: "within", sequence: acknowledged + beyond };
  return beyond < SEQUENCES / 2
    ? { kind: "ahead" }
    : { kind: "behind", missing: SEQUENCES - beyond };
}
