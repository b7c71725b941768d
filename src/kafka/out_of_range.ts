/** What is done where the broker has no record at a partition's position. */
import type { JumpReason, Log, PartitionRef, Positions } from "../pipeline/ports.ts";
import { type Outage, reasonOf } from "./outage.ts";

export type OutOfRangePolicy = "earliest" | "latest" | "stop";

/** What the broker has of a partition now. */
export interface LogBounds {
  /** Offset of the first record. */
  readonly earliest: number;
  /** Offset after the last one. */
  readonly end: number;
}

export type OutOfRangeMove =
  /** The partition isn't read until somebody decides. */
  | { readonly kind: "stop"; readonly why: string }
  | { readonly kind: "move"; readonly to: number; readonly reason: JumpReason };

/**
 * For a position that isn't within the bounds.
 * Retention overtakes a position that is below the log. One beyond the log's end means that the broker
 * has lost records that it once had: all that is left was read before, so reading goes on at the end
 * under `earliest`, too; what is left must not be counted twice.
 */
export function decideOutOfRange(
  from: number,
  { bounds, policy }: { bounds: LogBounds; policy: OutOfRangePolicy },
): OutOfRangeMove {
  const { earliest, end } = bounds;
  const isTruncated = from > end;
  if (policy === "stop") {
    const why = isTruncated
      ? `the log ends at ${end}, before the position ${from}: the broker has lost records`
      : `records from ${from} to ${earliest} were removed by retention before they were read`;
    return { kind: "stop", why };
  }
  if (isTruncated) return { kind: "move", to: end, reason: "log truncated" };
  const to = policy === "latest" ? end : earliest;
  return { kind: "move", to, reason: "offset out of range" };
}

/** At level error: readings are lost, whichever it was. */
function tellMove(
  log: Log,
  source: PartitionRef,
  { from, to, reason }: { from: number; to: number; reason: JumpReason },
): void {
  const { topic, partition } = source;
  if (reason === "log truncated") {
    log.error(
      "the broker has lost records that were read before: reading goes on at the log's end",
      {
        topic,
        partition,
        from,
        to,
        lost: from - to,
        todo:
          "see why the partition's log was cut: a leader that wasn't in sync, or a restored broker",
      },
    );
    return;
  }
  log.error("retention has removed records that were not read", {
    topic,
    partition,
    from,
    to,
    gap: to - from,
    todo: "give the topic a longer retention than the engine is ever away or behind",
  });
}

export interface OutOfRangeOptions {
  readonly policy: OutOfRangePolicy;
  readonly positions: Positions;
  readonly outage: Outage;
  readonly log: Log;
}

/** Meets positions that are out of range, and remembers the partitions that aren't read for it. */
export class OutOfRange {
  readonly #options: OutOfRangeOptions;
  readonly #told = new Set<string>();
  readonly #stopped = new Map<number, string>();

  constructor(options: OutOfRangeOptions) {
    this.#options = options;
  }

  /**
   * "wait": the position can't move yet, because what was fetched before it isn't committed or the store
   * can't be written. `generation`: of the topic, until now.
   */
  meet(
    source: PartitionRef,
    at: { from: number; bounds: LogBounds; generation: number },
  ): "stop" | "wait" | { readonly to: number; readonly reason: JumpReason } {
    const { policy, positions, outage, log } = this.#options;
    const { from, bounds, generation } = at;
    const decision = decideOutOfRange(from, { bounds, policy });
    if (decision.kind === "stop") {
      this.#stop(source, decision.why);
      return "stop";
    }
    const { to, reason } = decision;
    try {
      if (positions.next(source) !== from) return "wait";
      // Offsets come again with other readings: their ids must not.
      if (reason === "log truncated") positions.generation({ ...source, agreed: generation + 1 });
      positions.jump(source, to, reason);
    } catch (error) {
      outage.failed("positions", reasonOf(error));
      return "wait";
    }
    outage.well("positions");
    tellMove(log, source, { from, to, reason });
    return { to, reason };
  }

  /** Partitions that aren't read. */
  get stopped(): number {
    return this.#stopped.size;
  }

  /** For people; undefined: there is none. */
  reason(): string | undefined {
    if (this.#stopped.size === 0) return undefined;
    const each = [...this.#stopped].map(([partition, why]) => `partition ${partition} (${why})`);
    return `not read until OFFSET_OUT_OF_RANGE is earliest or latest: ${each.join("; ")}`;
  }

  /** Other partitions, or other positions, begin. */
  clear(): void {
    this.#stopped.clear();
  }

  /** Told once, however often it is met. */
  #stop(source: PartitionRef, reason: string): void {
    const { topic, topicId, partition } = source;
    this.#stopped.set(partition, reason);
    const line = `${topicId} ${partition} ${reason}`;
    const level = this.#told.has(line) ? "debug" : "error";
    this.#told.add(line);
    this.#options.log[level]("a partition isn't read: OFFSET_OUT_OF_RANGE is stop", {
      topic,
      partition,
      reason,
      todo: "start once with OFFSET_OUT_OF_RANGE=earliest or latest to go on without these records",
    });
  }
}
