import { settings } from "../config/settings.ts";

/** The variable that somebody meant who wrote `--broker` or `--metrics-port`; undefined: none. */
export function meantSetting(option: string): string | undefined {
  const wanted = option.replaceAll("-", "_").toUpperCase();
  const all = Object.values(settings);
  const exact = all.find(({ name, oldName }) => name === wanted || oldName === wanted);
  return (exact ?? all.find(({ name }) => name.split("_").includes(wanted)))?.name;
}
