/** kafkajs made ready: its codecs, and what its request queue does while it is idle. */
import { Buffer } from "node:buffer";
import { kafka } from "../../../deps.ts";
import { type Cluster, kafkajs, RequestQueue } from "../../../deps_kafkajs.ts";
import type { ClusterAccess } from "../connection_options.ts";
import { parseAddress } from "../connections.ts";

const CONNECT_TIMEOUT_MS = 3_000;
export const REQUEST_TIMEOUT_MS = 30_000;

const { CompressionCodecs, CompressionTypes } = kafkajs;

/** The library brings gzip alone, and crashes silently on the others. */
for (const [type, name] of [["Snappy", "snappy"], ["LZ4", "lz4"], ["ZSTD", "zstd"]] as const) {
  const algorithm = kafka.compressionsAlgorithms[name];
  CompressionCodecs[CompressionTypes[type]] = () => ({
    compress: (encoder: { buffer: Buffer }) =>
      Promise.resolve(algorithm.compressSync(encoder.buffer)),
    decompress: (bytes: Buffer) => Promise.resolve(algorithm.decompressSync(bytes)),
  });
}

/**
 * With nothing pending the library schedules itself for ever, at a time in the past: 3.8 % of a core,
 * and a TimeoutNegativeWarning.
 */
const schedule = RequestQueue.prototype.scheduleCheckPendingRequests;
RequestQueue.prototype.scheduleCheckPendingRequests = function () {
  if (this.pending.length > 0) schedule.call(this);
};

/** `retries: 0`: this program retries by itself, and tells of it. */
export function createClient(access: ClusterAccess): kafkajs.Kafka {
  const { tls, sasl } = access.security ?? {};
  for (const broker of access.brokers) parseAddress(broker);
  return new kafkajs.Kafka({
    clientId: access.clientId,
    brokers: [...access.brokers],
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 0, initialRetryTime: 50, restartOnFailure: () => Promise.resolve(false) },
    ...(tls && { ssl: { ...tls } }),
    ...(sasl && { sasl: saslOptions(sasl) }),
  });
}

function saslOptions(
  { mechanism, username, password }: NonNullable<NonNullable<ClusterAccess["security"]>["sasl"]>,
): kafkajs.SASLOptions {
  const lower = {
    "PLAIN": "plain",
    "SCRAM-SHA-256": "scram-sha-256",
    "SCRAM-SHA-512": "scram-sha-512",
  };
  return { mechanism: lower[mechanism], username, password } as kafkajs.SASLOptions;
}

/** Connections to a cluster. Nothing connects yet. The library hands them out to assigners alone. */
export function createCluster(client: kafkajs.Kafka): Cluster {
  let found: unknown;
  client.consumer({
    groupId: "unused",
    allowAutoTopicCreation: false,
    partitionAssigners: [({ cluster }) => {
      found = cluster;
      return { name: "unused", version: 0 } as kafkajs.Assigner;
    }],
  });
  return found as Cluster;
}

/** Closes at once. The library would wait for the answers of what is in flight, a join's for instance. */
export async function abandon(cluster: Cluster): Promise<void> {
  const { brokers, seedBroker } = cluster.brokerPool;
  const all = [...Object.values(brokers), ...(seedBroker ? [seedBroker] : [])];
  for (const { connectionPool } of all) {
    for (const connection of connectionPool.pool) {
      connection.rejectRequests(new Error("the connection was closed on purpose"));
    }
  }
  await cluster.disconnect();
}
