/** Finds where the partitions of a new epoch start, and moves their positions there. */
import type { JumpReason, Log, Positions } from "../pipeline/ports.ts";
import type { Start } from "./assignment.ts";
import type { TopicDescription } from "./connection_options.ts";
import type { TopicReader } from "./fetch.ts";
import type { Membership } from "./member.ts";
import {
  agreedGeneration,
  type CommittedOffset,
  decideStart,
  readMetadata,
  type StartDecision,
} from "./start_position.ts";

/** What the cluster has to say about where to start. */
export interface Findings {
  readonly description: TopicDescription;
  readonly partitions: readonly number[];
  /**
   * Of all the topic's partitions: other members' too tell what the group calls the topic. An offset
   * beyond the log's end is left out.
   */
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
    fetcher: TopicReader;
    member: Membership;
    positions: Positions;
  },
): Promise<Findings> {
  const description = await fetcher.describe();
  const all = new Set([...description.leaders.keys(), ...partitions]);
  const committed = await member.committed([...all]);
  // A topic that was made again may have fewer partitions than the group has given out.
  const there = partitions.filter((partition) => partition < description.leaders.length);
  const next = (partition: number) => positions.next(refOf(topic, description, partition));
  const without = there.filter((partition) => next(partition) === undefined);
  const earliest = without.length > 0 ? await fetcher.earliest(without) : new Map();
  const ahead = there.filter((partition) =>
    (committed.get(partition)?.offset ?? -1) > (next(partition) ?? 0)
  );
  const ends = ahead.length > 0 ? await fetcher.ends(ahead) : new Map<number, number>();
  for (const [partition, end] of ends) {
    const { offset, metadata } = committed.get(partition)!;
    // Of before the log was cut, or the topic recreated: nobody has read so far in this log.
    if (offset > end) committed.set(partition, { offset: -1, metadata });
  }
  return { description, partitions: there, committed, earliest };
}

export interface Settled {
  readonly starts: readonly Start[];
  readonly generation: number;
  /** Partitions whose committed offset doesn't tell the group's other members of this generation yet. */
  readonly untold: readonly number[];
  readonly olderFolder: number;
}

/** A commit that tells must not take the group back, unless the offset is one of a deleted topic. */
function isUntold(
  { committed, next, topicId, number }: {
    committed: CommittedOffset;
    next: number;
    topicId: string;
    number: number;
  },
): boolean {
  const note = readMetadata(committed.metadata);
  if (note !== undefined && note.topicId !== topicId) return true;
  return next >= committed.offset && (note?.generation ?? -1) < number;
}

const NOT_COMMITTED: CommittedOffset = { offset: -1, metadata: "" };

/** Synchronous. Throws what the store throws: some positions may have moved then, which does no harm. */
export function settleStarts(
  topic: string,
  { findings, positions, log }: { findings: Findings; positions: Positions; log: Log },
): Settled {
  const { description } = findings;
  const { clusterId, topicId, leaders } = description;
  const agreed = agreedGeneration(findings.committed.values(), topicId);
  const { number, recreated } = positions.generation({ clusterId, topicId, topic, agreed });
  const starts: Start[] = [];
  const untold: number[] = [];
  const decided: Decided[] = [];
  let olderFolder = 0;
  for (const partition of findings.partitions) {
    const source = refOf(topic, description, partition);
    const position = positions.next(source);
    const committed = findings.committed.get(partition) ?? NOT_COMMITTED;
    const { folderId } = positions;
    const decision = decideStart({ position, committed, folderId, topicId, recreated });
    const next = decision.at ?? findings.earliest.get(partition)!;
    if (decision.olderFolder) olderFolder++;
    if (decision.reason) positions.jump(source, next, decision.reason);
    decided.push({ decision, partition, position, committed: committed.offset, next });
    const name = number > 0 ? `${topic}~${number}` : topic;
    if (number > 0 && isUntold({ committed, next, topicId, number })) untold.push(partition);
    starts.push({ source, idPrefix: `${name}-${partition}-`, next, leader: leaders[partition] });
  }
  tell(decided, { log, topic });
  return { starts, generation: number, untold, olderFolder };
}

interface Decided {
  readonly decision: StartDecision;
  readonly partition: number;
  readonly position: number | undefined;
  readonly committed: number;
  readonly next: number;
}

const stories: Record<JumpReason, string> = {
  "first start": "the first start: reading from the topic's first offsets",
  "committed by another member": "another member of the group has read on: starting after it",
  "topic recreated": "a recreated topic: reading from its first offsets",
  "offset out of range": "offsets are out of range",
  "log truncated": "the log was cut",
};

/** A line for each reason, however many partitions there are. */
function tell(decided: readonly Decided[], { log, topic }: { log: Log; topic: string }): void {
  for (const { decision: _, ...fields } of decided) log.debug("a partition's start", fields);
  const older = decided.filter(({ decision }) => decision.olderFolder);
  if (older.length > 0) {
    log.warn("the group has later offsets of this data folder: it is an older copy, read again", {
      topic,
      partitions: older.map(({ partition }) => partition),
      todo: "none if it was restored; otherwise see that no other engine uses a copy of the folder",
    });
  }
  const byReason = Map.groupBy(decided, ({ decision }) => decision.reason);
  for (const [reason, group] of byReason) {
    if (reason === undefined) continue;
    log.info(stories[reason], { topic, partitions: group.map(({ partition }) => partition) });
  }
}
