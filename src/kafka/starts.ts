/** Finds where the partitions of a new epoch start, and moves their positions there. */
import type { Log, PartitionRef, Positions } from "../pipeline/ports.ts";
import type { Start } from "./assignment.ts";
import type { TopicDescription } from "./connection_options.ts";
import type { Fetcher } from "./fetch.ts";
import type { GroupMember } from "./member.ts";
import { type CommittedOffset, decideStart, type StartDecision } from "./start_position.ts";

/** What the cluster has to say about where to start. */
export interface Findings {
  readonly description: TopicDescription;
  readonly partitions: readonly number[];
  readonly committed: ReadonlyMap<number, CommittedOffset>;
  /** First offsets, of the partitions that have no position in the store. */
  readonly earliest: ReadonlyMap<number, number>;
}

function refOf(topic: string, { clusterId, topicId }: TopicDescription, partition: number) {
  return { clusterId, topicId, topic, partition };
}

/** Asks the cluster; changes nothing. Rejects where any of it isn't answered. */
export async function findStarts(
  topic: string,
  { partitions, fetcher, member, positions }: {
    partitions: readonly number[];
    fetcher: Fetcher;
    member: GroupMember;
    positions: Positions;
  },
): Promise<Findings> {
  const [description, committed] = await Promise.all([
    fetcher.describe(),
    member.committed(partitions),
  ]);
  // A topic that was made again may have fewer partitions than the group has given out.
  const there = partitions.filter((partition) => partition < description.leaders.length);
  const without = there.filter((partition) =>
    positions.next(refOf(topic, description, partition)) === undefined
  );
  const earliest = without.length > 0 ? await fetcher.earliest(without) : new Map();
  return { description, partitions: there, committed, earliest };
}

const NOT_COMMITTED: CommittedOffset = { offset: -1, metadata: "" };

/** Synchronous. Throws what the store throws: some positions may have moved then, which does no harm. */
export function settleStarts(
  topic: string,
  { findings, positions, log }: { findings: Findings; positions: Positions; log: Log },
): { starts: Start[]; olderFolder: number } {
  const { description } = findings;
  const { clusterId, topicId, leaders } = description;
  const generation = positions.generation({ clusterId, topicId, topic });
  const starts: Start[] = [];
  let olderFolder = 0;
  for (const partition of findings.partitions) {
    const source = refOf(topic, description, partition);
    const position = positions.next(source);
    const committed = findings.committed.get(partition) ?? NOT_COMMITTED;
    const { folderId } = positions;
    const decision = decideStart({ position, committed, folderId, topicId, generation });
    const next = decision.at ?? findings.earliest.get(partition)!;
    if (decision.olderFolder) olderFolder++;
    if (decision.reason) positions.jump(source, next, decision.reason);
    tell(decision, { log, source, position, next, committed: committed.offset });
    const name = generation > 0 ? `${topic}~${generation}` : topic;
    starts.push({ source, idPrefix: `${name}-${partition}-`, next, leader: leaders[partition] });
  }
  return { starts, olderFolder };
}

function tell(
  decision: StartDecision,
  { log, source: { topic, partition }, position, next, committed }: {
    log: Log;
    source: PartitionRef;
    position: number | undefined;
    next: number;
    committed: number;
  },
): void {
  const fields = { topic, partition, position, committed, next };
  if (decision.olderFolder) {
    log.warn(
      "the group has a later offset of this data folder: it is an older copy, read again",
      fields,
    );
  }
  if (decision.reason === "committed by another member") {
    log.info("another member of the group has read on: starting after it", fields);
  } else if (decision.reason) {
    log.info(`starting at the first offset: ${decision.reason}`, fields);
  }
}
