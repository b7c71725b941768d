import { z } from "../../deps.ts";
import type { DeviceLists, DevicePlace, ListedDevice } from "../pipeline/ports.ts";
import { readParts, writeParts } from "./cursor.ts";
import { devicesAbout } from "./devices_about.ts";
import { jsonObject } from "./json.ts";
import type { Pages } from "./pages.ts";
import { nonNegativeNumber, pageLimit, tenantParameter, textParameter } from "./parameters.ts";
import { type ApiRequest, readQuery, type Route } from "./request.ts";
import { wantedTenants } from "./tenant_filter.ts";
import { timeJson } from "./views.ts";

const query = z.object({
  tenant: tenantParameter.optional().describe("Only this tenant's."),
  search: textParameter.optional()
    .describe("A part of the device's id; upper and lower case are the same."),
  sort: z.enum(["last_seen", "score"], { error: "expected last_seen or score" })
    .default("last_seen").describe("What the devices come in the order of."),
  order: z.enum(["desc", "asc"], { error: "expected desc or asc" }).default("desc")
    .describe("`desc`: the newest, or the highest score, first."),
  silent_for: nonNegativeNumber("expected a number of seconds").optional()
    .describe("Only devices whose last result is older than so many seconds."),
  limit: pageLimit({ max: 1000, otherwise: 100 }).describe("Devices in this answer."),
  after: z.string().transform(readPlace)
    .refine((it) => it !== null, { error: "expected the `next` of an earlier answer" })
    .meta({ wire: { type: "string", format: "device-place" } })
    .optional().describe("The `next` of the answer before this one."),
});

/** `GET /api/devices`: all devices, in memory or not, by when they were seen or by their score. */
export function devicesRoute(
  lists: DeviceLists,
  { pages, wallClock }: { pages: Pages; wallClock: () => number },
): Route {
  function get(request: ApiRequest): Promise<Response> {
    const asked = readQuery(query, request);
    const { tenant, search, sort, order, silent_for: silentFor, limit, after } = asked;
    const wanted = {
      sort,
      descending: order === "desc",
      after: after ?? undefined,
      limit,
      tenants: wantedTenants(request.tenants, tenant),
      search,
      silentSince: silentFor === undefined ? undefined : wallClock() - silentFor * 1000,
    };
    return pages.answer(() => text(lists, wanted));
  }

  return { path: "/api/devices", methods: { GET: { handler: get, about: devicesAbout(query) } } };
}

/** Empty pieces while the page is made: between two of them others have their turn. */
function* text(
  lists: DeviceLists,
  query: Parameters<DeviceLists["list"]>[0],
): Iterable<string> {
  const steps = lists.list(query);
  let step = steps.next();
  for (; !step.done; step = steps.next()) yield "";
  const { devices, next } = step.value;
  yield '{"status":"ok","devices":[';
  for (const [i, device] of devices.entries()) yield (i === 0 ? "" : ",") + deviceText(device);
  const end = jsonObject([["next", next === undefined ? undefined : writePlace(next)]]).text;
  yield end === "{}" ? "]}" : `],${end.slice(1)}`;
}

function deviceText(it: ListedDevice): string {
  return jsonObject([
    ["tenant_id", it.tenant],
    ["device_id", it.device],
    ["last_seen", it.lastSeen === "" ? null : it.lastSeen],
    ["results", it.results],
    ["last_processed", it.lastProcessed === null ? null : timeJson(it.lastProcessed)],
    ["last_score", it.lastScore],
  ]).text;
}

/** null: it is none. */
function readPlace(text: string): DevicePlace | null {
  const [value, tenant, device, ...more] = readParts(text) ?? [];
  return (value === null || typeof value === "number") && typeof tenant === "string" &&
      typeof device === "string" && more.length === 0
    ? { value, tenant, device }
    : null;
}

function writePlace({ value, tenant, device }: DevicePlace): string {
  return writeParts([value, tenant, device]);
}
