export const MAX_TENANT_NAME = 256;

/** The same rule as for a reading's `tenant_id`. */
export function isName(name: string): boolean {
  return name.trim() !== "" && !/\p{Cc}/u.test(name) && name.isWellFormed() &&
    [...name].length <= MAX_TENANT_NAME;
}
