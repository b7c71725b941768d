/** Environment and files become one typed, frozen `Config`; every fault is reported at once. */
import { type ConfigFault, ConfigFaults } from "./faults.ts";
import type { Files } from "./files.ts";
import { type Environment, settingValue } from "./setting_value.ts";
import { settings, type SettingValues } from "./settings.ts";
import { noTenants, readTenants, type Tenants } from "./tenants.ts";
import { unknownNames } from "./unknown_names.ts";
import { isLoopback } from "./values.ts";

export interface Config extends SettingValues {
  readonly tenants: Tenants;
}

export type { Environment, Files };

/** Throws `ConfigFaults` with everything that is wrong. Reads no file but `TENANTS_FILE`. */
export function readConfig(env: Environment, files: Files): Config {
  const faults: ConfigFault[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(settings)) {
    const read = settingValue<unknown>(setting, env);
    if ("fault" in read) faults.push(read.fault);
    else values[key] = read.value;
  }
  const read = values as SettingValues;
  checkTogether(read, faults);
  const tenants = tenantsOf(read.tenantsFile, { files, faults });
  faults.push(...unknownNames(env, knownNames()));
  if (faults.length > 0) throw new ConfigFaults(faults);
  return Object.freeze({ ...read, tenants });
}

/** Things that are allowed, but seldom meant; a sentence each. */
export function configWarnings(config: Config): string[] {
  if (!config.kafkaEnabled || config.outputTopic === "" || config.storageUrl === "") return [];
  return [
    "results go to OUTPUT_TOPIC and to STORAGE_SERVICE_URL: a storage service that reads the output " +
    "topic by itself stores each twice; leave one of the two empty",
  ];
}

function knownNames(): string[] {
  return Object.values(settings).flatMap(({ name, oldName }) =>
    oldName === undefined ? [name] : [name, oldName]
  );
}

/** What no setting can know alone. A value that was at fault itself is undefined here. */
function checkTogether(values: Partial<SettingValues>, faults: ConfigFault[]): void {
  const { inputTopic, outputTopic, deadLetterTopic, host, allowAnonymous } = values;
  if (inputTopic !== undefined && inputTopic === outputTopic) {
    const message = "is the input topic: results would be read as readings";
    faults.push({
      name: settings.outputTopic.name,
      value: outputTopic,
      message,
      allowed: settings.outputTopic.allowed,
    });
  }
  if (deadLetterTopic && [inputTopic, outputTopic].includes(deadLetterTopic)) {
    const { name, allowed } = settings.deadLetterTopic;
    const message = `is the ${deadLetterTopic === inputTopic ? "input" : "output"} topic`;
    faults.push({ name, value: deadLetterTopic, message, allowed });
  }
  if (host !== undefined && !isLoopback(host) && allowAnonymous === false) {
    const message = "can be reached from other machines, and requests need no token";
    faults.push({ name: settings.host.name, value: host, message, allowed: settings.host.allowed });
  }
}

function tenantsOf(
  path: string | undefined,
  { files, faults }: { files: Files; faults: ConfigFault[] },
): Tenants {
  if (path === undefined || path === "") return noTenants;
  const { name, allowed } = settings.tenantsFile;
  const report = (message: string) => void faults.push({ name, value: path, message, allowed });
  return readTenants(path, { files, report });
}
