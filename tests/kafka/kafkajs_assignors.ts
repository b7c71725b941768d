/** The standard assignors, for kafkajs: it brings neither, and other clients refuse its own. */
import kafkajs, { type PartitionAssigner } from "kafkajs";
import { Buffer } from "node:buffer";

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
const NO_DATA = Buffer.alloc(0);

export function assignor(name: "range" | "roundrobin"): PartitionAssigner {
  return ({ cluster }) => ({
    name,
    version: 0,
    protocol: ({ topics }) => ({
      name,
      metadata: MemberMetadata.encode({ version: 0, topics, userData: NO_DATA }),
    }),
    assign: async ({ members, topics }) => {
      // Every member of these tests reads one and the same topic.
      const [topic] = topics;
      await cluster.addTargetTopic(topic);
      const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) =>
        partitionId
      ).sort((a, b) => a - b);
      const ids = members.map(({ memberId }) => memberId).sort();
      const half = Math.ceil(partitions.length / ids.length);
      return ids.map((memberId, place) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: 0,
          assignment: {
            [topic]: name === "range"
              ? partitions.slice(place * half, (place + 1) * half)
              : partitions.filter((_, i) => i % ids.length === place),
          },
          userData: NO_DATA,
        }),
      }));
    },
  });
}
