/** The OpenAPI document, made from what the routes say of themselves. */
import { z } from "../../deps.ts";
import { type Access, demandOf } from "./access.ts";
import {
  type AnswerDescription,
  COMMON_ANSWERS,
  type Description,
  errorSchema,
  FORBIDDEN,
  HEADERS,
  JSON_TYPE,
  OR,
  TOKEN_ANSWERS,
  TOPICS,
} from "./description.ts";
import {
  answerValue,
  bodyValue,
  exampleJson,
  namedExamples,
  taken,
  wireValue,
} from "./openapi_examples.ts";
import { JSON_HEADERS } from "./json.ts";
import { PREFACE } from "./openapi_preface.ts";
import type { Operation, Route } from "./request.ts";

type Json = Record<string, unknown>;
/** Input: what is asked; output: what is answered. */
type Direction = "input" | "output";

export interface Document {
  readonly openapi: string;
  readonly info: Json;
  readonly tags: readonly { readonly name: string }[];
  /** By path (`/a/{b}`) and method (`get`). */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly components: { readonly schemas: Json; readonly securitySchemes: Json };
}

const SECURITY_SCHEMES = {
  token: {
    type: "http",
    scheme: "bearer",
    description:
      "A token of `TENANTS_FILE`, as `plumbline token new` makes it; its scopes are named " +
      "with each operation, and none includes another. Where the file has no tokens none is needed.",
  },
};

/** `GET /openapi.json`: the document as it is now, the same object as long as nothing changes. */
export function openapiRoute(document: () => Document): Route {
  let written: { of: Document; text: string } | undefined;

  function get(): Response {
    const now = document();
    if (written?.of !== now) written = { of: now, text: JSON.stringify(now) };
    return new Response(written.text, { headers: JSON_HEADERS });
  }

  const about: Description = {
    id: "getOpenapi",
    topic: "The interface itself",
    summary: "This interface as an OpenAPI 3.1 document",
    text:
      "Made from the schemas that requests are checked by, for programs; `GET /docs` is for people.",
    answers: {
      200: { text: "The document.", schema: z.looseObject({ openapi: z.literal("3.1.1") }) },
    },
  };
  return { path: "/openapi.json", methods: { GET: { handler: get, about, access: "any token" } } };
}

/**
 * `asksForTokens`: whether operations need one here and now. Throws where two schemas have one name, or
 * two operations one id: a defect that the tests find.
 */
export function openapiDocument(
  options: { version: string; routes: readonly Route[]; asksForTokens?: boolean },
): Document {
  const { asksForTokens = true } = options;
  const schemas = new Schemas();
  const ids = new Set<string>();
  const paths: Record<string, Record<string, Json>> = {};
  for (const { path, methods } of options.routes) {
    for (const [method, operation] of Object.entries(methods) as [string, Operation][]) {
      const { about } = operation;
      if (ids.has(about.id)) throw new Error(`Describe ${path}: ${about.id} is taken`);
      ids.add(about.id);
      const at = path.replace(/:(\w+)/g, "{$1}");
      (paths[at] ??= {})[method.toLowerCase()] = operationJson(operation, {
        access: demandOf(method, operation).access,
        asksForTokens,
        path,
        schemas,
      });
    }
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Plumbline",
      version: options.version,
      summary: "An edge engine for sensor readings",
      description: PREFACE,
      license: { name: "MIT", identifier: "MIT" },
    },
    tags: TOPICS.map((name) => ({ name })),
    paths,
    components: { schemas: schemas.named, securitySchemes: SECURITY_SCHEMES },
  };
}

function operationJson(
  { about }: Operation,
  { access, asksForTokens, path, schemas }: {
    access: Access;
    asksForTokens: boolean;
    path: string;
    schemas: Schemas;
  },
): Json {
  return {
    operationId: about.id,
    tags: [about.topic],
    summary: about.summary,
    description: about.text,
    "x-examples": about.examples?.map((it) => exampleJson(it, { path })),
    parameters: [
      ...parametersJson("path", about, schemas),
      ...parametersJson("query", about, schemas),
    ],
    requestBody: bodyJson(about, schemas),
    responses: responsesJson(about, { access, schemas }),
    security: securityJson(access, asksForTokens),
  };
}

function securityJson(access: Access, asksForTokens: boolean): Json[] {
  if (access === "open") return [];
  const needed = { token: access === "any token" ? [] : [access] };
  return asksForTokens ? [needed] : [{}, needed];
}

function parametersJson(place: "path" | "query", about: Description, schemas: Schemas): Json[] {
  const shape = about[place]?.shape ?? {};
  return Object.entries<z.ZodType>(shape).map(([name, schema]) => {
    const { description, ...rest } = schemas.json(schema, "input");
    const values = taken(about.examples).flatMap((it) => {
      const text = it[place]?.[name];
      return text === undefined ? [] : [[it.name, wireValue(rest, text)] as const];
    });
    return {
      name,
      in: place,
      required: place === "path" || !schema.safeParse(undefined).success,
      description,
      schema: rest,
      examples: namedExamples(values),
    };
  });
}

function bodyJson({ body, examples }: Description, schemas: Schemas): Json | undefined {
  if (body === undefined) return undefined;
  const content = Object.entries(body.content).map(([type, schema]) => {
    const ofType = taken(examples)
      .filter((it) => it.body !== undefined && (it.type ?? JSON_TYPE) === type);
    return [type, {
      schema: schemas.json(schema, "input"),
      examples: namedExamples(ofType.map((it) => [it.name, bodyValue(type, it)])),
    }];
  });
  return { description: body.text, required: true, content: Object.fromEntries(content) };
}

function responsesJson(
  about: Description,
  { access, schemas }: { access: Access; schemas: Schemas },
): Json {
  const sources = [about.answers, COMMON_ANSWERS, tokenAnswers(access)];
  const statuses = new Set(sources.flatMap((it) => Object.keys(it)));
  return Object.fromEntries(
    [...statuses].map(Number).sort((a, b) => a - b).map((status) => {
      const answers = sources.map((it) => it[status]).filter((it) => it !== undefined);
      return [status, responseJson(answers, { status, about, schemas })];
    }),
  );
}

/** What may be answered instead because a token is needed. */
function tokenAnswers(access: Access): Readonly<Record<number, AnswerDescription>> {
  if (access === "open") return {};
  return access === "any token" ? TOKEN_ANSWERS : { ...TOKEN_ANSWERS, 403: FORBIDDEN };
}

/** `answers`: the operation's own of this status, and what every operation may answer with it. */
function responseJson(
  answers: readonly AnswerDescription[],
  { status, about, schemas }: { status: number; about: Description; schemas: Schemas },
): Json {
  const [first, ...others] = answers.map(({ headers = [] }) => headers);
  const headers = first.filter((name) => others.every((them) => them.includes(name)));
  const byType = Map.groupBy(answers, ({ media }) => media ?? JSON_TYPE);
  const examples = (about.examples ?? []).filter((it) => it.status === status);
  const examplesIn = (type: string) =>
    namedExamples(
      examples.filter(({ media = JSON_TYPE }) => media === type)
        .map((it) => [it.name, answerValue(type, it)]),
    );
  const content = [...byType].map(([type, them]): [string, Json] => {
    const all = new Set(them.map((it) => schemaOf(it)));
    const one = all.size === 1 ? [...all][0] : z.union([...all]);
    return [type, {
      schema: schemas.json(one, "output"),
      examples: examplesIn(type),
    }];
  });
  for (const type of answers.flatMap(({ otherMedia = [] }) => otherMedia)) {
    const schema = schemas.json(z.string(), "output");
    content.push([type, { schema, examples: examplesIn(type) }]);
  }
  const links = status < 300 ? about.links ?? [] : [];
  return {
    description: answers.map(({ text }) => text).join(OR),
    headers: headers.length === 0 ? undefined : Object.fromEntries(headers.map((name) => {
      const { text, schema } = HEADERS[name];
      return [name, { description: text, required: true, schema: schemas.json(schema, "output") }];
    })),
    content: Object.fromEntries(content),
    links: links.length === 0 ? undefined : Object.fromEntries(
      links.map(({ name, operation, parameters, text }) => [name, {
        operationId: operation,
        description: text,
        parameters: Object.fromEntries(
          Object.entries(parameters).map(([key, at]) => [key, `$response.body#${at}`]),
        ),
      }]),
    ),
  };
}

function schemaOf({ schema, media }: AnswerDescription): z.ZodType {
  return schema ?? (media === undefined ? errorSchema : z.string());
}

/** JSON Schemas of zod's; those with an `id` stand once, among the components. */
class Schemas {
  readonly named: Json = {};

  json(schema: z.ZodType, io: Direction): Json {
    // Within an object a schema with an id is a reference like any other.
    const { properties, $defs = {} } = z.toJSONSchema(z.object({ it: schema }), {
      io,
      override: ({ zodSchema, jsonSchema }) => asSent(zodSchema, { jsonSchema, io }),
    });
    for (const [name, definition] of Object.entries(moved($defs))) {
      const { id: _, ...known } = definition as Json;
      const text = JSON.stringify(known);
      if (name in this.named && JSON.stringify(this.named[name]) !== text) {
        throw new Error(`Describe the schema ${name}: two have this name, ${text} and another`);
      }
      this.named[name] = known;
    }
    return moved(properties!).it as Json;
  }
}

/** References lead to the components. */
function moved(schemas: object): Json {
  const text = JSON.stringify(schemas);
  return JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/'));
}

/**
 * What zod can't know: how a value is written in a query (`wire`), and that a later version's answers
 * may have more members, which nobody should stumble over.
 */
function asSent(
  schema: z.core.$ZodType,
  { jsonSchema, io }: { jsonSchema: z.core.JSONSchema.BaseSchema; io: Direction },
): void {
  const { wire } = z.globalRegistry.get(schema) ?? {};
  if (wire !== undefined) {
    const { description } = jsonSchema;
    for (const name of Object.keys(jsonSchema)) delete jsonSchema[name];
    Object.assign(jsonSchema, wire, { description });
  }
  if (io === "output" && jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  const { def } = schema._zod;
  if (
    io === "output" && def.type === "object" && (def as z.core.$ZodObjectDef).catchall === undefined
  ) {
    delete jsonSchema.additionalProperties;
  }
}
