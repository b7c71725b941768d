import type { FailedChecks, Health } from "../pipeline/ports.ts";
import { healthAbout, liveAbout, readyAbout } from "./health_about.ts";
import { answer } from "./json.ts";
import type { Route } from "./request.ts";

/** `GET /health`: 200 while the process is alive. `/health/live`, `/health/ready`: for who starts and stops it. */
export function healthRoutes(options: { health: Health; wallClock: () => number }): Route[] {
  const { health, wallClock } = options;

  function get(): Response {
    return answer({
      status: "ok",
      service: "plumbline",
      running: health.running(),
      kafka: health.kafka(),
      timestamp: new Date(wallClock()).toISOString(),
    });
  }

  return [
    { path: "/health", methods: { GET: { handler: get, about: healthAbout } } },
    {
      path: "/health/live",
      methods: { GET: { handler: () => checkAnswer(health.live()), about: liveAbout } },
    },
    {
      path: "/health/ready",
      methods: { GET: { handler: () => checkAnswer(health.ready()), about: readyAbout } },
    },
  ];
}

function checkAnswer(failed: FailedChecks): Response {
  if (failed.size === 0) return answer({ status: "ok" });
  const message = [...failed].map(([check, reason]) => `${check}: ${reason}`).join("; ");
  return answer({ status: "error", message, failed: Object.fromEntries(failed) }, { status: 503 });
}
