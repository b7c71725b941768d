/** Whose data a list shows: of those that the request may see, the one that it asks for, or all. */

/** undefined: everybody's. */
export function wantedTenants(
  allowed: ReadonlySet<string> | null,
  tenant: string | undefined,
): ReadonlySet<string> | undefined {
  if (tenant === undefined) return allowed ?? undefined;
  return new Set(allowed === null || allowed.has(tenant) ? [tenant] : []);
}
