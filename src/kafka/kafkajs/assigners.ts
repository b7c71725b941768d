/** The standard assignors for kafkajs: other clients refuse its own. */
import { Buffer } from "node:buffer";
import { kafkajs } from "../../../deps_kafkajs.ts";
import { range, roundRobin, type Share, type Subscription } from "../assignors.ts";

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
const NO_DATA = Buffer.alloc(0);

const LAYOUTS = { range, roundrobin: roundRobin };

/** What the library needs of its cluster to lay out partitions. */
export interface TopicCounts {
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  findTopicPartitionMetadata(topic: string): { partitionId: number }[];
}

/**
 * `range` and `roundrobin`, in this order of preference. `onLayout` is called where the member leads the
 * group, with the partitions that it counts in the topic.
 */
export function standardAssigners(
  cluster: TopicCounts,
  { topic, onLayout }: { topic: string; onLayout: (partitions: number) => void },
): kafkajs.Assigner[] {
  return (Object.keys(LAYOUTS) as (keyof typeof LAYOUTS)[]).map((name) => ({
    name,
    version: 0,
    protocol: ({ topics }) => ({
      name,
      metadata: MemberMetadata.encode({ version: 0, topics, userData: NO_DATA }),
    }),
    assign: async ({ members }) => {
      const subscriptions: Subscription[] = members.map(({ memberId, memberMetadata }) => ({
        memberId,
        topics: MemberMetadata.decode(memberMetadata)?.topics ?? [],
      }));
      // The leader may have to place topics that it doesn't read itself.
      const topics = [...new Set(subscriptions.flatMap(({ topics }) => topics))];
      await cluster.addMultipleTargetTopics(topics);
      const counts = new Map(
        topics.map((name) => [name, cluster.findTopicPartitionMetadata(name).length]),
      );
      onLayout(counts.get(topic) ?? 0);
      return LAYOUTS[name](subscriptions, counts).map(encode);
    },
  }));
}

function encode({ memberId, assignments }: Share) {
  const assignment: Record<string, number[]> = {};
  for (const { topic, partitions } of assignments.values()) assignment[topic] = partitions;
  return {
    memberId,
    memberAssignment: MemberAssignment.encode({ version: 0, assignment, userData: NO_DATA }),
  };
}
