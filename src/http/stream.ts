import { z } from "../../deps.ts";
import { NameSet } from "../core/name_set.ts";
import { tenantParameter, textParameter } from "./parameters.ts";
import { type ApiRequest, readQuery, type Route } from "./request.ts";
import { EVENT_STREAM, streamAbout } from "./stream_about.ts";
import type { StreamReaders } from "./stream_readers.ts";
import type { StreamFilter } from "./stream_reader.ts";

const query = z.object({
  tenant: tenantParameter.optional().describe("Only this tenant's results."),
  device: textParameter.optional()
    .describe("Only results of devices of this id, whichever tenant's."),
  anomalies: z.enum(["true", "false"], { error: "expected true or false" })
    .default("false").transform((text) => text === "true")
    .describe("`true`: only anomalies."),
  after: textParameter.optional().describe(
    "An event's id: the stream begins behind it. The header `Last-Event-ID`, which `EventSource` sends " +
      "when it comes back, goes before it.",
  ),
});

/** Nobody may keep it, pack it, or hold it back to send more at once (nginx does unless told). */
const HEADERS = {
  "content-type": EVENT_STREAM,
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
};

/** `GET /api/stream`: results as they are committed, as Server-Sent Events. */
export function streamRoute(readers: StreamReaders): Route {
  function get(request: ApiRequest): Response {
    const { raw, tenants, completed } = request;
    const { after, ...wanted } = readQuery(query, request);
    if (raw.method === "HEAD") {
      readers.refuseSurplus(tenants);
      return new Response(null, { headers: HEADERS });
    }
    const body = readers.open({
      filter: filterOf(wanted, tenants),
      after: raw.headers.get("last-event-id") || after,
      allowed: tenants,
      completed,
    });
    return new Response(body, { headers: HEADERS });
  }

  return {
    path: "/api/stream",
    methods: { GET: { handler: get, about: streamAbout(query) } },
  };
}

function filterOf(
  { tenant, device, anomalies }: Omit<z.infer<typeof query>, "after">,
  allowed: ReadonlySet<string> | null,
): StreamFilter {
  const tenants = tenantsOf(tenant, allowed);
  return {
    tenants: tenants === undefined ? null : new NameSet(tenants),
    devices: device === undefined ? null : new NameSet([device]),
    anomalies,
  };
}

/** One that isn't allowed is like one that sends nothing. */
function tenantsOf(
  named: string | undefined,
  allowed: ReadonlySet<string> | null,
): Iterable<string> | undefined {
  if (named === undefined) return allowed ?? undefined;
  return allowed === null || allowed.has(named) ? [named] : [];
}
