/** What was dropped for the sinks, and the rows of the journal as a drop looks at them. */
import type { Database } from "../../deps.ts";
import type { Gap, RowHead, SinkName, TenantStretch } from "../pipeline/ports.ts";
import type { Extent } from "./journal_marks.ts";

/** Not the terms of the index `journal_going_out`: these rows are found by their ids. */
const SETTLED = "target NOT IN ('output', 'reframed')";

export class BacklogTable {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: Database.Database) {
    this.#statements = prepare(db);
  }

  heads(fromId: number, limit: number): RowHead[] {
    return (this.#statements.heads.all(fromId, limit) as PlainHead[]).map((head) => ({
      ...head,
      goesOut: head.goesOut === 1,
      isStored: head.isStored === 1,
    }));
  }

  /** Rows between the ids that don't go out. */
  settled(ids: { firstId: number; lastId: number }): Extent {
    return this.#statements.settled.get(ids) as Extent;
  }

  gaps(sink: SinkName): Gap[] {
    return this.#statements.gaps.all(sink) as Gap[];
  }

  saveGap(sink: SinkName, gap: Gap): void {
    const { first, last, rows, bytes } = gap;
    this.#statements.saveGap.run({ sink, first, last, rows, bytes });
  }

  removeGap(sink: SinkName, first: number): void {
    this.#statements.removeGap.run({ sink, first });
  }

  tenantStretches(): TenantStretch[] {
    return this.#statements.tenantStretches.all() as TenantStretch[];
  }

  saveTenantStretch({ tenant, first, last, bytes }: TenantStretch): void {
    this.#statements.saveTenantStretch.run({ tenant, first, last, bytes });
  }

  dropTenantStretch(tenant: string, first: number): void {
    this.#statements.dropTenantStretch.run({ tenant, first });
  }

  countDropped(sink: SinkName, results: number): void {
    this.#statements.countDropped[sink].run(results);
  }

  dropped(): Record<SinkName, number> {
    return this.#statements.dropped.get() as Record<SinkName, number>;
  }

  outputTopic(): string | undefined {
    return this.#statements.outputTopic.get() as string | null ?? undefined;
  }

  saveOutputTopic(name: string): void {
    this.#statements.saveOutputTopic.run(name);
  }
}

type PlainHead = Omit<RowHead, "goesOut" | "isStored"> & { goesOut: number; isStored: number };

function prepare(db: Database.Database) {
  return {
    heads: db.prepare(`
      SELECT id, lane, base_sequence AS baseSequence, count, time, length(body) AS bytes,
        target IN ('output', 'reframed') AS goesOut, is_copy <> 1 AS isStored
      FROM journal WHERE id >= ? ORDER BY id LIMIT ?`),
    settled: db.prepare(`
      SELECT count(*) AS rows, coalesce(sum(length(body)), 0) AS bytes
      FROM journal WHERE id BETWEEN :firstId AND :lastId AND ${SETTLED}`),
    gaps: db.prepare(`
      SELECT first_id AS first, last_id AS last, rows, bytes
      FROM backlog_gaps WHERE sink = ? ORDER BY first_id`),
    saveGap: db.prepare(`
      INSERT INTO backlog_gaps (sink, first_id, last_id, rows, bytes)
      VALUES (:sink, :first, :last, :rows, :bytes)
      ON CONFLICT (sink, first_id) DO UPDATE SET
        last_id = excluded.last_id, rows = excluded.rows, bytes = excluded.bytes`),
    removeGap: db.prepare("DELETE FROM backlog_gaps WHERE sink = :sink AND first_id = :first"),
    tenantStretches: db.prepare(`
      SELECT tenant_id AS tenant, first_id AS first, last_id AS last, bytes
      FROM tenant_stretches ORDER BY tenant_id, first_id`),
    saveTenantStretch: db.prepare(`
      INSERT INTO tenant_stretches (tenant_id, first_id, last_id, bytes)
      VALUES (:tenant, :first, :last, :bytes)
      ON CONFLICT (tenant_id, first_id) DO UPDATE SET
        last_id = excluded.last_id, bytes = excluded.bytes`),
    dropTenantStretch: db.prepare(
      "DELETE FROM tenant_stretches WHERE tenant_id = :tenant AND first_id = :first",
    ),
    countDropped: {
      output: db.prepare("UPDATE counters SET output_dropped = output_dropped + ?"),
      storage: db.prepare("UPDATE counters SET storage_dropped = storage_dropped + ?"),
    },
    dropped: db.prepare(
      "SELECT output_dropped AS output, storage_dropped AS storage FROM counters",
    ),
    outputTopic: db.prepare("SELECT output_topic FROM meta").pluck(),
    saveOutputTopic: db.prepare("UPDATE meta SET output_topic = ?"),
  };
}
