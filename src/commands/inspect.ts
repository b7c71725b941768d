/** `plumbline inspect`: what is in a data folder. */
import { ConfigFaults } from "../config/faults.ts";
import { settings } from "../config/settings.ts";
import { type FolderReport, reportFolder } from "../store/folder_report.ts";
import { oneSetting } from "./api_address.ts";
import { exitCodes } from "./exit_codes.ts";
import { inspectText } from "./inspect_text.ts";
import { reasonOf } from "./reason.ts";

/** Prints it; the exit code. */
export function inspect(
  dir: string | undefined,
  options: { json?: boolean; check: boolean },
): number {
  let folder = dir;
  try {
    folder ??= oneSetting(settings.dataDir, Deno.env.toObject());
    const report = reportFolder(folder, options);
    console.log(options.json ? JSON.stringify(inspectJson(report), null, 2) : inspectText(report));
    return report.faults.length === 0 ? exitCodes.done : exitCodes.failed;
  } catch (error) {
    if (error instanceof ConfigFaults) {
      console.error(`plumbline: ${error.message}`);
      return exitCodes.usage;
    }
    if (!(error instanceof Error)) throw error;
    const remedy = error instanceof Deno.errors.NotFound
      ? "; name a data folder, or set DATA_DIR"
      : "";
    console.error(`plumbline: reading ${folder}/plumbline.db: ${reasonOf(error)}${remedy}`);
    return exitCodes.failed;
  }
}

/** In the API's names; what couldn't be read is left out. */
function inspectJson(report: FolderReport) {
  const { folder, inUse, files, schema, faults, checked, contents } = report;
  const { journal } = contents;
  return {
    folder,
    in_use: inUse,
    ok: faults.length === 0,
    faults,
    checked,
    schema,
    files,
    folder_id: contents.folderId,
    counters: contents.counters,
    devices: contents.tenants?.reduce((sum, { devices }) => sum + devices, 0),
    tenants: contents.tenants?.map(({ tenant, devices }) => ({ tenant_id: tenant, devices })),
    positions: contents.positions?.map(({ cluster, topicId, ...rest }) => ({
      cluster_id: cluster,
      topic_id: topicId,
      ...rest,
    })),
    position_jumps: contents.jumps,
    members: contents.members?.map(({ group, memberId }) => ({ group, member_id: memberId })),
    journal: journal && {
      rows: journal.rows,
      bytes: journal.bytes,
      last_id: journal.lastId,
      checkpoint: journal.checkpoint,
    },
    free_bytes: journal?.freeBytes,
    sinks: contents.sinks?.map(({ oldest, ...rest }) => ({
      ...rest,
      oldest: oldest === null ? null : new Date(oldest).toISOString(),
    })),
    dead_letters: contents.deadLetters?.map(({ sink, ...rest }) => ({
      sink: sink || "input",
      ...rest,
    })),
    dead_letters_marked: contents.marked,
    anomalies: contents.anomalies,
  };
}
