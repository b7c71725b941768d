/** The OpenAPI document as a page of Markdown: docs/api.md, and what `/docs` shows. */
import { ownText } from "./description.ts";
import type { Document } from "./openapi.ts";
import { memberRows, typeText } from "./schema_text.ts";

// deno-lint-ignore no-explicit-any -- the document is JSON of our own making
type Json = any;

const ERROR = "#/components/schemas/Error";

interface Operation {
  /** `GET /api/stats/device/:id`. */
  readonly name: string;
  readonly method: string;
  readonly it: Json;
}

export function apiText({ info, tags, paths, components }: Document): string {
  const operations = Object.entries<Json>(paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, it]) => ({
      name: `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`,
      method,
      it,
    }))
  );
  const topics = tags.map(({ name }) => ({
    name,
    operations: operations.filter(({ it }) => it.tags[0] === name),
  }));
  const inOrder = topics.flatMap((topic) => topic.operations);
  return [
    "# The HTTP API",
    info.description,
    table(["request", ""], inOrder.map(({ name, it }) => [linkTo(name), it.summary])),
    ...topics.flatMap(({ name, operations }) => [
      `## ${name}`,
      ...operations.flatMap((it) => operationText(it, components.schemas)),
    ]),
    "## Shapes",
    "What several answers and requests have in common.",
    ...Object.entries<Json>(components.schemas).flatMap(([name, schema]) => [
      `### ${name}`,
      schema.description,
      membersTable("member", memberRows([schema])),
    ]),
  ].filter((it) => it !== undefined && it !== "").join("\n\n") + "\n";
}

function operationText({ name, method, it }: Operation, shapes: Json): string[] {
  return [
    `### ${name}`,
    `${it.summary}.`,
    it.description,
    tokenText(it.security),
    ...parametersText(it.parameters),
    ...bodyText(it.requestBody),
    ...answersText(it.responses, shapes),
    ...exampleTexts(it["x-examples"] ?? [], method),
  ];
}

/** `security`: the ways in, one of them may need nothing. */
function tokenText(security: Json[]): string {
  const scopes = security.flatMap(({ token }) => token === undefined ? [] : [token]);
  if (scopes.length === 0) return "Open to everybody.";
  const needed = scopes[0].length > 0 ? ` with the scope \`${scopes[0][0]}\`` : "";
  return `Where there are tokens it needs one${needed}.`;
}

function parametersText(parameters: Json[]): string[] {
  if (parameters.length === 0) return [];
  return [table(
    ["parameter", "type", ""],
    parameters.map(({ name, in: place, schema, description }) => {
      return [`\`${place === "path" ? ":" : ""}${name}\``, typeText(schema), description];
    }),
  )];
}

function bodyText(body: Json): string[] {
  if (body === undefined) return [];
  const types = Object.entries<Json>(body.content);
  const members = memberRows(types.map(([, { schema }]) => schema));
  return [
    `**Body.** ${body.description}`,
    members.length > 0 ? membersTable("member of the body", members) : table(
      ["`Content-Type`", "body"],
      types.map(([type, { schema }]) => [`\`${type}\``, typeText(schema)]),
    ),
  ];
}

function answersText(responses: Record<string, Json>, shapes: Json): string[] {
  const own = Object.entries(responses).flatMap(([status, { description, headers }]) => {
    const text = ownText(description);
    if (text === "") return [];
    const names = Object.keys(headers ?? {}).map((it) => ` with \`${headerName(it)}\``);
    return [[status + names.join(""), text]];
  });
  const schemas = Object.values(responses)
    .flatMap(({ content }) => Object.values<Json>(content))
    .flatMap(({ schema }) => schema.anyOf ?? [schema])
    .filter(({ $ref }) => $ref !== ERROR)
    .map((schema) => schema.$ref === undefined ? schema : shapes[schema.$ref.split("/").at(-1)]);
  const kinds = schemas.flatMap(({ description }) => description ? [`- ${description}`] : []);
  const members = memberRows(schemas);
  return [
    table(["status", ""], own),
    kinds.length > 1 ? `The answer is one of these, or an error:\n\n${kinds.join("\n")}` : "",
    members.length > 0 ? membersTable("member of the answer", members) : "",
  ];
}

function membersTable(title: string, rows: string[][]): string {
  return table([`${title} (\`?\`: may be missing)`, "type", ""], rows);
}

function exampleTexts(examples: Json[], method: string): string[] {
  return examples.map(({ name, when, request, status, answer }) => {
    const asked = request === undefined ? [] : [`$ ${curl(request, method)}`];
    const notes = [status === 200 ? [] : [status], when ?? []].flat();
    const noted = notes.length > 0 ? ` (${notes.join("; ")})` : "";
    const title = `${name[0].toUpperCase()}${name.slice(1)}${noted}:`;
    return `${title}\n\n${fence([...asked, answer.trimEnd()].join("\n"))}`;
  });
}

function curl({ target, type, body }: Json, method: string): string {
  const address = `localhost:8000${target}`;
  const quoted = /[?&]/.test(address) ? `"${address}"` : address;
  if (body === undefined) return `curl ${method === "post" ? "-X POST " : ""}${quoted}`;
  const data = type === undefined
    ? `-d '${body}'`
    : `-H 'content-type: ${type}' --data-binary '${body}'`;
  return `curl ${quoted} ${data}`;
}

function fence(text: string): string {
  return "```\n" + text + "\n```";
}

function headerName(name: string): string {
  return name.replace(/\b[a-z]/g, (it) => it.toUpperCase());
}

function linkTo(name: string): string {
  return `[\`${name}\`](#${anchor(name)})`;
}

/** As GitHub makes them of headings. */
export function anchor(heading: string): string {
  return heading.toLowerCase().replace(/[^a-z0-9 _-]/g, "").replaceAll(" ", "-");
}

export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) =>
    `| ${cells.map((it) => it.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}
