/** One setting as the environment has it: its value and where that comes from, or what is wrong. */
import type { ConfigFault } from "./faults.ts";
import type { Setting } from "./settings.ts";
import { NotAllowed } from "./values.ts";

export type Environment = Record<string, string | undefined>;

export interface SettingValue<T> {
  readonly value: T;
  /** The text that became the value: what was written, or the default. */
  readonly text: string;
  /** The variable that the text stands in; undefined: it is the default. */
  readonly from: string | undefined;
}

/** The setting's value, or the one thing that is wrong with it. */
export function settingValue<T>(
  setting: Setting<T>,
  env: Environment,
): SettingValue<T> | { readonly fault: ConfigFault } {
  const { name, oldName, allowed } = setting;
  const own = given(env, name, setting);
  const old = oldName === undefined ? undefined : given(env, oldName, setting);
  if (own !== undefined && old !== undefined && own !== old) {
    const message = `and ${oldName}=${JSON.stringify(old)} disagree`;
    const either = "one of the two, or the same in both";
    return { fault: { name, value: own, message, allowed: either } };
  }
  const from = own !== undefined ? name : old !== undefined ? oldName : undefined;
  const text = own ?? old ?? setting.default;
  try {
    return { value: setting.parse(text), text, from };
  } catch (error) {
    if (!(error instanceof NotAllowed)) throw error;
    return { fault: { name: from ?? name, value: text, message: error.message, allowed } };
  }
}

/** Compose files pass on variables that nobody set as empty: these count as not set, too. */
function given(env: Environment, name: string, setting: Setting<unknown>): string | undefined {
  const text = env[name]?.trim();
  return text === "" && setting.emptyMeans === undefined ? undefined : text;
}
