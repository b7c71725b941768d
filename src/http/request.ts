/** What a handler sees of a request, and how it refuses one. */
import { z } from "../../deps.ts";
import { nearName } from "../core/near_name.ts";
import type { Access } from "./access.ts";
import type { BodyInHand } from "./body.ts";
import type { Description } from "./description.ts";

export interface ApiRequest {
  readonly raw: Request;
  /** The first value of each query parameter. */
  query(): Record<string, string>;
  /** A decoded part of the path. */
  param(name: string): string | undefined;
  /** Whose data it may see and change; null: everybody's. */
  readonly tenants: ReadonlySet<string> | null;
  /** Settles when its answer was handed over whole, or its connection is gone; not given: there is none. */
  readonly completed?: Promise<void>;
}

export type Handler = (request: ApiRequest) => Response | Promise<Response>;

/** What one method does, and what it says of itself. */
export interface Operation {
  readonly handler: Handler;
  readonly about: Description;
  /** What a request must bring; if not given, `read` for GET and `admin` for POST. */
  readonly access?: Access;
  /** It shows or changes what belongs to all tenants: tokens that are limited to some don't get it. */
  readonly everybodys?: boolean;
}

/** All that is served at one path. */
export interface Route {
  /** The path, with `:name` for a part that varies; it is the label `endpoint`, too. */
  readonly path: string;
  readonly methods: { readonly GET?: Operation; readonly POST?: Operation };
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

/** The query's parameters by a schema; refuses with 400 and everything that is wrong, unknown names too. */
export function readQuery<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  request: ApiRequest,
): z.infer<z.ZodObject<Shape>> {
  const names = Object.keys(schema.shape);
  const all = request.query();
  const given = Object.fromEntries(names.map((name) => [name, all[name]]));
  const outcome = schema.safeParse(given);
  const faults = (outcome.error?.issues ?? []).map(({ path, message }) => {
    const name = String(path[0]);
    return `${name}: ${message}, got ${JSON.stringify(given[name])}`;
  });
  const unknown = Object.keys(all).filter((name) => !names.includes(name));
  faults.push(...unknown.map((name) => unknownParameter(name, names)));
  if (outcome.success && faults.length === 0) return outcome.data;
  throw new Refusal(400, faults.join("; "));
}

const nothing = z.object({});

/** Refuses with 400 where there is any parameter. */
export function refuseQuery(request: ApiRequest): void {
  readQuery(nothing, request);
}

/** Ignored, it would give an answer to another question than was asked. */
function unknownParameter(name: string, known: readonly string[]): string {
  const meant = nearName(name.toLowerCase(), known, (it) => Math.max(1, it.length / 3));
  const instead = meant !== undefined
    ? `did you mean ${meant}?`
    : known.length > 0
    ? `expected ${known.join(", ")}`
    : "expected no parameter";
  return `${JSON.stringify(name)}: unknown; ${instead}`;
}

/** The body as JSON by a schema; refuses with 400 and everything that is wrong. */
export async function readBody<Schema extends z.ZodType>(
  schema: Schema,
  { request, inHand }: { request: ApiRequest; inHand: BodyInHand },
): Promise<z.infer<Schema>> {
  const bytes = await inHand.read(request.raw, { batch: false });
  let given: unknown;
  try {
    given = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal(400, "body: expected JSON");
  }
  const outcome = schema.safeParse(given);
  if (outcome.success) return outcome.data;
  const faults = outcome.error.issues.map(({ path, message, ...issue }) => {
    const name = path.length === 0 ? "body" : path.map(String).join(".");
    if (issue.code === "unrecognized_keys") {
      return `${name}: expected no ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}`;
    }
    return `${name}: ${message}, got ${shown(valueAt(given, path))}`;
  });
  throw new Refusal(400, faults.join("; "));
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((at, name) => (at as Record<PropertyKey, unknown> | undefined)?.[name], given);
}

/** As JSON, cut short: it came from outside. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
