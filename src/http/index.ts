import { z } from "../../deps.ts";
import type { Description } from "./description.ts";
import { answer } from "./json.ts";
import type { Route } from "./request.ts";

const about: Description = {
  id: "getIndex",
  topic: "The interface itself",
  summary: "The version, and what may be asked for",
  answers: {
    200: {
      text: "The version, and each method with its path.",
      schema: z.object({
        service: z.literal("plumbline"),
        version: z.string(),
        endpoints: z.array(z.string()),
      }),
    },
  },
};

/** `GET /`: what this is, and what may be asked of it. */
export function indexRoute(options: { version: string; routes: readonly Route[] }): Route {
  function get(): Response {
    const endpoints = options.routes.flatMap(({ path, methods }) =>
      Object.keys(methods).map((method) => `${method} ${path}`)
    );
    return answer({ service: "plumbline", version: options.version, endpoints });
  }
  return { path: "/", methods: { GET: { handler: get, about, access: "any token" } } };
}
