/** How every client of this program reaches the cluster. */
import type { kafka } from "../../deps.ts";

export interface ClusterAccess {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  readonly clientId: string;
}

/**
 * Options that all clients share. `retries: 0`: this program retries by itself, because the library's
 * own retries would rejoin a group behind our back and could move another member's offset.
 */
export function connectionOptions(access: ClusterAccess): kafka.BaseOptions {
  return {
    clientId: access.clientId,
    bootstrapBrokers: [...access.brokers],
    retries: 0,
    connectTimeout: 3_000,
    requestTimeout: 30_000,
    autocreateTopics: false,
  };
}

/** A topic as the cluster describes it now. */
export interface TopicDescription {
  readonly clusterId: string;
  readonly topicId: string;
  /** Broker that leads each partition, by partition. */
  readonly leaders: readonly number[];
}
