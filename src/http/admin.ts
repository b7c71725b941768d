import { z } from "../../deps.ts";
import type { TenantsReload } from "../pipeline/ports.ts";
import type { Description } from "./description.ts";
import { answer, errorAnswer } from "./json.ts";
import type { Route } from "./request.ts";

const about: Description = {
  id: "reloadTenants",
  topic: "Administration",
  summary: "Read the tenants' file again",
  text:
    `\`TENANTS_FILE\` is read again, as by SIGHUP, and as the engine does by itself half a second after \
the file has changed. The file is checked first and then in force as a whole, between two batches: no \
reading is judged by half of it, and none is lost. The answer comes when it is in force. While the file is \
wrong the metric \`plumbline_tenants_file_wrong\` is 1.`,
  answers: {
    200: {
      text: "It is in force.",
      schema: z.object({
        status: z.literal("ok"),
        tenants: z.int().min(0).describe("So many are named."),
      }),
    },
    409: { text: "No `TENANTS_FILE` is set." },
    422: {
      text: "It is wrong, and the settings before it stay; every fault is told.",
      schema: z.object({
        status: z.literal("error"),
        message: z.string(),
        faults: z.array(z.string()).min(1),
      }),
    },
    503: {
      text: "The store can't be written (a full disk): nothing has changed.",
      headers: ["retry-after"],
    },
  },
  examples: [{
    name: "in force",
    when: "TENANTS_FILE is set",
    status: 200,
    answer: `{"status":"ok","tenants":2}`,
  }, {
    name: "no file",
    status: 409,
    answer: `{"status":"error","message":"no TENANTS_FILE is set: nothing can be read again"}`,
  }, {
    name: "a fault in the file",
    when: "TENANTS_FILE is set",
    status: 422,
    answer: `{"status":"error","message":"the tenants' file is wrong; the settings in force stay",
 "faults":["tenants.acme.sampling: expected a number from 0 to 1, got 1.5"]}`,
  }],
};

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

  return {
    path: "/api/admin/reload",
    methods: { POST: { handler: post, about, everybodys: true } },
  };
}
