import type { TenantsReload } from "../pipeline/ports.ts";
import { answer, errorAnswer } from "./json.ts";
import type { Route } from "./request.ts";

/** `POST /api/admin/reload`: the tenants' file is read again, and in force when the answer comes. */
export function reloadRoute(options: { reload: TenantsReload | null }): Route {
  const { reload } = options;

  function post(): Response {
    if (reload === null) {
      return errorAnswer(409, "no TENANTS_FILE is set: nothing can be read again");
    }
    const outcome = reload.reload();
    switch (outcome.kind) {
      case "done":
        return answer({ status: "ok", tenants: outcome.named });
      case "wrong": {
        const message = "the tenants' file is wrong; the settings in force stay";
        return answer({ status: "error", message, faults: outcome.faults }, { status: 422 });
      }
      case "unavailable":
        return errorAnswer(503, outcome.reason, { "retry-after": "5" });
    }
  }

  return { path: "/api/admin/reload", methods: { POST: post } };
}
