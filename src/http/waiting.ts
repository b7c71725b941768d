/** What is answered while the engine can't begin: it is alive, and says what it waits for. */
import { answer, errorAnswer } from "./json.ts";

export function createWaitingApi(
  options: { reason: () => string; now: () => number },
): { fetch(request: Request): Response } {
  const { reason, now } = options;

  function fetch(request: Request): Response {
    const { pathname } = new URL(request.url);
    if (pathname === "/health") {
      return answer({
        status: "ok",
        service: "plumbline",
        running: false,
        kafka: "disabled",
        timestamp: new Date(now()).toISOString(),
      });
    }
    if (pathname === "/health/live") return answer({ status: "ok" });
    if (pathname === "/health/ready") {
      const failed = { store: reason() };
      return answer({ status: "error", message: `store: ${failed.store}`, failed }, {
        status: 503,
      });
    }
    return errorAnswer(503, `the engine waits: ${reason()}`, { "retry-after": "5" });
  }

  return { fetch };
}
