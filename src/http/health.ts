import type { FailedChecks, Health } from "../pipeline/ports.ts";
import { healthAbout, liveAbout, readyAbout } from "./health_about.ts";
import { answer } from "./json.ts";
import type { Operation, Route } from "./request.ts";

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

  function open(path: string, operation: Omit<Operation, "access">): Route {
    // Whoever starts and stops engines has no token.
    return { path, methods: { GET: { ...operation, access: "open" } } };
  }

  return [
    open("/health", { handler: get, about: healthAbout }),
    open("/health/live", { handler: () => checkAnswer(health.live()), about: liveAbout }),
    open("/health/ready", { handler: () => checkAnswer(health.ready()), about: readyAbout }),
  ];
}

function checkAnswer(failed: FailedChecks): Response {
  if (failed.size === 0) return answer({ status: "ok" });
  const message = [...failed].map(([check, reason]) => `${check}: ${reason}`).join("; ");
  return answer({ status: "error", message, failed: Object.fromEntries(failed) }, { status: 503 });
}
