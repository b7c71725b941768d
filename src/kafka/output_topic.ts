import { kafka } from "../../deps.ts";
import type { Address } from "./connections.ts";
import { errorName } from "./produce.ts";

/** A topic as the cluster sees it. */
export interface TopicView {
  readonly topicId: string;
  readonly partitions: number;
  /** By partition; undefined: it has no leader now. */
  readonly leaders: readonly (Address | undefined)[];
  /** Every broker of the cluster. */
  readonly brokers: readonly Address[];
}

const UNKNOWN_TOPIC = 3;
const TOPIC_RESOURCE = 2;

/**
 * Asks for the topic, and has it made where the broker makes topics by itself. Rejects where the topic
 * isn't there, saying what to do.
 */
export async function viewTopic(connection: kafka.Connection, name: string): Promise<TopicView> {
  const metadata = await askMetadata(connection, name, { create: true });
  const topic = metadata.topics[0];
  if (topic.errorCode === UNKNOWN_TOPIC) {
    throw new Error(
      `finding the topic ${name}: the broker has none of this name; create it, or set auto.create.topics.enable on the broker`,
    );
  }
  if (topic.errorCode !== 0 || topic.partitions.length === 0) {
    throw new Error(`finding the topic ${name}: ${errorName(topic.errorCode)}`);
  }
  const byNode = new Map(
    metadata.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]),
  );
  const leaders: (Address | undefined)[] = [];
  for (const { partitionIndex, leaderId } of topic.partitions) {
    leaders[partitionIndex] = byNode.get(leaderId);
  }
  return {
    topicId: topic.topicId,
    partitions: topic.partitions.length,
    leaders,
    brokers: [...byNode.values()],
  };
}

/** The topic's id as this broker knows it; undefined: it has none of this name. */
export async function topicIdAt(
  connection: kafka.Connection,
  name: string,
): Promise<string | undefined> {
  const { topics } = await askMetadata(connection, name, { create: false });
  return topics[0].errorCode === UNKNOWN_TOPIC ? undefined : topics[0].topicId;
}

/** The answer comes as an error where any partition has one; the rest of it is good nevertheless. */
async function askMetadata(
  connection: kafka.Connection,
  name: string,
  { create }: { create: boolean },
): Promise<kafka.metadataV12.MetadataResponse> {
  try {
    return await kafka.metadataV12.api.async(connection, [name], create, false);
  } catch (error) {
    const answer = (error as { response?: kafka.metadataV12.MetadataResponse }).response;
    if (answer?.topics?.length) return answer;
    throw error;
  }
}

/** The largest batch that the topic takes, in bytes with its header. */
export async function maxMessageBytes(connection: kafka.Connection, name: string): Promise<number> {
  const answer = await kafka.describeConfigsV4.api.async(connection, [
    {
      resourceType: TOPIC_RESOURCE,
      resourceName: name,
      configurationKeys: ["max.message.bytes"],
    },
  ]);
  return Number(answer.results[0].configs[0].value);
}
