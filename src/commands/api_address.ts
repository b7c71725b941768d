import { ConfigFaults } from "../config/faults.ts";
import { type Environment, settingValue } from "../config/setting_value.ts";
import { type Setting, settings } from "../config/settings.ts";

/** One setting alone, for commands that need no others. Throws `ConfigFaults`. */
export function oneSetting<T>(setting: Setting<T>, env: Environment): T {
  const read = settingValue(setting, env);
  if ("fault" in read) throw new ConfigFaults([read.fault]);
  return read.value;
}

const ANY = new Map([["0.0.0.0", "127.0.0.1"], ["::", "::1"]]);

/** Where one that listens there answers on this machine: all addresses are asked on this machine's own. */
export function localAddress({ host, port }: { host: string; port: number }): string {
  const asked = ANY.get(host) ?? host;
  return `http://${asked.includes(":") ? `[${asked}]` : asked}:${port}`;
}

/**
 * Where an engine with these settings answers on this machine: `http://host:port`. Throws `ConfigFaults`, also where the port is 0:
 * nobody knows then which one the engine took.
 */
export function apiAddress(env: Environment): string {
  const { name, allowed } = settings.port;
  const port = oneSetting(settings.port, env);
  if (port === 0) {
    const message = "is any free port: nobody knows which";
    throw new ConfigFaults([{ name, value: "0", message, allowed: `${allowed}, but not 0 here` }]);
  }
  return localAddress({ host: oneSetting(settings.host, env), port });
}
