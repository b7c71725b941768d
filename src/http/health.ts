import type { SourceState } from "../pipeline/ports.ts";
import { answer } from "./json.ts";
import type { Route } from "./request.ts";

export interface Health {
  /** Whether readings are being processed. */
  readonly running: boolean;
  readonly kafka: SourceState;
}

/** `GET /health`: 200 while the process is alive. */
export function healthRoute(options: { health: () => Health; now: () => number }): Route {
  function get(): Response {
    const { running, kafka } = options.health();
    return answer({
      status: "ok",
      service: "plumbline",
      running,
      kafka,
      timestamp: new Date(options.now()).toISOString(),
    });
  }
  return { path: "/health", methods: { GET: get } };
}
