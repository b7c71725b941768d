/**
 * Two requests in versions that kafkajs doesn't have, over its connections: both name a topic by its
 * id, so that a topic that was made again isn't taken for the former one. Kafka 3.1 and later.
 */
import { Buffer } from "node:buffer";
import type { kafka } from "../../../deps.ts";
import {
  type Cluster,
  Decoder,
  decodeRecordBatch,
  Encoder,
  type WireBatch,
  type WireBroker,
} from "../../../deps_kafkajs.ts";
import { errorName } from "../produce.ts";

const FETCH = { key: 1, version: 13 };
const METADATA = { key: 3, version: 10 };
const UNKNOWN_TOPIC = 3;
/** A record batch's header, without which there is nothing to decode. */
const BATCH_OVERHEAD = 61;
const LOG_APPEND_TIME = 1;
/** As they stand in a batch's attributes on the wire. */
const ATTRIBUTES = { appendTime: 1 << 3, transactional: 1 << 4, control: 1 << 5 };

export interface TopicMetadata {
  readonly clusterId: string;
  readonly topicId: string;
  /** By partition; -1: it has no leader now. */
  readonly leaders: readonly number[];
}

/** Rejects where the broker has no such topic, or says no; with `create` it may make the topic first. */
export async function describeTopic(
  cluster: Cluster,
  topic: string,
  { create = false }: { create?: boolean } = {},
): Promise<TopicMetadata> {
  const broker = await cluster.brokerPool.findConnectedBroker();
  const answer = await broker.connectionPool.send({
    request: {
      apiKey: METADATA.key,
      apiVersion: METADATA.version,
      apiName: "Metadata",
      encode: () => Promise.resolve(encodeMetadata(topic, create)),
    },
    response: { decode: (bytes) => Promise.resolve(decodeMetadata(bytes)), parse: same },
  });
  if (answer.error === UNKNOWN_TOPIC) {
    const remedy = create ? "; create it, or set auto.create.topics.enable on the broker" : "";
    throw new Error(`Unknown topic ${topic}: the broker has none of this name${remedy}`);
  }
  if (answer.error !== 0) throw new Error(`finding the topic ${topic}: ${errorName(answer.error)}`);
  return answer;
}

/*
  Metadata Request (Version: 10) => [topics] allow_auto_topic_creation
      include_cluster_authorized_operations include_topic_authorized_operations TAG_BUFFER
    topics => topic_id name TAG_BUFFER
  The request's header ends with a tag buffer of its own, which the library leaves to us.
*/
function encodeMetadata(topic: string, create: boolean): Encoder {
  const wanted = new Encoder().writeBuffer(Buffer.alloc(16)).writeUVarIntString(topic);
  return new Encoder().writeUVarIntBytes()
    .writeUVarIntArray([wanted.writeUVarIntBytes()])
    .writeBoolean(create).writeBoolean(false).writeBoolean(false)
    .writeUVarIntBytes();
}

/*
  Metadata Response (Version: 10) => throttle_time_ms [brokers] cluster_id controller_id [topics]
      cluster_authorized_operations TAG_BUFFER
    brokers => node_id host port rack TAG_BUFFER
    topics => error_code name topic_id is_internal [partitions] topic_authorized_operations TAG_BUFFER
      partitions => error_code partition_index leader_id leader_epoch [replica_nodes] [isr_nodes]
          [offline_replicas] TAG_BUFFER
*/
function decodeMetadata(bytes: Buffer): TopicMetadata & { error: number } {
  const decoder = new Decoder(bytes);
  decoder.readTaggedFields();
  decoder.readInt32();
  decoder.readUVarIntArray(() => {
    decoder.readInt32();
    decoder.readUVarIntString();
    decoder.readInt32();
    decoder.readUVarIntString();
    decoder.readTaggedFields();
  });
  const clusterId = decoder.readUVarIntString() ?? "";
  decoder.readInt32();
  const [topic] = decoder.readUVarIntArray(() => decodeTopic(decoder)) ?? [];
  return { clusterId, ...topic };
}

function decodeTopic(decoder: Decoder): { error: number; topicId: string; leaders: number[] } {
  const error = decoder.readInt16();
  decoder.readUVarIntString();
  const topicId = readId(decoder);
  decoder.readBoolean();
  const leaders: number[] = [];
  const ids = () => decoder.readUVarIntArray(() => decoder.readInt32());
  decoder.readUVarIntArray(() => {
    decoder.readInt16();
    const partition = decoder.readInt32();
    leaders[partition] = decoder.readInt32();
    decoder.readInt32();
    for (let i = 0; i < 3; i++) ids();
    decoder.readTaggedFields();
  });
  decoder.readInt32();
  decoder.readTaggedFields();
  return { error, topicId, leaders };
}

/** As the other client writes it: the store knows topics by it. */
function readId(decoder: Decoder): string {
  const hex = decoder.readBytes(16).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export interface OffsetsWanted {
  readonly partitions: readonly number[];
  readonly at: "first" | "end";
  /** The end is in front of a transaction that is still open. */
  readonly readCommitted?: boolean;
}

/** Offsets of partitions, by partition. Rejects where one of them isn't answered. */
export async function listOffsets(
  cluster: Cluster,
  topic: string,
  { partitions, at, readCommitted = false }: OffsetsWanted,
): Promise<Map<number, number>> {
  await cluster.refreshMetadata();
  const leaders = new Map(
    cluster.findTopicPartitionMetadata(topic).map((
      { partitionId, leader },
    ) => [partitionId, leader]),
  );
  const offsets = new Map<number, number>();
  const byLeader = Map.groupBy(partitions, (partition) => leaders.get(partition) ?? -1);
  for (const [nodeId, partitions] of byLeader) {
    const broker = await cluster.findBroker({ nodeId });
    const timestamp = at === "first" ? -2 : -1;
    const { responses } = await broker.listOffsets({
      isolationLevel: readCommitted ? 1 : 0,
      topics: [{ topic, partitions: partitions.map((partition) => ({ partition, timestamp })) }],
    });
    for (const { partition, offset } of responses.flatMap(({ partitions }) => partitions)) {
      offsets.set(partition, Number(offset));
    }
  }
  for (const partition of partitions) {
    if ((offsets.get(partition) ?? -1) < 0) {
      throw new Error(`asking for an offset of ${topic}-${partition}: no answer`);
    }
  }
  return offsets;
}

export interface FetchRequest {
  readonly topicId: string;
  readonly wanted: readonly { readonly partition: number; readonly next: number }[];
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxPartitionBytes: number;
  readonly readCommitted: boolean;
}

/** Rejects where nothing was answered; a partition's error is in the answer. */
export function fetchRecords(
  broker: WireBroker,
  request: FetchRequest,
): Promise<kafka.fetchV17.FetchResponse> {
  return broker.connectionPool.send({
    request: {
      apiKey: FETCH.key,
      apiVersion: FETCH.version,
      apiName: "Fetch",
      encode: () => Promise.resolve(encodeFetch(request)),
    },
    response: { decode: decodeFetch, parse: same },
  });
}

/*
  Fetch Request (Version: 13) => replica_id max_wait_ms min_bytes max_bytes isolation_level session_id
      session_epoch [topics] [forgotten_topics_data] rack_id TAG_BUFFER
    topics => topic_id [partitions] TAG_BUFFER
      partitions => partition current_leader_epoch fetch_offset last_fetched_epoch log_start_offset
          partition_max_bytes TAG_BUFFER
  Session 0 with epoch -1: no session, every fetch says all that it wants.
*/
function encodeFetch(request: FetchRequest): Encoder {
  const partitions = request.wanted.map(({ partition, next }) =>
    new Encoder().writeInt32(partition).writeInt32(-1).writeInt64(String(next)).writeInt32(-1)
      .writeInt64("-1").writeInt32(request.maxPartitionBytes).writeUVarIntBytes()
  );
  const id = Buffer.from(request.topicId.replaceAll("-", ""), "hex");
  const topic = new Encoder().writeBuffer(id).writeUVarIntArray(partitions).writeUVarIntBytes();
  return new Encoder().writeUVarIntBytes()
    .writeInt32(-1).writeInt32(request.maxWaitMs).writeInt32(request.minBytes)
    .writeInt32(request.maxBytes).writeInt8(request.readCommitted ? 1 : 0)
    .writeInt32(0).writeInt32(-1)
    .writeUVarIntArray([topic]).writeUVarIntArray([])
    .writeUVarIntString("").writeUVarIntBytes();
}

/*
  Fetch Response (Version: 13) => throttle_time_ms error_code session_id [responses] TAG_BUFFER
    responses => topic_id [partitions] TAG_BUFFER
      partitions => partition_index error_code high_watermark last_stable_offset log_start_offset
          [aborted_transactions] preferred_read_replica records TAG_BUFFER
        aborted_transactions => producer_id first_offset TAG_BUFFER
*/
async function decodeFetch(bytes: Buffer): Promise<kafka.fetchV17.FetchResponse> {
  const decoder = new Decoder(bytes);
  decoder.readTaggedFields();
  const throttleTimeMs = decoder.readInt32();
  const errorCode = decoder.readInt16();
  const sessionId = decoder.readInt32();
  const topics = decoder.readUVarIntArray(() => {
    const topicId = readId(decoder);
    const partitions = decoder.readUVarIntArray(() => decodePartition(decoder)) ?? [];
    decoder.readTaggedFields();
    return { topicId, partitions };
  }) ?? [];
  const responses = await Promise.all(topics.map(async ({ topicId, partitions }) => ({
    topicId,
    partitions: await Promise.all(partitions.map(async ({ bytes, ...partition }) => ({
      ...partition,
      records: await decodeBatches(bytes),
    }))),
  })));
  // The shape that the assignment reads: of a batch only what `records.ts` and `aborted.ts` look at.
  return {
    throttleTimeMs,
    errorCode,
    sessionId,
    responses,
  } as unknown as kafka.fetchV17.FetchResponse;
}

function decodePartition(decoder: Decoder) {
  const int64 = () => BigInt(decoder.readInt64().toString());
  const partitionIndex = decoder.readInt32();
  const errorCode = decoder.readInt16();
  const [highWatermark, lastStableOffset, logStartOffset] = [int64(), int64(), int64()];
  const abortedTransactions = decoder.readUVarIntArray(() => {
    const aborted = { producerId: int64(), firstOffset: int64() };
    decoder.readTaggedFields();
    return aborted;
  }) ?? [];
  const preferredReadReplica = decoder.readInt32();
  const bytes = decoder.readUVarIntBytes() ?? Buffer.alloc(0);
  decoder.readTaggedFields();
  return {
    partitionIndex,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    abortedTransactions,
    preferredReadReplica,
    bytes,
  };
}

/** The last batch may be cut off by the fetch's limits: it comes again, whole. */
async function decodeBatches(bytes: Buffer) {
  const decoder = new Decoder(bytes);
  const batches = [];
  while (decoder.canReadBytes(BATCH_OVERHEAD)) {
    try {
      batches.push(toBatch(await decodeRecordBatch(decoder)));
    } catch (error) {
      if ((error as Error).name === "KafkaJSPartialMessageError") break;
      throw error;
    }
  }
  return batches;
}

function toBatch(batch: WireBatch) {
  const firstOffset = BigInt(batch.firstOffset);
  const base = Number(batch.firstOffset);
  const firstTimestamp = BigInt(batch.firstTimestamp);
  const appendTime = batch.timestampType === LOG_APPEND_TIME;
  return {
    firstOffset,
    lastOffsetDelta: batch.lastOffsetDelta,
    firstTimestamp,
    maxTimestamp: BigInt(batch.maxTimestamp),
    producerId: BigInt(batch.producerId),
    attributes: (appendTime ? ATTRIBUTES.appendTime : 0) |
      (batch.inTransaction ? ATTRIBUTES.transactional : 0) |
      (batch.isControlBatch ? ATTRIBUTES.control : 0),
    records: batch.records.map(({ offset, timestamp, key, value }) => ({
      offsetDelta: Number(offset) - base,
      timestampDelta: appendTime ? 0n : BigInt(timestamp) - firstTimestamp,
      key,
      value,
    })),
  };
}

function same<T>(answer: T): Promise<T> {
  return Promise.resolve(answer);
}
