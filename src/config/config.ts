/** Environment and files become one typed, frozen `Config`; every fault is reported at once. */
import { type ConfigFault, ConfigFaults } from "./faults.ts";
import type { Files } from "./files.ts";
import { type KafkaSecurity, kafkaSecurity } from "./kafka_security.ts";
import { kafkaSettings } from "./kafka_settings.ts";
import type { Setting } from "./setting.ts";
import { inShadow } from "./shadow.ts";
import { type Environment, settingValue } from "./setting_value.ts";
import { settings, type SettingValues } from "./settings.ts";
import { noTenants, readTenants, type Tenants } from "./tenants.ts";
import { accessWarnings, tokensMissing } from "./open_access.ts";
import { readTlsPair, type TlsPair } from "./tls_pair.ts";
import { unknownNames } from "./unknown_names.ts";

export interface Config extends SettingValues {
  readonly tenants: Tenants;
  /** Of the HTTP API; undefined: it isn't encrypted. */
  readonly tls: TlsPair | undefined;
  readonly kafkaSecurity: KafkaSecurity;
}

/** What the output topic's client can promise. */
export type Delivery = "exactly_once" | "at_least_once";

export type { Environment, Files, KafkaSecurity };

/** Throws `ConfigFaults` with everything that is wrong. Reads no file but those that settings name. */
export function readConfig(env: Environment, files: Files): Config {
  const faults: ConfigFault[] = [];
  const table = readTable(settings, { env, faults });
  const read = (table.mode === "shadow" ? inShadow(table, faults) : table) as SettingValues;
  checkTogether(read, faults);
  const security = kafkaSecurity(read, { read: (path) => files.read(path), faults });
  const tls = readTlsPair(read, { read: (path) => files.read(path), faults });
  const before = faults.length;
  const tenants = tenantsOf(read.tenantsFile, { files, faults });
  // A file that is wrong says nothing about tokens.
  if (faults.length === before && tokensMissing(read, tenants.tokens)) {
    const { name, allowed } = settings.host;
    const message = "can be reached from other machines, and there is no token in TENANTS_FILE";
    faults.push({ name, value: read.host, message, allowed });
  }
  faults.push(...unknownNames(env, knownNames()));
  if (faults.length > 0) throw new ConfigFaults(faults);
  return Object.freeze({ ...read, tenants, kafkaSecurity: security, tls });
}

/** For commands that need no other settings. Throws `ConfigFaults`. */
export function readKafkaSecurity(env: Environment, read: Files["read"]): KafkaSecurity {
  const faults: ConfigFault[] = [];
  const security = kafkaSecurity(readTable(kafkaSettings, { env, faults }), { read, faults });
  if (faults.length > 0) throw new ConfigFaults(faults);
  return security;
}

/** The value of every setting in the table that has no fault. */
function readTable(
  table: Readonly<Record<string, Setting<unknown>>>,
  { env, faults }: { env: Environment; faults: ConfigFault[] },
): Partial<SettingValues> {
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(table)) {
    const read = settingValue<unknown>(setting, env);
    if ("fault" in read) faults.push(read.fault);
    else values[key] = read.value;
  }
  return values as Partial<SettingValues>;
}

/** What holds for the output topic: more than OUTPUT_DELIVERY asks for is no fault. */
export function outputDelivery(client: SettingValues["kafkaClient"]): Delivery {
  return client === "kafkajs" ? "at_least_once" : "exactly_once";
}

/** Things that are allowed, but seldom meant; a sentence each. */
export function configWarnings(config: Config): string[] {
  const { kafkaEnabled, kafkaClient, kafkaSecurityProtocol, outputTopic, storageUrl } = config;
  const warnings = accessWarnings(config);
  if (!kafkaEnabled) return warnings;
  if (outputTopic !== "" && storageUrl !== "") {
    warnings.push(
      "results go to OUTPUT_TOPIC and to STORAGE_SERVICE_URL: a storage service that reads the output " +
        "topic by itself stores each twice; leave one of the two empty",
    );
  }
  if (outputTopic !== "" && outputDelivery(kafkaClient) === "at_least_once") {
    warnings.push(
      `results go to OUTPUT_TOPIC at least once: KAFKA_CLIENT=${kafkaClient} can't keep its producer's ` +
        "identity over a restart, so a kill may send some twice; consumers can drop them by the id",
    );
  }
  if (
    kafkaSecurityProtocol === "SASL_PLAINTEXT" && config.kafkaSecurity.sasl?.mechanism === "PLAIN"
  ) {
    warnings.push(
      "KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT with the mechanism PLAIN sends the password over the " +
        "network as it is; SASL_SSL or a SCRAM mechanism doesn't",
    );
  }
  return warnings;
}

function knownNames(): string[] {
  return Object.values(settings).flatMap(({ name, oldName }) =>
    oldName === undefined ? [name] : [name, oldName]
  );
}

/** What no setting can know alone. A value that was at fault itself is undefined here. */
function checkTogether(values: Partial<SettingValues>, faults: ConfigFault[]): void {
  const { inputTopic, outputTopic, deadLetterTopic, kafkaClient } = values;
  if (values.outputDelivery === "exactly_once" && kafkaClient === "kafkajs") {
    const message = "is more than KAFKA_CLIENT=kafkajs can do: it sends at least once";
    const { name, allowed } = settings.outputDelivery;
    faults.push({ name, value: values.outputDelivery, message, allowed });
  }
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
