import assert from "node:assert/strict";
import { z } from "../../deps.ts";
import type { Token } from "../../src/core/token.ts";
import { type Description, TOPICS } from "../../src/http/description.ts";
import { openapiDocument } from "../../src/http/openapi.ts";
import type { Route } from "../../src/http/request.ts";
import { DescribedAnswers } from "./described_answers.ts";
import { apiOver } from "./in_memory.ts";
import { testToken } from "./tokens.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

async function served(): Promise<Any> {
  const response = await apiOver().api.request("/openapi.json");
  assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8");
  return await response.json();
}

function operations(document: Any): [string, Any][] {
  return Object.entries<Any>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Any>(methods).map(([method, it]): [string, Any] => [
      `${method.toUpperCase()} ${path}`,
      it,
    ])
  );
}

Deno.test("GET /openapi.json describes every method of every route", async () => {
  const document = await served();
  assert.match(document.openapi, /^3\.1\.\d$/);
  assert.equal(document.info.version, "1.2.3");
  const { endpoints } = JSON.parse((await apiOver().get("/")).text);
  const described = operations(document).map(([name]) => name);
  const expected = [...endpoints, "GET /"].map((it: string) => it.replace(/:(\w+)/g, "{$1}"));
  assert.deepEqual(described, expected);
});

Deno.test("every operation says what it takes and what it answers", async () => {
  const ids = new Set<string>();
  for (const [name, operation] of operations(await served())) {
    const { operationId, tags, summary, parameters, responses } = operation;
    assert.match(operationId, /^[a-z]+[A-Z][A-Za-z]+$/, name);
    assert.ok(!ids.has(operationId), name);
    ids.add(operationId);
    assert.ok(TOPICS.includes(tags[0]), name);
    assert.match(summary, /^[A-Z].*[^.]$/, name);
    for (const it of parameters) assert.ok(it.description, `${name}: ${it.name} isn't described`);
    const inPath = parameters.filter((it: Any) => it.in === "path").map((it: Any) => it.name);
    assert.deepEqual(inPath, [...name.matchAll(/\{(\w+)\}/g)].map(([, it]) => it), name);
    assert.ok(Object.keys(responses).some((it) => it.startsWith("2")), name);
    for (const [status, it] of Object.entries<Any>(responses)) {
      assert.ok(it.description && it.content, `${name} ${status}`);
    }
  }
});

Deno.test("links lead to operations and parameters that are there", async () => {
  const all = operations(await served());
  const byId = new Map(all.map(([, it]) => [it.operationId, it]));
  let found = 0;
  for (const [name, { responses }] of all) {
    for (const { links = {} } of Object.values<Any>(responses)) {
      for (const { operationId, parameters } of Object.values<Any>(links)) {
        const known = byId.get(operationId)?.parameters.map((it: Any) => it.name) ?? [];
        for (const it of Object.keys(parameters)) assert.ok(known.includes(it), `${name}: ${it}`);
        found++;
      }
    }
  }
  assert.ok(found > 0);
});

Deno.test("each operation names the scope that its token needs; without tokens in force none is needed", async () => {
  const { token } = testToken("any");
  const asked = async (tokens: Token[]) => {
    const { api } = apiOver({ tokens });
    const { headers } = testToken("any");
    const document = await (await api.request("/openapi.json", { headers })).json();
    assert.deepEqual(Object.keys(document.components.securitySchemes), ["token"]);
    return new Map(operations(document).map(([name, { security }]) => [name, security]));
  };
  const [locked, free] = [await asked([token]), await asked([])];
  const needs = {
    "GET /health": undefined,
    "GET /openapi.json": [],
    "GET /api/stats": ["read"],
    "POST /api/data": ["write"],
    "POST /api/admin/reload": ["admin"],
  };
  for (const [name, scopes] of Object.entries(needs)) {
    assert.deepEqual(locked.get(name), scopes ? [{ token: scopes }] : [], name);
    assert.deepEqual(free.get(name), scopes ? [{}, { token: scopes }] : [], name);
  }
});

const about: Description = {
  id: "getThing",
  topic: "Readings",
  summary: "A thing",
  path: z.object({ id: z.string().describe("Which.") }),
  query: z.object({
    limit: z.string().transform(Number).meta({ wire: { type: "integer" } }).optional()
      .describe("How many."),
  }),
  answers: { 200: { text: "It.", schema: z.object({ a: z.int().min(0) }).meta({ id: "Thing" }) } },
};

function thing(changed: Partial<Description> = {}): Route {
  const handler = () => new Response();
  return { path: "/thing/:id", methods: { GET: { handler, about: { ...about, ...changed } } } };
}

Deno.test("a schema stands as it is sent; a named one stands once, and may get more members later", () => {
  const { paths, components } = openapiDocument({ version: "1", routes: [thing()] });
  const { parameters, responses } = paths["/thing/{id}"].get as Any;
  assert.deepEqual(
    parameters.map(({ name, in: place, required, schema }: Any) => {
      return [name, place, required, schema];
    }),
    [["id", "path", true, { type: "string" }], ["limit", "query", false, { type: "integer" }]],
  );
  assert.deepEqual(responses[200].content["application/json"].schema, {
    $ref: "#/components/schemas/Thing",
  });
  assert.deepEqual(components.schemas.Thing, {
    type: "object",
    properties: { a: { type: "integer", minimum: 0 } },
    required: ["a"],
  });
  assert.deepEqual(Object.keys(responses), [
    "200",
    "400",
    "401",
    "403",
    "429",
    "500",
    "501",
    "503",
  ]);
  assert.ok(responses[503].headers["retry-after"]);
});

Deno.test("two schemas of one name, and two operations of one id, are refused", () => {
  const other = thing({ id: "getOther" });
  const again = { text: "It.", schema: z.object({ b: z.string() }).meta({ id: "Thing" }) };
  const make = (...routes: Route[]) => openapiDocument({ version: "1", routes });
  make(thing(), { ...other, path: "/other/:id" });
  assert.throws(() => make(thing(), { ...thing(), path: "/other/:id" }), /getThing is taken/);
  assert.throws(
    () =>
      make(thing(), {
        ...thing({ id: "getOther", answers: { 200: again } }),
        path: "/other/:id",
      }),
    /the schema Thing: two have this name/,
  );
});

Deno.test("an answer that isn't as described is found", () => {
  const described = new DescribedAnswers(
    openapiDocument({ version: "1", routes: [thing()] }),
  );
  const headers = new Headers({ "content-type": "application/json; charset=utf-8" });
  const asked = { method: "GET", path: "/thing/7" };
  const check = (status: number, body: unknown, given = headers) =>
    described.check(asked, { status, headers: given, text: JSON.stringify(body) });
  const error = { status: "error", message: "no" };
  check(200, { a: 1 });
  check(400, error);
  assert.throws(() => check(200, { a: "1" }), /must be integer/);
  assert.throws(() => check(200, { a: 1, b: 2 }), /must NOT have additional properties/);
  assert.throws(() => check(200, {}), /must have required property/);
  assert.throws(() => check(201, { a: 1 }), /status not described/);
  assert.throws(() => check(404, error), /status not described/);
  assert.throws(() => check(503, error), /no retry-after/);
  assert.throws(() => check(200, { a: 1 }, new Headers()), /type {2}not described/);
  assert.deepEqual([...described.seen], ["GET /thing/{id} 200", "GET /thing/{id} 400"]);
});
