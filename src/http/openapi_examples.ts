/** The routes' examples as OpenAPI has them: by name, at the parameters, bodies and answers that they show. */
import { type Example, JSON_TYPE } from "./description.ts";

type Json = Record<string, unknown>;

/** Those whose request is right. */
export function taken(examples: readonly Example[] = []): Example[] {
  return examples.filter(({ status }) => status < 300);
}

/** Request and answer together, as OpenAPI's own examples don't have them: for `/docs` and the tests. */
export function exampleJson(example: Example, { path }: { path: string }): Json {
  const { name, when, path: parts, query, type, body, status, answer, media } = example;
  if (when !== undefined && (parts ?? query ?? body) === undefined) {
    return { name, when, status, answer, media };
  }
  const at = path.replace(/:(\w+)/g, (_, name) => encodeURIComponent(parts?.[name] ?? ""));
  const target = query === undefined ? at : `${at}?${new URLSearchParams(query)}`;
  return { name, when, request: { target, type, body }, status, answer, media };
}

/** A parameter's text as what the schema says that it is. */
export function wireValue({ type }: Json, text: string): unknown {
  return type === "integer" || type === "number" ? Number(text) : text;
}

/** A body's text as what it says. */
export function bodyValue(type: string, { body }: Example): unknown {
  if (type === JSON_TYPE) return JSON.parse(body!);
  return body!.split("\n").filter((line) => line.trim() !== "").map((line) => JSON.parse(line));
}

export function answerValue(type: string, { answer }: Example): unknown {
  return type === JSON_TYPE ? JSON.parse(answer) : answer;
}

export function namedExamples(pairs: readonly (readonly [string, unknown])[]): Json | undefined {
  if (pairs.length === 0) return undefined;
  return Object.fromEntries(pairs.map(([name, value]) => [name, { value }]));
}
