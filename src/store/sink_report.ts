/** How far each sink has come through the journal, and what waits for it. */
import type { Database } from "../../deps.ts";
import type { SinkName } from "../pipeline/ports.ts";
import { JournalTable } from "./journal.ts";

export interface SinkReport {
  readonly sink: SinkName;
  /** How far it has come, in words of its own. */
  readonly cursor: string;
  /** Results, and about so many bytes of the journal. */
  readonly waiting: number;
  readonly bytes: number;
  /** ms since 1970; null: nothing waits. */
  readonly oldest: number | null;
  /** Results that it was not given, ever. */
  readonly dropped: number;
}

/** Of the sinks that have a cursor. Reads the heads of all rows that wait. Throws what SQLite throws. */
export function sinkReports(db: Database.Database): SinkReport[] {
  const journal = new JournalTable(db);
  const lanes = journal.lanes();
  const topic = journal.outputTopic();
  const reports: SinkReport[] = [];
  if (lanes.length > 0 || topic) {
    const ends = lanes.map(({ lane, acknowledged, end }) => `${lane}: ${acknowledged} of ${end}`);
    reports.push({
      sink: "output",
      cursor: `topic ${topic ?? "(not known)"}; acknowledged by partition: ${
        ends.join(", ") || "none"
      }`,
      ...backlogOf(journal, {
        sink: "output",
        waiting: journal.unsent(lanes),
        from: journal.oldestUnsent(lanes),
      }),
    });
  }
  const cursor = journal.storageCursor();
  if (cursor !== undefined) {
    reports.push({
      sink: "storage",
      cursor: `record ${cursor.record} of journal row ${cursor.row}`,
      ...backlogOf(journal, {
        sink: "storage",
        waiting: journal.resultsFrom(cursor),
        from: cursor.row,
      }),
    });
  }
  return reports;
}

function backlogOf(
  journal: JournalTable,
  of: { sink: SinkName; waiting: number; from: number | undefined },
): Omit<SinkReport, "sink" | "cursor"> {
  const { sink, waiting, from } = of;
  const dropped = journal.dropped()[sink];
  if (waiting === 0 || from === undefined) return { waiting, bytes: 0, oldest: null, dropped };
  const gaps = journal.gaps(sink).reduce((sum, gap) => sum + gap.bytes, 0);
  return {
    waiting,
    bytes: Math.max(0, journal.sizeFrom(from).bytes - gaps),
    oldest: journal.timeFrom(from) ?? null,
    dropped,
  };
}
