/** What is answered while the engine can't begin: it is alive, and says what it waits for. */
import type { SourceState } from "../pipeline/ports.ts";
import { type Api, routesOnly } from "./api.ts";
import { healthRoutes } from "./health.ts";
import { errorAnswer } from "./json.ts";

export function createWaitingApi(
  options: { reason: () => string; kafka: SourceState; wallClock: () => number },
): Api {
  const { reason, kafka, wallClock } = options;
  const health = {
    running: () => false,
    kafka: () => kafka,
    live: () => new Map(),
    ready: () => new Map([["store" as const, reason()]]),
  };
  const api = routesOnly(healthRoutes({ health, wallClock }));
  api.notFound(() => errorAnswer(503, `the engine waits: ${reason()}`, { "retry-after": "5" }));
  return api;
}
