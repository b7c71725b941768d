import { z } from "../../deps.ts";
import type { Statistics } from "../pipeline/ports.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { deviceName } from "./device_names.ts";
import { JSON_HEADERS, jsonObject, type JsonText } from "./json.ts";
import type { Pages } from "./pages.ts";
import { pageLimit, tenantParameter } from "./parameters.ts";
import { type ApiRequest, readQuery, type Route } from "./request.ts";
import { statsAbout } from "./stats_about.ts";
import { deviceJson, seriesJson, timeJson } from "./views.ts";

const MAX_PAGE = 1000;

const query = z.object({
  limit: pageLimit({ max: MAX_PAGE, otherwise: MAX_PAGE }).describe(
    "Devices in this answer. Fewer come where their windows have more than 500,000 values together.",
  ),
  after: z.string().transform(readCursor)
    .refine((it) => it !== null, { error: "expected the `next` of an earlier answer" })
    .meta({ wire: { type: "string", format: "cursor" } })
    .optional().describe("The `next` of the answer before this one."),
  tenant: tenantParameter.optional().describe("Only this tenant's devices."),
  readings: z.enum(["true", "false"], { error: "expected true or false" }).default("true")
    .describe("`false`: without the windows' values."),
});

/** A page of so many devices without their windows' values costs no more than other requests do. */
const SMALL_PAGE = 100;

/** `GET /api/stats`: the global statistics and a page of devices. */
export function statsRoute(statistics: Statistics, pages: Pages): Route {
  function get(request: ApiRequest): Response | Promise<Response> {
    const { limit, after, tenant, ...rest } = readQuery(query, request);
    const readings = rest.readings === "true";
    const { tenants } = request;
    const gather = () =>
      gathered(statistics, { limit, after: after ?? undefined, tenant, tenants, readings });
    if (readings || limit > SMALL_PAGE) return pages.answer(gather);
    return new Response([...gather()].join(""), { headers: JSON_HEADERS });
  }
  return { path: "/api/stats", methods: { GET: { handler: get, about: statsAbout(query) } } };
}

/** One moment of the state, taken now; its text in pieces, which may be taken later. */
function gathered(
  statistics: Statistics,
  wanted: Parameters<Statistics["page"]>[0] & { tenants: ReadonlySet<string> | null },
): Iterable<string> {
  const { devices, more } = statistics.page(wanted);
  const { tenants } = wanted;
  const exists = (tenant: string, device: string) =>
    (tenants === null || tenants.has(tenant)) && statistics.knows(tenant, device);
  const names = devices.map((view) => deviceName(view, exists));
  const last = devices.at(-1);
  // What is counted over everybody tells of others: who is limited to tenants doesn't get it.
  const global = tenants === null ? `${globalJson(statistics).text.slice(0, -1)},` : "{";
  const end = jsonObject([
    ["processing", processingJson(statistics, { everybodys: tenants === null })],
    ["next", more && last !== undefined ? writeCursor(last) : undefined],
  ]).text.slice(1);
  return (function* () {
    yield `{"status":"ok","data":${global}"devices":{`;
    for (const [i, view] of devices.entries()) {
      yield `${i === 0 ? "" : ","}${JSON.stringify(names[i])}:${deviceJson(view, wanted).text}`;
    }
    yield `}},${end}`;
  })();
}

function globalJson(statistics: Statistics): JsonText {
  const { temperature, humidity, metrics } = statistics.global();
  const further = metrics.map(({ name, series }) => [name, seriesJson(series)] as const);
  return jsonObject([
    ["temperature", seriesJson(temperature)],
    ["humidity", seriesJson(humidity)],
    ["metrics", further.length === 0 ? undefined : jsonObject(further)],
  ]);
}

function processingJson(
  statistics: Statistics,
  { everybodys }: { everybodys: boolean },
): JsonText {
  const it = statistics.processing();
  if (!everybodys) {
    return jsonObject([["running", it.running], ["last_started", timeJson(it.lastStarted)]]);
  }
  return jsonObject(Object.entries({
    running: it.running,
    messages_processed: it.messagesProcessed,
    last_processed: timeJson(it.lastProcessed),
    last_started: timeJson(it.lastStarted),
    errors: it.errors,
    sampled_out: it.sampledOut,
  }));
}
