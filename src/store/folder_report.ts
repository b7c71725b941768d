/** What is in a data folder, as far as it can be read: for people and scripts, at rest or in use. */
import { Database } from "../../deps.ts";
import type { SinkName } from "../pipeline/ports.ts";
import { damaged, DamageMark } from "./damage.ts";
import { type FolderView, viewFolder } from "./folder_view.ts";
import { migrations } from "./migrations.ts";
import { type SinkReport, sinkReports } from "./sink_report.ts";
import { PAGE_SIZE } from "./upkeep.ts";

export interface FolderReport {
  readonly folder: string;
  /** Another process uses it: the figures are those of a moment. */
  readonly inUse: boolean;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  /** `file`: that of the database, 0: it has none; `program`: what this program makes of it. */
  readonly schema: { readonly file: number; readonly program: number } | undefined;
  /** What is wrong, a sentence each: damage, counters that don't add up, parts that can't be read. */
  readonly faults: readonly string[];
  /** Whether the whole file was looked through for damage. */
  readonly checked: boolean;
  /** Parts that couldn't be read are left out. */
  readonly contents: Partial<Contents>;
}

export interface Contents {
  readonly folderId: string;
  readonly counters: Readonly<Record<string, number>>;
  readonly tenants: readonly { readonly tenant: string; readonly devices: number }[];
  readonly positions: readonly {
    readonly cluster: string;
    readonly topic: string;
    readonly topicId: string;
    readonly generation: number | null;
    readonly partition: number;
    readonly next: number;
  }[];
  readonly jumps: readonly { readonly reason: string; readonly count: number }[];
  readonly members: readonly { readonly group: string; readonly memberId: string }[];
  readonly journal: {
    readonly rows: number;
    readonly bytes: number;
    readonly lastId: number;
    readonly checkpoint: number;
    /** Of the file, without contents. */
    readonly freeBytes: number;
  };
  /** Those that have a cursor. */
  readonly sinks: readonly SinkReport[];
  readonly deadLetters: readonly {
    /** Empty: rejected readings. */
    readonly sink: "" | SinkName;
    /** What it begins with, without values. */
    readonly reason: string;
    readonly count: number;
    readonly bytes: number;
  }[];
  /** They are replayed at the next start. */
  readonly marked: number;
  /** `dropped`: those that have fallen off, ever. */
  readonly anomalies: { readonly kept: number; readonly dropped: number };
}

/** More of them are one line. */
const MAX_REASONS = 50;
/** A folder that begins or ends being used while it is looked at is looked at again. */
const MAX_LOOKS = 3;

/**
 * Reads the folder; changes nothing in it. `check`: looks through the whole file for damage, which takes
 * as long as reading it. Throws where there is no database, or it can't be opened at all.
 */
export function reportFolder(dir: string, options: { check: boolean }): FolderReport {
  for (let look = 1;; look++) {
    using view = viewFolder(dir);
    const report = new Reader(dir, view).report(options);
    if (view.isStill() || look === MAX_LOOKS) return report;
  }
}

class Reader {
  readonly #dir: string;
  readonly #view: FolderView;
  readonly #db: Database.Database;
  readonly #faults: string[] = [];

  constructor(dir: string, view: FolderView) {
    this.#dir = dir;
    this.#view = view;
    this.#db = view.db;
  }

  report({ check }: { check: boolean }): FolderReport {
    const mark = new DamageMark(this.#dir).read();
    if (mark !== undefined) {
      this.#faults.push(`marked as damaged (the next start sets it aside): ${mark}`);
    }
    const file = this.#part(
      "schema",
      () => this.#db.pragma("user_version", { simple: true }) as number,
    );
    const readable = file !== undefined && file > 0;
    const report = {
      folder: this.#dir,
      inUse: this.#view.inUse,
      files: filesIn(this.#dir),
      schema: file === undefined ? undefined : { file, program: migrations.length },
      faults: this.#faults,
      checked: check && readable && this.#lookThrough(),
      contents: readable ? this.#contents(file) : {},
    };
    if (file === 0) this.#faults.push("the database has no schema of this program");
    return report;
  }

  #contents(version: number): Partial<Contents> {
    const counters = this.#part(
      "counters",
      () => this.#db.prepare("SELECT * FROM counters").get() as Record<string, number>,
    );
    if (counters !== undefined) {
      delete counters.id;
      this.#balance(counters);
    }
    // What older schemas don't have the next start makes of what they have.
    const own = version === migrations.length;
    return {
      folderId: this.#part("meta", () => this.#text("SELECT folder_id FROM meta")),
      counters,
      tenants: this.#part("devices", () =>
        this.#all(`
          SELECT tenant_id AS tenant, count(*) AS devices FROM devices
          GROUP BY tenant_id ORDER BY devices DESC, tenant_id`)),
      positions: this.#part("positions", () =>
        this.#all(`
          SELECT cluster_id AS cluster, topic, topic_id AS topicId, generation, partition, next
          FROM positions LEFT JOIN topics USING (cluster_id, topic, topic_id)
          ORDER BY cluster_id, topic, topic_id, partition`)),
      jumps: this.#part(
        "position_jump_counts",
        () => this.#all("SELECT reason, count FROM position_jump_counts ORDER BY reason"),
      ),
      members: this.#part("members", () =>
        this.#all(
          'SELECT group_id AS "group", member_id AS memberId FROM members ORDER BY group_id',
        )),
      journal: this.#part("journal", () => this.#journal()),
      sinks: own ? this.#part("the sinks' cursors", () => sinkReports(this.#db)) : undefined,
      deadLetters: version >= 2 ? this.#part("dead_letters", () => this.#deadLetters()) : undefined,
      marked: version >= 4
        ? this.#part(
          "dead_letters_to_replay",
          () => this.#number("SELECT count(*) FROM dead_letters_to_replay"),
        )
        : undefined,
      anomalies: version >= 6
        ? this.#part("anomaly_numbers", () =>
          this.#db.prepare(
            "SELECT next - first_kept AS kept, first_kept - 1 AS dropped FROM anomaly_numbers",
          ).get() as Contents["anomalies"])
        : undefined,
    };
  }

  /** Invariant 5. */
  #balance(counters: Record<string, number>): void {
    const { read, results, sampled_out, rejected, dropped, passed_on } = counters;
    const sum = results + sampled_out + rejected + dropped + passed_on;
    if (read === sum) return;
    this.#faults.push(`the counters don't add up: ${read} readings were read, ${sum} have a place`);
  }

  #journal(): Contents["journal"] {
    const all = this.#db.prepare(`
      SELECT count(*) AS rows, coalesce(sum(length(body)), 0) AS bytes,
        max(coalesce(max(id), 0), (SELECT last_journal_id FROM meta)) AS lastId,
        (SELECT checkpoint FROM meta) AS checkpoint
      FROM journal`).get() as Omit<Contents["journal"], "freeBytes">;
    return { ...all, freeBytes: this.#number("PRAGMA freelist_count") * PAGE_SIZE };
  }

  #deadLetters(): Contents["deadLetters"] {
    const rows = this.#all<Contents["deadLetters"][number]>(`
      SELECT sink,
        CASE WHEN instr(reason, ':') BETWEEN 2 AND 60
          THEN substr(reason, 1, instr(reason, ':') - 1) ELSE substr(reason, 1, 60) END AS reason,
        count(*) AS count, coalesce(sum(length(bytes)), 0) AS bytes
      FROM dead_letters GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2`);
    if (rows.length <= MAX_REASONS) return rows;
    const rest = rows.slice(MAX_REASONS);
    return [...rows.slice(0, MAX_REASONS), {
      sink: "",
      reason: `${rest.length} other reasons, of any sink`,
      count: rest.reduce((sum, { count }) => sum + count, 0),
      bytes: rest.reduce((sum, { bytes }) => sum + bytes, 0),
    }];
  }

  /** Table by table where the folder is in use: no read may last so long that the log can't be emptied. */
  #lookThrough(): boolean {
    const tables = this.#part(
      "sqlite_schema",
      () => this.#all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'"),
    );
    if (tables === undefined) return true;
    const checks = this.#view.inUse
      ? tables.map(({ name }) => `quick_check(${JSON.stringify(name)})`)
      : ["quick_check(20)"];
    for (const check of checks) {
      const found = this.#part("the file", () =>
        this.#db.pragma(check) as { quick_check: string }[]) ?? [];
      for (const { quick_check } of found) {
        if (quick_check !== "ok") {
          this.#faults.push(`damaged: ${quick_check.replaceAll("\n", "; ")}`);
        }
      }
    }
    return true;
  }

  /** undefined: it can't be read, and that is a fault. */
  #part<T>(name: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Database.SqliteError) && damaged(error) === undefined) throw error;
      const { message } = damaged(error) ?? error as Error;
      this.#faults.push(`${name} can't be read: ${message}`);
      return undefined;
    }
  }

  #all<T>(sql: string): T[] {
    return this.#db.prepare(sql).all() as T[];
  }

  #number(sql: string): number {
    return this.#db.prepare(sql).pluck().get() as number;
  }

  #text(sql: string): string {
    return this.#db.prepare(sql).pluck().get() as string;
  }
}

function filesIn(dir: string): { name: string; bytes: number }[] {
  return [...Deno.readDirSync(dir)].filter(({ isFile }) => isFile)
    .map(({ name }) => ({ name, bytes: Deno.statSync(`${dir}/${name}`).size }))
    .sort((a, b) => a.name < b.name ? -1 : 1);
}
