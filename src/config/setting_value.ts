/** One setting as the environment has it: its value and where that comes from, or what is wrong. */
import { type ConfigFault, valueText } from "./faults.ts";
import type { Setting } from "./setting.ts";
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
    const wrong = [[name, own], [oldName, old]].flatMap(([it, text]) => {
      const reason = faultOf(setting, text!);
      return reason === undefined ? [] : [`; ${it} ${reason}`];
    });
    const message = `and ${oldName}=${JSON.stringify(valueText(oldName!, old))} disagree${
      wrong.join("")
    }`;
    const either = wrong.length === 0
      ? "one of the two, or the same in both"
      : `one of the two, or the same in both: ${allowed}`;
    return { fault: { name, value: own, message, allowed: either } };
  }
  const from = own !== undefined ? name : old !== undefined ? oldName : undefined;
  const text = own ?? old ?? setting.default;
  const reason = faultOf(setting, text);
  if (reason === undefined) return { value: setting.parse(text), text, from };
  return { fault: { name: from ?? name, value: text, message: reason, allowed } };
}

/** Why the setting doesn't take a text; undefined: it does. */
function faultOf(setting: Setting<unknown>, text: string): string | undefined {
  try {
    setting.parse(text);
    return undefined;
  } catch (error) {
    if (error instanceof NotAllowed) return error.message;
    throw error;
  }
}

/** Compose files pass on variables that nobody set as empty: these count as not set, too. */
function given(env: Environment, name: string, setting: Setting<unknown>): string | undefined {
  const text = env[name]?.trim();
  return text === "" && setting.emptyMeans === undefined ? undefined : text;
}
