/** Which device a path means: an id may exist in several tenants. */
import type { Statistics } from "../pipeline/ports.ts";
import { type ApiRequest, Refusal } from "./request.ts";

/** Tenants that a 409 names. */
const MAX_NAMED = 20;

/**
 * The tenant whose device is meant, as far as the request may see it. Refuses with 404 where there is
 * none, with 409 where there are several and none is named.
 */
export function chosenTenant(
  statistics: Statistics,
  of: { request: ApiRequest; device: string; tenant: string | undefined },
): string {
  const { device, tenant, request: { tenants: allowed } } = of;
  const all = tenant === undefined ? statistics.tenantsOf(device) : [tenant];
  const seen = allowed === null ? all : all.filter((it) => allowed.has(it));
  if (seen.length === 1) return seen[0];
  if (seen.length === 0) throw noData(device);
  const rest = seen.length > MAX_NAMED ? ` and ${seen.length - MAX_NAMED} more` : "";
  const named = seen.slice(0, MAX_NAMED).join(", ") + rest;
  throw new Refusal(
    409,
    `Device ${device} exists in ${seen.length} tenants: ${named}; name one with ?tenant=`,
  );
}

export function noData(device: string): Refusal {
  return new Refusal(404, `No data for device ${device}`);
}
