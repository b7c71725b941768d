import { callerNames } from "../config/caller_names.ts";
import { ConfigFaults } from "../config/faults.ts";
import { type Environment, settingValue } from "../config/setting_value.ts";
import { type Setting, setting } from "../config/setting.ts";
import { settings } from "../config/settings.ts";
import { parseServiceUrl } from "../config/values.ts";

/** One setting alone, for commands that need no others. Throws `ConfigFaults`. */
export function oneSetting<T>(one: Setting<T>, env: Environment): T {
  const read = settingValue(one, env);
  if ("fault" in read) throw new ConfigFaults([read.fault]);
  return read.value;
}

const ANY = new Map([["0.0.0.0", "127.0.0.1"], ["::", "::1"]]);

/** Where one that listens there answers on this machine: all addresses are asked on this machine's own. */
export function localAddress(
  { host, port, tlsCert = "" }: { host: string; port: number; tlsCert?: string },
): string {
  const asked = ANY.get(host) ?? host;
  return `${tlsCert === "" ? "http" : "https"}://${
    asked.includes(":") ? `[${asked}]` : asked
  }:${port}`;
}

const callersUrl = setting({
  name: callerNames.url,
  default: "",
  emptyMeans: "HOST and METRICS_PORT count",
  allowed: "an http or https address without user, password, query and fragment, or nothing",
  meaning: "Where commands find the engine.",
  parse: parseServiceUrl,
});

/**
 * Where the environment says that an engine is, or where one with these settings answers on this
 * machine: `http://host:port`. Throws `ConfigFaults`, also where the port is 0: nobody knows then which
 * one the engine took.
 */
export function apiAddress(env: Environment): string {
  const named = oneSetting(callersUrl, env);
  if (named !== "") return named;
  const { name, allowed } = settings.port;
  const port = oneSetting(settings.port, env);
  if (port === 0) {
    const message = "is any free port: nobody knows which";
    throw new ConfigFaults([{ name, value: "0", message, allowed: `${allowed}, but not 0 here` }]);
  }
  const tlsCert = oneSetting(settings.tlsCert, env);
  return localAddress({ host: oneSetting(settings.host, env), port, tlsCert });
}
