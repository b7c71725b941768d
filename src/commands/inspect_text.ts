/** A data folder's report as people read it. Names in it came from outside: they can't steer the terminal. */
import { printable } from "../core/reading_reason.ts";
import type { FolderReport } from "../store/folder_report.ts";
import { columns } from "./columns.ts";
import { size } from "./size.ts";

/** More of anything than a person reads is only counted. */
const MAX_ROWS = 20;
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function inspectText(report: FolderReport): string {
  const { folder, inUse, faults, files, contents } = report;
  const { counters, tenants, positions, jumps, members, journal, sinks, deadLetters, anomalies } =
    contents;
  const parts = [
    [
      `${folder}: ${inUse ? "in use by another process; as it is at this moment" : "at rest"}`,
      ...facts(report),
    ].join("\n"),
    section("Files", files.map(({ name, bytes }) => [name, size(bytes)])),
  ];
  if (counters !== undefined) {
    parts.push(
      section("Counters", Object.entries(counters).map(([name, n]) => [name, whole.format(n)])),
    );
  }
  if (tenants !== undefined) {
    const devices = tenants.reduce((sum, it) => sum + it.devices, 0);
    parts.push(section(
      `Devices: ${whole.format(devices)} of ${whole.format(tenants.length)} tenants`,
      tenants.map(({ tenant, devices }) => [tenant, whole.format(devices)]),
    ));
  }
  if (positions !== undefined && positions.length > 0) {
    parts.push(section(
      `Positions in Kafka${members?.length ? `; member of ${groupsOf(members)}` : ""}`,
      positions.map(({ topic, partition, next, generation, cluster }) => [
        `${topic}-${partition}`,
        `next ${next}`,
        generation ? `generation ${generation}` : "",
        `cluster ${cluster}`,
      ]),
    ));
  }
  if (jumps !== undefined && jumps.length > 0) {
    parts.push(section("Jumps of positions", jumps.map((it) => [it.reason, String(it.count)])));
  }
  if (journal !== undefined) {
    parts.push(
      `Journal: ${whole.format(journal.rows)} ${journal.rows === 1 ? "row" : "rows"}, ${
        size(journal.bytes)
      }; checkpoint at row ` +
        `${journal.checkpoint} of ${journal.lastId}`,
    );
  }
  for (const { sink, waiting, bytes, oldest, dropped, cursor } of sinks ?? []) {
    const since = oldest === null ? "" : `, ${size(bytes)}, the oldest of ${instant(oldest)}`;
    const lost = dropped === 0 ? "" : `; dropped: ${whole.format(dropped)}`;
    parts.push(
      `Sink ${sink}: ${whole.format(waiting)} results wait${since}${lost}\n  ${printable(cursor)}`,
    );
  }
  if (deadLetters !== undefined) {
    parts.push(section(
      `Dead letters: ${whole.format(deadLetters.reduce((sum, it) => sum + it.count, 0))}${
        contents.marked ? `, ${contents.marked} of them to be replayed at the next start` : ""
      }`,
      deadLetters.map((it) => [
        it.sink || "input",
        it.reason,
        whole.format(it.count),
        size(it.bytes),
      ]),
    ));
  }
  if (anomalies !== undefined) {
    const { kept, dropped } = anomalies;
    const gone = dropped === 0 ? "" : `; fallen off: ${whole.format(dropped)}`;
    parts.push(`Anomalies: ${whole.format(kept)}${gone}`);
  }
  parts.push(
    faults.length === 0 ? "Nothing is wrong." : [
      `${faults.length === 1 ? "1 thing is" : `${faults.length} things are`} wrong:`,
      ...faults.map(printable),
    ].join("\n  "),
  );
  return parts.join("\n\n");
}

function facts({ contents, schema, checked }: FolderReport): string[] {
  const lines: string[] = [];
  if (contents.folderId !== undefined) lines.push(`folder id ${printable(contents.folderId)}`);
  if (schema !== undefined) {
    const { file, program } = schema;
    const note = file < program
      ? `; this program's is ${program}: the next start brings it up to date`
      : file > program
      ? `; this program knows ${program} at most: use the one that wrote it, or a newer one`
      : "";
    lines.push(`schema version ${file}${note}`);
  }
  lines.push(checked ? "looked through for damage" : "not looked through for damage");
  return lines;
}

function section(title: string, rows: readonly (readonly string[])[]): string {
  const shown = rows.slice(0, MAX_ROWS).map((row) => row.map(printable));
  const lines = shown.length === 0 ? [] : columns(shown).split("\n");
  if (rows.length > shown.length) lines.push(`and ${rows.length - shown.length} more`);
  return [title, ...lines].join("\n  ");
}

function groupsOf(members: readonly { group: string }[]): string {
  return members.map(({ group }) => printable(group)).join(", ");
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
