/** Where a partition starts: max(position in SQLite, committed offset), with its exceptions. */
import type { JumpReason } from "../pipeline/ports.ts";

/** What the group has for a partition; offset -1: nothing. */
export interface CommittedOffset {
  readonly offset: number;
  readonly metadata: string;
}

/** Our commits say whose they are and which topic of that name they are about. */
export function commitMetadata(folderId: string, topicId: string): string {
  return `${folderId} ${topicId}`;
}

export interface StartFacts {
  /** The position in SQLite, if there is one. */
  readonly position: number | undefined;
  readonly committed: CommittedOffset;
  readonly folderId: string;
  readonly topicId: string;
  /** How often a topic of this name was recreated. */
  readonly generation: number;
}

export interface StartDecision {
  /** undefined: the earliest offset that the partition has. */
  readonly at: number | undefined;
  /** Why the position in SQLite has to move there; undefined: it stays where it is. */
  readonly reason: JumpReason | undefined;
  /** The group has a later offset of our own: the data folder is an older copy of itself. */
  readonly olderFolder: boolean;
}

/**
 * Whether the committed offset is about this topic. Offsets are kept by the topic's name, and one of
 * a deleted topic may outlive it; another client's doesn't say which topic it means, so it counts
 * unless the topic was recreated and we haven't read any of it yet.
 */
function aboutThisTopic(committedTopicId: string | undefined, facts: StartFacts): boolean {
  if (committedTopicId !== undefined) return committedTopicId === facts.topicId;
  return facts.generation === 0 || facts.position !== undefined;
}

export function decideStart(facts: StartFacts): StartDecision {
  const { position, committed } = facts;
  const [folderId, topicId] = committed.metadata.split(" ");
  const counts = committed.offset >= 0 && aboutThisTopic(topicId, facts);
  const ours = folderId === facts.folderId;
  const ahead = counts && committed.offset > (position ?? -1);
  if (ahead && !ours) {
    return { at: committed.offset, reason: "committed by another member", olderFolder: false };
  }
  if (position !== undefined) return { at: position, reason: undefined, olderFolder: ahead };
  const reason = facts.generation > 0 ? "topic recreated" : "first start";
  return { at: undefined, reason, olderFolder: ahead };
}
