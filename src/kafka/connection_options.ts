/** How every client of this program reaches the cluster. */
import type { kafka } from "../../deps.ts";

/** How the brokers are spoken to; undefined: not encrypted, or nobody in particular. */
export interface ClusterSecurity {
  /** Texts in PEM. Without `ca` the well-known authorities count. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: {
    readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
    readonly username: string;
    readonly password: string;
  };
}

export interface ClusterAccess {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly security?: ClusterSecurity;
}

/** What a connection needs to be let in. */
export function securityOptions(
  { tls, sasl }: ClusterSecurity = {},
): Pick<kafka.ConnectionOptions, "tls" | "sasl"> {
  // A key that is there but undefined would be an empty key to the runtime.
  const given = tls && Object.entries(tls).filter(([, text]) => text !== undefined);
  return { ...(given && { tls: Object.fromEntries(given) }), ...(sasl && { sasl: { ...sasl } }) };
}

/**
 * Options that all clients share. `retries: 0`: this program retries by itself, because the library's
 * own retries would rejoin a group behind our back and could move another member's offset.
 */
export function connectionOptions(access: ClusterAccess): kafka.BaseOptions {
  return {
    ...securityOptions(access.security),
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
