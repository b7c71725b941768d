/**
 * The group protocols `range` and `roundrobin`, laid out as Java's client, sarama and kafka-python lay
 * them out, so that an engine may lead a group in which others are members.
 *
 * The library lays out its own round robin whatever protocol the group has chosen, and doesn't tell an
 * assigner which one that was. So each protocol is offered with its own name as user data (which the
 * standard assignors ignore): the leader is given every member's data of the chosen protocol, its own
 * included, and reads the choice there.
 */
import type { kafka } from "../../deps.ts";

export const PROTOCOLS: kafka.GroupProtocolSubscription[] = [
  { name: "range", version: 1, metadata: "range" },
  { name: "roundrobin", version: 1, metadata: "roundrobin" },
];

/** What a layout needs: who reads which topics, and how many partitions each topic has. */
export interface Subscription {
  readonly memberId: string;
  readonly topics: readonly string[];
}

export interface Share {
  readonly memberId: string;
  readonly assignments: Map<string, { topic: string; partitions: number[] }>;
}

export type PartitionCounts = ReadonlyMap<string, number>;

function emptyShares(members: readonly Subscription[]): Map<string, Share> {
  return new Map(
    members.map(({ memberId }) => [memberId, { memberId, assignments: new Map() }]),
  );
}

function give(share: Share, topic: string, partition: number): void {
  const assignment = share.assignments.get(topic);
  if (assignment) assignment.partitions.push(partition);
  else share.assignments.set(topic, { topic, partitions: [partition] });
}

function byMemberId(members: readonly Subscription[]): Subscription[] {
  return [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
}

/** Each topic by itself: consecutive partitions to the members in order, the first ones get one more. */
export function range(members: readonly Subscription[], counts: PartitionCounts): Share[] {
  const sorted = byMemberId(members);
  const shares = emptyShares(sorted);
  for (const topic of [...counts.keys()].sort()) {
    const readers = sorted.filter((member) => member.topics.includes(topic));
    if (readers.length === 0) continue;
    const partitions = counts.get(topic)!;
    const each = Math.floor(partitions / readers.length);
    const longer = partitions % readers.length;
    let partition = 0;
    for (const [place, reader] of readers.entries()) {
      const until = partition + each + (place < longer ? 1 : 0);
      while (partition < until) give(shares.get(reader.memberId)!, topic, partition++);
    }
  }
  return [...shares.values()];
}

/** All partitions of all topics dealt to the members in turn, past those that don't read the topic. */
export function roundRobin(members: readonly Subscription[], counts: PartitionCounts): Share[] {
  const sorted = byMemberId(members);
  const shares = emptyShares(sorted);
  let turn = 0;
  for (const topic of [...counts.keys()].sort()) {
    if (!sorted.some((member) => member.topics.includes(topic))) continue;
    for (let partition = 0; partition < counts.get(topic)!; partition++) {
      while (!sorted[turn % sorted.length].topics.includes(topic)) turn++;
      give(shares.get(sorted[turn++ % sorted.length].memberId)!, topic, partition);
    }
  }
  return [...shares.values()];
}

/** The library's hook: called on the group's leader only, and only if the group has other members. */
export function assignPartitions(
  leader: string,
  members: Map<string, kafka.ExtendedGroupProtocolSubscription>,
  _topics: Set<string>,
  metadata: kafka.ClusterMetadata,
): Share[] {
  const subscriptions = [...members.values()].map(({ memberId, topics }) => ({
    memberId,
    topics: topics ?? [],
  }));
  const counts = new Map<string, number>();
  for (const [topic, { partitionsCount }] of metadata.topics) counts.set(topic, partitionsCount);
  const protocol = String(members.get(leader)?.metadata ?? "");
  return protocol === "roundrobin"
    ? roundRobin(subscriptions, counts)
    : range(subscriptions, counts);
}
