import { z } from "../../deps.ts";
import type { Statistics } from "../pipeline/ports.ts";
import { chosenTenant, noData } from "./device_choice.ts";
import { answer } from "./json.ts";
import { tenantParameter } from "./parameters.ts";
import { type ApiRequest, readQuery, type Route } from "./request.ts";
import { deviceStatsAbout } from "./stats_about.ts";
import { deviceJson } from "./views.ts";

const query = z.object({
  tenant: tenantParameter.optional()
    .describe("Which tenant's, where several have a device of this id."),
});

/** `GET /api/stats/device/:id`: one device's windows. */
export function deviceStatsRoute(statistics: Statistics): Route {
  function get(request: ApiRequest): Response {
    const device = request.param("id") ?? "";
    const { tenant: named } = readQuery(query, request);
    const tenant = chosenTenant(statistics, { request, device, tenant: named });
    const view = statistics.device(tenant, device);
    if (view === undefined) throw noData(device);
    return answer({
      status: "ok",
      device_id: view.device,
      tenant_id: view.tenant,
      data: deviceJson(view, { readings: true }),
    });
  }

  return {
    path: "/api/stats/device/:id",
    methods: { GET: { handler: get, about: deviceStatsAbout(query) } },
  };
}
