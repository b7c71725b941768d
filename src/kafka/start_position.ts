/** Where a partition starts: max(position in SQLite, committed offset), with its exceptions. */
import type { JumpReason } from "../pipeline/ports.ts";

/** What the group has for a partition; offset -1: nothing. */
export interface CommittedOffset {
  readonly offset: number;
  readonly metadata: string;
}

/** What our commits say beside the offset: whose they are, and which topic of that name they are about. */
export interface CommitNote {
  readonly folderId: string;
  readonly topicId: string;
  /** See `Generation`; -1: not said. */
  readonly generation: number;
}

export function commitMetadata({ folderId, topicId, generation }: CommitNote): string {
  return `${folderId} ${topicId} ${generation}`;
}

/** undefined: another client's commit. */
export function readMetadata(metadata: string): CommitNote | undefined {
  const [folderId, topicId, generation = ""] = metadata.split(" ");
  if (topicId === undefined) return undefined;
  return { folderId, topicId, generation: /^\d{1,9}$/.test(generation) ? Number(generation) : -1 };
}

/** The highest generation that engines of the group say this topic has; -1: none says. */
export function agreedGeneration(committed: Iterable<CommittedOffset>, topicId: string): number {
  let agreed = -1;
  for (const { metadata } of committed) {
    const note = readMetadata(metadata);
    if (note?.topicId === topicId) agreed = Math.max(agreed, note.generation);
  }
  return agreed;
}

export interface StartFacts {
  /** The position in SQLite, if there is one. */
  readonly position: number | undefined;
  readonly committed: CommittedOffset;
  readonly folderId: string;
  readonly topicId: string;
  /** The folder has read another topic of this name in this cluster before. */
  readonly recreated: boolean;
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
function aboutThisTopic(note: CommitNote | undefined, facts: StartFacts): boolean {
  if (note !== undefined) return note.topicId === facts.topicId;
  return !facts.recreated || facts.position !== undefined;
}

export function decideStart(facts: StartFacts): StartDecision {
  const { position, committed } = facts;
  const note = readMetadata(committed.metadata);
  const counts = committed.offset >= 0 && aboutThisTopic(note, facts);
  const ours = note?.folderId === facts.folderId;
  const ahead = counts && committed.offset > (position ?? -1);
  if (ahead && !ours) {
    return { at: committed.offset, reason: "committed by another member", olderFolder: false };
  }
  if (position !== undefined) return { at: position, reason: undefined, olderFolder: ahead };
  const reason = facts.recreated ? "topic recreated" : "first start";
  return { at: undefined, reason, olderFolder: ahead };
}
