import { z } from "../../deps.ts";
import type { ListedTenant, SettingsInForce, TenantLists } from "../pipeline/ports.ts";
import { readParts, writeParts } from "./cursor.ts";
import { jsonObject, type JsonText } from "./json.ts";
import type { Pages } from "./pages.ts";
import { pageLimit, tenantParameter } from "./parameters.ts";
import { type ApiRequest, readQuery, type Route } from "./request.ts";
import { tenantsAbout } from "./tenants_about.ts";
import { wantedTenants } from "./tenant_filter.ts";
import { timeJson } from "./views.ts";

const query = z.object({
  tenant: tenantParameter.optional().describe("Only this one."),
  limit: pageLimit({ max: 1000, otherwise: 100 }).describe("Tenants in this answer."),
  after: z.string().transform(readName)
    .refine((it) => it !== null, { error: "expected the `next` of an earlier answer" })
    .meta({ wire: { type: "string", format: "tenant-place" } })
    .optional().describe("The `next` of the answer before this one."),
});

/** `GET /api/tenants`: what each has and may, by name. */
export function tenantsRoute(lists: TenantLists, pages: Pages): Route {
  function get(request: ApiRequest): Promise<Response> {
    const { tenant, limit, after } = readQuery(query, request);
    const wanted = {
      after: after ?? undefined,
      limit,
      tenants: wantedTenants(request.tenants, tenant),
    };
    // What holds for those that nobody has named concerns who may see all of them.
    const others = request.tenants === null ? lists.others() ?? null : undefined;
    return pages.answer(() => text(lists, { wanted, others }));
  }

  return { path: "/api/tenants", methods: { GET: { handler: get, about: tenantsAbout(query) } } };
}

/** Empty pieces while the page is made: between two of them others have their turn. */
function* text(
  lists: TenantLists,
  of: {
    wanted: Parameters<TenantLists["list"]>[0];
    others: SettingsInForce | null | undefined;
  },
): Iterable<string> {
  const steps = lists.list(of.wanted);
  let step = steps.next();
  for (; !step.done; step = steps.next()) yield "";
  const { tenants, next } = step.value;
  const { others } = of;
  const head = jsonObject([["status", "ok"], ["others", others && settingsJson(others)]]).text;
  yield `${head.slice(0, -1)},"tenants":[`;
  for (const [i, tenant] of tenants.entries()) yield (i === 0 ? "" : ",") + tenantText(tenant);
  yield `]${next === undefined ? "" : `,"next":${JSON.stringify(writeParts([next]))}`}}`;
}

function tenantText(it: ListedTenant): string {
  const { settings } = it;
  return jsonObject([
    ["tenant_id", it.tenant],
    ["display_name", it.displayName],
    ["named", it.isNamed],
    ["devices", it.devices],
    ["results", it.results],
    ["last_processed", it.lastProcessed === null ? null : timeJson(it.lastProcessed)],
    ["quota_use", quotaUseJson(it)],
    ["settings", settings === undefined ? null : settingsJson(settings)],
  ]).text;
}

/** undefined: it has no quotas. */
function quotaUseJson({ settings, rate, devices }: ListedTenant): JsonText | undefined {
  const readings = rate && jsonObject([["used", rate.burst - rate.available], ["of", rate.burst]]);
  const most = settings?.quotas?.devices;
  if (readings === undefined && most === undefined) return undefined;
  return jsonObject([
    ["readings", readings],
    ["devices", most === undefined ? undefined : jsonObject([["used", devices], ["of", most]])],
  ]);
}

/** In the words of the tenants' file. */
function settingsJson(settings: SettingsInForce): JsonText {
  const { threshold, sampling, maxReadings, quotas, detectors } = settings;
  return jsonObject([
    ["threshold", threshold],
    ["sampling", sampling],
    ["max_readings", maxReadings],
    [
      "quotas",
      quotas && jsonObject([
        ["readings_per_second", quotas.readingsPerSecond],
        ["burst", quotas.burst],
        ["devices", quotas.devices],
        ["backlog_share", quotas.backlogShare],
        ["over", quotas.over],
      ]),
    ],
    [
      "detectors",
      detectors.map(({ type, metric, min, max, weight }) => ({
        type,
        metric,
        min: Number.isFinite(min) ? min : undefined,
        max: Number.isFinite(max) ? max : undefined,
        weight,
      })),
    ],
  ]);
}

/** null: it is none. */
function readName(text: string): string | null {
  const [tenant, ...more] = readParts(text) ?? [];
  return typeof tenant === "string" && more.length === 0 ? tenant : null;
}
