import { z } from "../../deps.ts";
import type { Statistics } from "../pipeline/ports.ts";
import { answer, errorAnswer } from "./json.ts";
import { tenantParameter } from "./parameters.ts";
import { type ApiRequest, readQuery, type Route } from "./request.ts";
import { deviceStatsAbout } from "./stats_about.ts";
import { deviceJson } from "./views.ts";

const query = z.object({
  tenant: tenantParameter.optional()
    .describe("Which tenant's, where several have a device of this id."),
});

/** Tenants that a 409 names. */
const MAX_NAMED = 20;

/** `GET /api/stats/device/:id`: one device's windows. */
export function deviceStatsRoute(statistics: Statistics): Route {
  function get(request: ApiRequest): Response {
    const device = request.param("id") ?? "";
    const tenants = readTenants(device, readQuery(query, request).tenant);
    if (tenants.length > 1) return ambiguous(device, tenants);
    const view = tenants.length === 0 ? undefined : statistics.device(tenants[0], device);
    if (view === undefined) return errorAnswer(404, `No data for device ${device}`);
    return answer({
      status: "ok",
      device_id: view.device,
      tenant_id: view.tenant,
      data: deviceJson(view, { readings: true }),
    });
  }

  function readTenants(device: string, named: string | undefined): string[] {
    return named === undefined ? statistics.tenantsOf(device) : [named];
  }

  return {
    path: "/api/stats/device/:id",
    methods: { GET: { handler: get, about: deviceStatsAbout(query) } },
  };
}

function ambiguous(device: string, tenants: readonly string[]): Response {
  const rest = tenants.length > MAX_NAMED ? ` and ${tenants.length - MAX_NAMED} more` : "";
  const named = tenants.slice(0, MAX_NAMED).join(", ") + rest;
  return errorAnswer(
    409,
    `Device ${device} exists in ${tenants.length} tenants: ${named}; name one with ?tenant=`,
  );
}
