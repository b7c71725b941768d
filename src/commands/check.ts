import { type Config, configWarnings, readConfig } from "../config/config.ts";
import {
  type ConfigFault,
  ConfigFaults,
  faultLine,
  isSecret,
  valueText,
} from "../config/faults.ts";
import { nearMisses } from "../config/near_misses.ts";
import { type Environment, settingValue } from "../config/setting_value.ts";
import { type Setting, settings, type SettingValues } from "../config/settings.ts";
import { type Files, openFiles } from "../config/files.ts";
import type { Quotas, TenantSettings } from "../config/tenants.ts";
import { withVerdicts } from "./colours.ts";
import { columns } from "./columns.ts";
import { type Connection, connectionsText } from "./connection.ts";
import { exitCodes } from "./exit_codes.ts";

/** What `check` knows; with `--json` this is what it prints. */
export interface Findings {
  readonly ok: boolean;
  readonly settings: readonly CheckedSetting[];
  /** Absent without a `TENANTS_FILE`, or with one that is wrong. */
  readonly tenants?: CheckedTenants;
  readonly warnings: readonly string[];
  readonly faults: readonly string[];
  /** With `--connect`, unless the settings are wrong. */
  readonly connections?: readonly Connection[];
}

export interface CheckedSetting {
  readonly name: string;
  /** As the engine understands it; null: wrong, or hidden. */
  readonly value: unknown;
  /** The text that it was read from. */
  readonly text: string;
  /** The variable that it stands in; null: it is the default. */
  readonly from: string | null;
}

interface CheckedTenants {
  readonly file: string;
  /** What tenants have that aren't named. */
  readonly defaults: TenantSettings;
  readonly unknownTenants: "accept" | "reject";
  readonly named: Readonly<Record<string, TenantSettings & { readonly displayName: string }>>;
}

/** More tenants than a person reads are only counted. */
const TENANTS_SHOWN = 20;

export interface CheckOptions {
  readonly json?: boolean;
  readonly connect?: boolean;
  /** s, for each part. */
  readonly timeout: number;
}

/** Prints the settings as they are understood and everything that is wrong; the exit code. */
export async function check(options: CheckOptions): Promise<number> {
  const env = Deno.env.toObject();
  const files = await openFiles(env);
  const findings = findingsOf(env, files);
  // Wrong settings lead nowhere: they are told, and nothing is connected to.
  const connections = options.connect && findings.ok
    ? await (await import("./connect_check.ts")).connectAll(
      readConfig(env, files),
      options.timeout * 1000,
    )
    : undefined;
  const ok = findings.ok && (connections ?? []).every((it) => it.ok);
  const found = connections === undefined ? findings : { ...findings, ok, connections };
  console.log(options.json ? JSON.stringify(found, finite, 2) : withVerdicts(findingsText(found)));
  if (!findings.ok) return exitCodes.usage;
  return ok ? exitCodes.done : exitCodes.failed;
}

/** Reads no file but those that settings name, and connects to nothing. */
export function findingsOf(env: Environment, files: Files): Findings {
  let config: Config | undefined;
  let faults: readonly ConfigFault[] = [];
  try {
    config = readConfig(env, files);
  } catch (error) {
    if (!(error instanceof ConfigFaults)) throw error;
    faults = error.list;
  }
  return {
    ok: faults.length === 0,
    settings: Object.entries<Setting<unknown>>(settings).map(([key, setting]) => {
      const checked = checkedSetting(setting, env);
      // One setting can hold for others: MODE does.
      const value = config?.[key as keyof SettingValues];
      return typeof value === "string" && !isSecret(setting.name)
        ? { ...checked, value: valueText(setting.name, value) }
        : checked;
    }),
    ...(config === undefined || config.tenantsFile === "" ? {} : {
      tenants: checkedTenants(config),
    }),
    warnings: [...nearMisses(env), ...(config === undefined ? [] : configWarnings(config))],
    faults: faults.map(faultLine),
  };
}

/** One setting as the environment has it. */
export function checkedSetting(setting: Setting<unknown>, env: Environment): CheckedSetting {
  const { name } = setting;
  const read = settingValue(setting, env);
  if ("fault" in read) {
    const { name: from, value } = read.fault;
    return { name, value: null, text: valueText(from, value), from };
  }
  const { value, from = null } = read;
  const shown = typeof value === "string" ? valueText(name, value) : value;
  return { name, value: isSecret(name) ? null : shown, text: valueText(name, read.text), from };
}

function checkedTenants({ tenantsFile: file, tenants }: Config): CheckedTenants {
  const { named, defaults, acceptsUnknown } = tenants;
  return {
    file,
    defaults,
    unknownTenants: acceptsUnknown ? "accept" : "reject",
    named: Object.fromEntries([...named].map(([name, tenant]) => [name, {
      displayName: tenant.displayName,
      ...tenant.settings,
    }])),
  };
}

/** JSON knows no infinity: a bound that isn't there is left out. */
function finite(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? undefined : value;
}

export function findingsText(findings: Findings): string {
  const parts = [columns(findings.settings.map(settingRow))];
  if (findings.tenants !== undefined) parts.push(tenantsText(findings.tenants));
  if (findings.warnings.length > 0) {
    parts.push(findings.warnings.map((warning) => `Warning: ${warning}`).join("\n"));
  }
  const { length } = findings.faults;
  parts.push(
    length === 0
      ? "The settings are right."
      : [`${length} ${length === 1 ? "thing is" : "things are"} wrong:`, ...findings.faults]
        .join("\n  "),
  );
  const { connections } = findings;
  if (connections !== undefined) parts.push(connectionsText(connections));
  return parts.join("\n\n");
}

function settingRow({ name, value, text, from }: CheckedSetting): string[] {
  const source = from === null ? "default" : from === name ? "environment" : `old name ${from}`;
  if (value === null) return [name, text, isSecret(name) ? source : `${source}; WRONG`];
  const understood = Array.isArray(value) ? value.join(",") : String(value);
  const note = understood === text ? "" : ` (${text})`;
  return [name, (understood || '""') + note, source];
}

function tenantsText({ file, defaults, unknownTenants, named }: CheckedTenants): string {
  const names = Object.keys(named);
  const rows = names.slice(0, TENANTS_SHOWN).map((name) => [name, ...tenantCells(named[name])]);
  const others = unknownTenants === "accept" ? tenantCells(defaults) : ["rejected"];
  const lines = [
    `Tenants, from ${file}: ${names.length} named`,
    ...columns([["(all others)", ...others], ...rows]).split("\n"),
  ];
  if (names.length > rows.length) lines.push(`and ${names.length - rows.length} more`);
  return lines.join("\n  ");
}

function tenantCells(settings: TenantSettings): string[] {
  const { threshold, sampling, maxReadings, quotas, detectors } = settings;
  const shown = detectors.map(({ type, metric, min, max, weight }) =>
    `${type} ${metric} ${bound(min)}..${bound(max)}${weight === 1 ? "" : ` weight ${weight}`}`
  );
  const cells = [`threshold ${threshold}`, `sampling ${sampling}`];
  if (maxReadings !== undefined) cells.push(`max_readings ${maxReadings}`);
  if (quotas !== undefined) cells.push(`quotas ${quotasText(quotas)}`);
  return [...cells, shown.join(", ") || "no detectors"];
}

function quotasText({ readingsPerSecond, burst, devices, backlogShare, over }: Quotas): string {
  const limits = [
    ...(readingsPerSecond === undefined ? [] : [`${readingsPerSecond}/s`]),
    ...(burst === undefined ? [] : [`burst ${burst}`]),
    ...(devices === undefined ? [] : [`${devices} devices`]),
    ...(backlogShare === undefined ? [] : [`${backlogShare * 100} % of the backlog`]),
  ];
  return `${limits.join(", ") || "none"}, then ${over}`;
}

function bound(value: number): string {
  return Number.isFinite(value) ? String(value) : "";
}
