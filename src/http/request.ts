/** What a handler sees of a request, and how it refuses one. */
import type { z } from "../../deps.ts";

export interface ApiRequest {
  readonly raw: Request;
  /** The first value of a query parameter. */
  query(name: string): string | undefined;
  /** A decoded part of the path. */
  param(name: string): string | undefined;
}

export type Handler = (request: ApiRequest) => Response | Promise<Response>;

/** All that is served at one path. */
export interface Route {
  /** The path, with `:name` for a part that varies; it is the label `endpoint`, too. */
  readonly path: string;
  readonly methods: { readonly GET?: Handler; readonly POST?: Handler };
}

/** Ends a request with an error answer, from wherever it is thrown. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** The query's parameters by a schema; refuses with 400 and everything that is wrong. */
export function readQuery<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  request: ApiRequest,
): z.infer<z.ZodObject<Shape>> {
  const names = Object.keys(schema.shape);
  const given = Object.fromEntries(names.map((name) => [name, request.query(name)]));
  const outcome = schema.safeParse(given);
  if (outcome.success) return outcome.data;
  const faults = outcome.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    return `${name}: ${message}, got ${JSON.stringify(given[name])}`;
  });
  throw new Refusal(400, faults.join("; "));
}
