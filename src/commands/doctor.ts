/** `plumbline doctor`: everything that somebody who wants to help has to know, in one text. */
import { readConfig } from "../config/config.ts";
import { valueText } from "../config/faults.ts";
import { type Files, openFiles } from "../config/files.ts";
import { type Environment, settingValue } from "../config/setting_value.ts";
import { type Setting, settings } from "../config/settings.ts";
import { networkFileSystems, type PathFacts, probePath } from "../store/path_probe.ts";
import { sqliteVersion } from "../store/version.ts";
import { version } from "../version.ts";
import { type CheckedSetting, findingsOf } from "./check.ts";
import { withVerdicts } from "./colours.ts";
import { columns } from "./columns.ts";
import { connectAll } from "./connect_check.ts";
import { type Connection, connectionsText } from "./connection.ts";
import { exitCodes } from "./exit_codes.ts";
import { type Machine, machineRows, thisMachine } from "./machine.ts";
import { reasonOf } from "./reason.ts";

export interface DoctorOptions {
  readonly json?: boolean;
  /** s, for each part. */
  readonly timeout: number;
}

/** With `--json` this is what it prints. */
export interface Report {
  readonly ok: boolean;
  /** RFC 3339. */
  readonly time: string;
  readonly versions: Readonly<Record<string, string>>;
  /** The file that runs. */
  readonly program: string;
  readonly machine: Machine;
  readonly paths: readonly CheckedPath[];
  /** Those that aren't the defaults; secrets are hidden. */
  readonly settings: readonly CheckedSetting[];
  readonly warnings: readonly string[];
  readonly faults: readonly string[];
  /** As `check --connect` finds them; absent where the settings are wrong. */
  readonly connections?: readonly Connection[];
}

interface CheckedPath {
  /** The setting that names it. */
  readonly name: string;
  readonly path: string;
  readonly ok: boolean;
  /** undefined: it isn't there, or can't be looked at. */
  readonly facts?: PathFacts;
  /** Only where something is wrong. */
  readonly todo?: string;
}

/** Prints the report; the exit code. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const env = Deno.env.toObject();
  const report = await reportOf(env, {
    files: await openFiles(env),
    timeoutMs: options.timeout * 1000,
  });
  console.log(options.json ? JSON.stringify(report, null, 2) : withVerdicts(reportText(report)));
  if (report.faults.length > 0) return exitCodes.usage;
  return report.ok ? exitCodes.done : exitCodes.failed;
}

async function reportOf(
  env: Environment,
  { files, timeoutMs }: { files: Files; timeoutMs: number },
): Promise<Report> {
  const findings = findingsOf(env, files);
  const paths = Object.values<Setting<unknown>>(settings)
    .filter(({ name }) => name === "DATA_DIR" || name.endsWith("_FILE"))
    .flatMap((setting) => checkedPath(setting, env));
  const connections = findings.ok ? await connectAll(readConfig(env, files), timeoutMs) : undefined;
  return {
    ok: findings.ok && paths.every(({ ok }) => ok) && (connections ?? []).every(({ ok }) => ok),
    time: new Date().toISOString(),
    versions: { plumbline: version, ...Deno.version, sqlite: sqliteVersion() },
    program: Deno.execPath(),
    machine: thisMachine(),
    paths,
    settings: findings.settings.filter(({ from }) => from !== null),
    warnings: findings.warnings,
    faults: findings.faults,
    ...(connections === undefined ? {} : { connections }),
  };
}

function checkedPath(setting: Setting<unknown>, env: Environment): CheckedPath[] {
  const read = settingValue(setting, env);
  if ("fault" in read || read.text === "") return [];
  const { name } = setting;
  const isFolder = name === "DATA_DIR";
  const shown = { name, path: valueText(name, read.text) };
  let facts: PathFacts | undefined;
  try {
    facts = probePath(read.text);
  } catch (error) {
    const todo = `it can't be looked at (${reasonOf(error)}): see the folders above it`;
    return [{ ...shown, ok: false, todo }];
  }
  if (facts === undefined) {
    // The engine makes its data folder at the first start.
    return [{ ...shown, ok: isFolder, ...(isFolder ? {} : { todo: "there is no such file" }) }];
  }
  const todo = isFolder ? folderFault(facts) : fileFault(facts);
  return [{ ...shown, ok: todo === undefined, facts, ...(todo && { todo }) }];
}

function folderFault({ kind, readable, writable, fileSystem = "" }: PathFacts): string | undefined {
  if (kind !== "folder") return "it has to be a folder";
  if (!readable || !writable) return "this user has to be allowed to read and write it";
  if (!networkFileSystems.has(fileSystem)) return undefined;
  return "put it on a local disk: SQLite's locks don't hold on a network file system";
}

function fileFault({ kind, readable }: PathFacts): string | undefined {
  if (kind === "folder") return "it has to be a file";
  return readable ? undefined : "this user has to be allowed to read it";
}

export function reportText(report: Report): string {
  const { time, versions, program, machine, paths, settings, warnings, faults } = report;
  const { plumbline, ...others } = versions;
  const below = Object.entries(others).map(([name, of]) => `${name} ${of}`).join(", ");
  const parts = [
    `plumbline ${plumbline}, ${time}; no passwords and no tokens are in this text.`,
    columns([["versions", below], ["program", program], ...machineRows(machine)]),
    columns(paths.map(pathRow)),
    settings.length === 0
      ? "All settings are the defaults."
      : columns(settings.map(({ name, text }) => [name, text === "" ? '""' : text])),
    ...warnings.map((warning) => `Warning: ${warning}`),
    ...faults.length === 0 ? [] : [["The settings are wrong:", ...faults].join("\n  ")],
    report.connections === undefined
      ? "Nothing was connected to: the settings have to be right first."
      : connectionsText(report.connections),
  ];
  return parts.join("\n\n");
}

function pathRow({ name, path, ok, facts, todo }: CheckedPath): string[] {
  const { mode, uid, gid, fileSystem } = facts ?? {};
  const found = facts === undefined
    ? todo ?? "isn't there yet"
    : [mode, `${uid ?? "?"}:${gid ?? "?"}`, `on ${fileSystem ?? "?"}`, ...todo ? [todo] : []]
      .join(", ");
  return [ok ? "ok" : "WRONG", name, `${path}: ${found}`];
}
