import type { Description } from "./description.ts";
import type { Route } from "./request.ts";

/** What HTTP needs of the metrics; `telemetry/metrics.ts` has it. */
export interface HttpMetrics {
  readonly contentType: string;
  text(): Promise<string>;
  request(it: { endpoint: string; method: string; status: number; seconds: number }): void;
}

/** `GET /metrics`: Prometheus text, about all tenants; `open`: for everybody who gets here. */
export function metricsRoute(metrics: HttpMetrics, { open }: { open: boolean }): Route {
  async function get(): Promise<Response> {
    return new Response(await metrics.text(), {
      headers: { "content-type": metrics.contentType, "cache-control": "no-store" },
    });
  }
  const about: Description = {
    id: "getMetrics",
    topic: "Health",
    summary: "Metrics as Prometheus text",
    text:
      "[monitoring.md](monitoring.md) lists them. They tell of all tenants: a token that is limited to " +
      "some doesn't get them.",
    answers: { 200: { text: "The metrics.", media: metrics.contentType } },
  };
  const access = open ? "open" : "read";
  return {
    path: "/metrics",
    methods: { GET: { handler: get, about, access, everybodys: !open } },
  };
}
