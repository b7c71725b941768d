/**
 * Variables whose names are one slip away from a setting's. The environment belongs to other programs,
 * too, so such a name is no fault: it is only told.
 */
import { nearName } from "../core/near_name.ts";
import type { Environment } from "./setting_value.ts";
import { type Setting, settings } from "./settings.ts";

/** In shorter names one letter makes another word: PORT, SORT, HOST, POST. */
const SHORTEST = 6;

/** A sentence for each; nothing where the setting that was probably meant is set, too. */
export function nearMisses(env: Environment): string[] {
  const all = Object.values<Setting<unknown>>(settings);
  const known = all.flatMap(({ name, oldName }) =>
    oldName === undefined ? [name] : [name, oldName]
  );
  const candidates = known.filter((name) => name.length >= SHORTEST);
  return Object.keys(env).sort().flatMap((name) => {
    if (name.length < SHORTEST || env[name] === undefined || known.includes(name)) return [];
    const meant = nearName(name.toUpperCase(), candidates, () => 1);
    if (meant === undefined || isSet(all, meant, env)) return [];
    return [`${name} is no setting and does nothing here; did you mean ${meant}?`];
  });
}

/** By either name. */
function isSet(all: readonly Setting<unknown>[], meant: string, env: Environment): boolean {
  const { name, oldName } = all.find((it) => it.name === meant || it.oldName === meant)!;
  return env[name] !== undefined || (oldName !== undefined && env[oldName] !== undefined);
}
