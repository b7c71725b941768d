import { z } from "../../deps.ts";
import type { Anomaly, AnomalyReader } from "../pipeline/ports.ts";
import { anomaliesAbout } from "./anomalies_about.ts";
import { answer, jsonObject, JsonText } from "./json.ts";
import {
  nonNegativeNumber,
  pageLimit,
  tenantParameter,
  textParameter,
  timeParameter,
  wholeNumber,
} from "./parameters.ts";
import { type ApiRequest, readQuery, type Route } from "./request.ts";
import { wantedTenants } from "./tenant_filter.ts";

const query = z.object({
  tenant: tenantParameter.optional().describe("Only this tenant's."),
  device: textParameter.optional().describe("Only those of devices with this id."),
  since: timeParameter.optional().describe(
    "Readings whose `timestamp` is this time or later: `2026-01-31T08:00:00Z`, or with `+01:00`.",
  ),
  until: timeParameter.optional().describe("Readings whose `timestamp` is before this time."),
  min_score: nonNegativeNumber("expected a number of 0 or above").optional()
    .describe("Only those of this score or above."),
  limit: pageLimit({ max: 1000, otherwise: 100 }).describe("Anomalies in this answer."),
  after: wholeNumber({
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    rule: "expected the `next` of an earlier answer",
  }).optional().describe("The `next` of the answer before this one."),
});

/** `GET /api/anomalies`: what was marked, the newest first, and why. */
export function anomaliesRoute(anomalies: AnomalyReader): Route {
  function get(request: ApiRequest): Response {
    const asked = readQuery(query, request);
    const { tenant, device, since, until, min_score: minScore, limit, after } = asked;
    const tenants = wantedTenants(request.tenants, tenant);
    const page = anomalies.page({
      before: after,
      limit,
      filter: { tenants, device, since, until, minScore },
    });
    const counts = request.tenants === null ? anomalies.counts() : undefined;
    return answer({
      status: "ok",
      anomalies: new JsonText(`[${page.anomalies.map(anomalyText).join(",")}]`),
      kept: counts?.kept,
      dropped: counts?.dropped,
      next: page.end,
    });
  }

  return {
    path: "/api/anomalies",
    methods: { GET: { handler: get, about: anomaliesAbout(query) } },
  };
}

function anomalyText(it: Anomaly): string {
  return jsonObject([
    ["id", it.id],
    ["tenant_id", it.tenant],
    ["device_id", it.device],
    ["timestamp", it.timestamp],
    ["processed_at", it.processedAt],
    ["anomaly_score", it.score],
    ["temperature", it.temperature ?? undefined],
    ["humidity", it.humidity ?? undefined],
    ["metrics", it.metrics.length === 0 ? undefined : jsonObject(it.metrics)],
    ["reasons", new JsonText(`[${it.reasons.join(",")}]`)],
  ]).text;
}
