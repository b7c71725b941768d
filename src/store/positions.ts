/** How far each partition was read, and every jump that wasn't a batch. */
import { and, type Database, drizzle, eq, sql } from "../../deps.ts";
import type {
  Generation,
  JumpReason,
  PartitionRef,
  Positions,
  TopicIdentity,
} from "../pipeline/ports.ts";
import { members, meta, positionJumpCounts, positionJumps, positions, topics } from "./schema.ts";
import type { Transactor } from "./transactor.ts";

/** Jumps kept for people to read; all of them are counted. */
const JUMPS_KEPT = 1000;

export class PositionTable implements Positions {
  readonly folderId: string;
  readonly #orm: ReturnType<typeof drizzle>;
  readonly #transactor: Transactor;
  readonly #now: () => number;
  readonly #advance: Database.Statement;

  constructor(db: Database.Database, options: { transactor: Transactor; now: () => number }) {
    this.#orm = drizzle(db);
    this.#transactor = options.transactor;
    this.#now = options.now;
    this.#advance = db.prepare(
      "UPDATE positions SET next = ? " +
        "WHERE cluster_id = ? AND topic_id = ? AND partition = ? AND next = ?",
    );
    this.folderId = this.#orm.select().from(meta).get()!.folderId;
  }

  /** False: the position isn't at `asked`, nothing was changed. Only inside a transaction. */
  advance(source: PartitionRef, asked: number, end: number): boolean {
    const { clusterId, topicId, topic, partition } = source;
    if (!(end >= asked)) {
      throw new RangeError(
        `advancing ${topic}-${partition}: the end must be at least ${asked}, is ${end}`,
      );
    }
    return this.#advance.run(end, clusterId, topicId, partition, asked).changes === 1;
  }

  next(source: PartitionRef): number | undefined {
    return this.#orm.select({ next: positions.next }).from(positions)
      .where(isPartition(source)).get()?.next;
  }

  jump(source: PartitionRef, to: number, reason: JumpReason): void {
    const { clusterId, topicId, topic, partition } = source;
    this.#transactor.run(() => {
      const previous = this.next(source) ?? null;
      this.#orm.insert(positions).values({ clusterId, topicId, topic, partition, next: to })
        .onConflictDoUpdate({
          target: [positions.clusterId, positions.topicId, positions.partition],
          set: { next: to },
        }).run();
      const jump = this.#orm.insert(positionJumps).values({
        time: this.#now(),
        clusterId,
        topicId,
        topic,
        partition,
        previous,
        next: to,
        reason,
      }).returning({ id: positionJumps.id }).get();
      this.#orm.delete(positionJumps).where(sql`${positionJumps.id} <= ${jump.id - JUMPS_KEPT}`)
        .run();
      // Anyone else who moves a position has read what lies between, or there is nothing.
      const skipped = reason === "offset out of range" ? Math.max(0, to - (previous ?? to)) : 0;
      this.#orm.insert(positionJumpCounts).values({ reason, count: 1, skipped })
        .onConflictDoUpdate({
          target: positionJumpCounts.reason,
          set: {
            count: sql`${positionJumpCounts.count} + 1`,
            skipped: sql`${positionJumpCounts.skipped} + ${skipped}`,
          },
        }).run();
    });
  }

  jumps(): ReadonlyMap<JumpReason, number> {
    const rows = this.#orm.select().from(positionJumpCounts).all();
    return new Map(rows.map((row) => [row.reason as JumpReason, row.count]));
  }

  skippedRecords(): number {
    const rows = this.#orm.select().from(positionJumpCounts).all();
    return rows.reduce((sum, { skipped }) => sum + skipped, 0);
  }

  generation({ agreed = 0, ...topic }: TopicIdentity & { agreed?: number }): Generation {
    return this.#transactor.run(() => {
      const known = this.#orm.select().from(topics).where(eq(topics.topic, topic.topic)).all();
      const others = known.filter((row) => !isTopic(row, topic));
      const own = known.find((row) => isTopic(row, topic))?.generation;
      const unused = Math.max(-1, ...known.map((row) => row.generation)) + 1;
      let number = Math.max(own ?? unused, agreed);
      // The number was adopted, but the folder has given it to readings of another topic already.
      if (number !== own && others.some((row) => row.generation === number)) number = unused;
      if (number !== own) {
        this.#orm.insert(topics).values({ ...topic, generation: number }).onConflictDoUpdate({
          target: [topics.clusterId, topics.topic, topics.topicId],
          set: { generation: number },
        }).run();
      }
      const recreated = others.some((row) =>
        row.clusterId === topic.clusterId && row.generation < number
      );
      return { number, recreated };
    });
  }

  memberId(group: string): string | undefined {
    return this.#orm.select().from(members).where(eq(members.groupId, group)).get()?.memberId;
  }

  saveMemberId(group: string, memberId: string): void {
    this.#transactor.run(() => {
      this.#orm.insert(members).values({ groupId: group, memberId })
        .onConflictDoUpdate({ target: members.groupId, set: { memberId } }).run();
    });
  }
}

function isTopic(row: TopicIdentity, topic: TopicIdentity): boolean {
  return row.clusterId === topic.clusterId && row.topicId === topic.topicId;
}

function isPartition(source: PartitionRef) {
  return and(
    eq(positions.clusterId, source.clusterId),
    eq(positions.topicId, source.topicId),
    eq(positions.partition, source.partition),
  );
}
