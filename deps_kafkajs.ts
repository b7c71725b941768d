/**
 * The third door for third-party packages: kafkajs, which is loaded only where KAFKA_CLIENT asks for
 * it. What has no public name is taken from its files: it is frozen at 2.2.4. Only the shapes that we
 * use are declared; the package has none for these files.
 */
import { Buffer } from "node:buffer";
import * as consumerGroup from "kafkajs/src/consumer/consumerGroup.js";
import * as decoder from "kafkajs/src/protocol/decoder.js";
import * as encoder from "kafkajs/src/protocol/encoder.js";
import * as recordBatch from "kafkajs/src/protocol/recordBatch/v0/decoder.js";
import * as requestQueue from "kafkajs/src/network/requestQueue/index.js";
import kafkajs from "kafkajs";

export { kafkajs };

/** Writes a request's fields; the names are the protocol's types. */
export interface Encoder {
  readonly buffer: Buffer;
  writeInt8(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: string): Encoder;
  writeBoolean(value: boolean): Encoder;
  writeBuffer(value: Buffer): Encoder;
  writeUVarIntString(value: string | null): Encoder;
  writeUVarIntBytes(value?: Buffer | null): Encoder;
  writeUVarIntArray(value: readonly Encoder[]): Encoder;
}

/** Reads an answer's fields. */
export interface Decoder {
  readInt16(): number;
  readInt32(): number;
  readInt64(): { toString(): string };
  readBoolean(): boolean;
  readBytes(length: number): Buffer;
  readUVarIntString(): string | null;
  readUVarIntBytes(): Buffer | null;
  readUVarIntArray<T>(read: (decoder: Decoder) => T): T[] | null;
  readTaggedFields(): unknown;
  canReadBytes(length: number): boolean;
}

/** A member of a group, without the library's own loop of fetches. */
export interface ConsumerGroup {
  coordinator: GroupBroker;
  readonly generationId: number;
  memberId: string | null;
  connect(): Promise<void>;
  joinAndSync(): Promise<void>;
  isLeader(): boolean;
  assigned(): { topic: string; partitions: number[] }[];
  heartbeat(options: { interval: number }): Promise<void>;
  leave(): Promise<void>;
}

/** What the group's coordinator is asked. */
export interface GroupBroker extends WireBroker {
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
  offsetCommit(request: {
    groupId: string;
    memberId: string;
    groupGenerationId: number;
    topics: {
      topic: string;
      partitions: { partition: number; offset: string; metadata: string }[];
    }[];
  }): Promise<unknown>;
  offsetFetch(request: {
    groupId: string;
    topics: { topic: string; partitions: { partition: number }[] }[];
  }): Promise<{
    responses: {
      topic: string;
      partitions: { partition: number; offset: string; metadata: string | null }[];
    }[];
  }>;
}

export interface WireConnection {
  rejectRequests(error: Error): void;
  disconnect(): Promise<unknown>;
}

export interface WireBroker {
  /** Rejects where any of the partitions has an error. `isolationLevel` 1: what a transaction holds back isn't there. */
  listOffsets(request: {
    isolationLevel: 0 | 1;
    topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
  }): Promise<{
    responses: { topic: string; partitions: { partition: number; offset: string }[] }[];
  }>;
  readonly connectionPool: {
    readonly pool: readonly WireConnection[];
    /** Sends any request; connects and authenticates first where that is to be done. */
    send<T>(request: {
      request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<Encoder> };
      response: { decode(payload: Buffer): Promise<T>; parse(answer: T): Promise<T> };
      logResponseError?: boolean;
    }): Promise<T>;
  };
}

export interface Cluster {
  readonly brokerPool: {
    readonly brokers: Readonly<Record<string, WireBroker>>;
    readonly seedBroker: WireBroker | undefined;
    findConnectedBroker(): Promise<WireBroker>;
  };
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  findBroker(at: { nodeId: number }): Promise<WireBroker>;
  findGroupCoordinator(of: { groupId: string }): Promise<GroupBroker>;
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
}

/** A record batch as the library decodes it; numbers of 64 bits are texts. */
export interface WireBatch {
  readonly firstOffset: string;
  readonly lastOffsetDelta: number;
  readonly firstTimestamp: string;
  readonly maxTimestamp: string;
  readonly producerId: string;
  readonly inTransaction: boolean;
  readonly isControlBatch: boolean;
  /** 1: the broker's time of appending. */
  readonly timestampType: number;
  readonly records: readonly {
    readonly offset: string;
    readonly timestamp: string;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
  }[];
}

export const { default: ConsumerGroup } = consumerGroup as unknown as {
  default: new (options: Record<string, unknown>) => ConsumerGroup;
};
export const { default: Encoder } = encoder as unknown as { default: new () => Encoder };
export const { default: Decoder } = decoder as unknown as {
  default: new (bytes: Buffer) => Decoder;
};
export const { default: decodeRecordBatch } = recordBatch as unknown as {
  default: (decoder: Decoder) => Promise<WireBatch>;
};
export const { default: RequestQueue } = requestQueue as unknown as {
  default: {
    prototype: { pending: unknown[]; scheduleCheckPendingRequests(): void };
  };
};
