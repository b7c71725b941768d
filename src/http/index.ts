import { answer } from "./json.ts";
import type { Route } from "./request.ts";

/** `GET /`: what this is, and what may be asked of it. */
export function indexRoute(options: { version: string; routes: readonly Route[] }): Route {
  function get(): Response {
    const endpoints = options.routes.flatMap(({ path, methods }) =>
      Object.keys(methods).map((method) => `${method} ${path}`)
    );
    return answer({ service: "plumbline", version: options.version, endpoints });
  }
  return { path: "/", methods: { GET: get } };
}
