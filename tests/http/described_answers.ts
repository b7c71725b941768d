/**
 * Holds answers to the OpenAPI document: those that a test provokes, to the letter. An answer may have
 * no member, status or type that isn't described; clients are told that more may come later.
 */
import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { Document } from "../../src/http/openapi.ts";

type Json = Record<string, unknown>;
interface Described {
  readonly headers?: Json;
  readonly content: Record<string, Json>;
}

export interface Asked {
  readonly method: string;
  /** As it is sent, or the whole address; with its query or without. */
  readonly path: string;
}

export interface Answered {
  readonly status: number;
  /** Not given: they aren't looked at. */
  readonly headers?: Headers;
  /** Of the body; undefined: nobody has read it. */
  readonly text: string | undefined;
}

/** What is answered whatever the path: no route takes it, or not with that method. */
const UNROUTED = [308, 400, 401, 404, 405, 429, 500, 501, 503];
const NEEDED: Readonly<Record<number, string>> = {
  308: "location",
  401: "www-authenticate",
  405: "allow",
  429: "retry-after",
};
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const JSON_TYPE = "application/json";
const ERROR = "/components/schemas/Error";

export class DescribedAnswers {
  readonly document: Document;
  readonly #paths: readonly (readonly [RegExp, string])[];
  readonly #ajv: Ajv2020;
  readonly #validates = new Map<string, ValidateFunction>();
  /** `GET /api/stats 200`, as the document writes paths. */
  readonly seen = new Set<string>();

  constructor(document: Document) {
    this.document = document;
    // What has no parameter comes first, as in the router.
    const paths = Object.keys(document.paths).sort((a, b) => +a.includes("{") - +b.includes("{"));
    this.#paths = paths.map((path) => [
      new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+").replaceAll(".", "\\.")}$`),
      path,
    ]);
    this.#ajv = new Ajv2020({ strict: false, inlineRefs: false });
    this.#ajv.addFormat("date-time", DATE_TIME);
    for (const it of ["cursor", "device-place", "tenant-place"]) this.#ajv.addFormat(it, true);
    this.#ajv.addSchema(closed(document) as Json, "document");
  }

  /** Throws where the document doesn't say that this may be answered. */
  check({ method, path }: Asked, answered: Answered): void {
    const { status, headers, text } = answered;
    const at = `${method} ${path}: ${status} ${text?.slice(0, 300) ?? ""}`;
    const described = this.#described(method, path);
    if (described === undefined) {
      assert.ok(UNROUTED.includes(status), `${at}: not described`);
      const needed = NEEDED[status];
      if (headers && needed) assert.ok(headers.has(needed), `${at}: no ${needed}`);
      if (status === 308) return;
      if (method !== "HEAD" && text !== undefined) this.#checkBody(ERROR, { text, at });
      return;
    }
    const { responses, name, pointer } = described;
    const response = responses[status];
    assert.ok(response !== undefined, `${at}: status not described`);
    if (headers !== undefined) checkHeaders(response, { headers, at });
    if (method !== "HEAD" && text !== undefined && isJson(response, { headers, text })) {
      this.#checkBody(`${pointer}/responses/${status}/content/${escaped(JSON_TYPE)}/schema`, {
        text,
        at,
      });
    }
    this.seen.add(`${name} ${status}`);
  }

  #checkBody(pointer: string, { text, at }: { text: string; at: string }): void {
    let validate = this.#validates.get(pointer);
    if (validate === undefined) {
      validate = this.#ajv.compile({ $ref: `document#${pointer}` });
      this.#validates.set(pointer, validate);
    }
    assert.ok(validate(JSON.parse(text)), `${at}: ${this.#ajv.errorsText(validate.errors)}`);
  }

  #described(method: string, target: string) {
    const path = target.startsWith("/") ? target.split(/[?#]/)[0] : new URL(target).pathname;
    const found = this.#paths.find(([pattern]) => pattern.test(path));
    if (found === undefined) return undefined;
    const verb = method === "HEAD" ? "get" : method.toLowerCase();
    const operation = this.document.paths[found[1]][verb];
    if (operation === undefined) return undefined;
    return {
      responses: operation.responses as Record<string, Described>,
      name: `${verb.toUpperCase()} ${found[1]}`,
      pointer: `/paths/${escaped(found[1])}/${verb}`,
    };
  }

  /** Every status that the document describes, written as in `seen`. */
  get statuses(): string[] {
    return Object.entries(this.document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([verb, { responses }]) =>
        Object.keys(responses as Json).map((status) => `${verb.toUpperCase()} ${path} ${status}`)
      )
    );
  }

  /** An answer that is checked at once, and its body when it is read. */
  watched(asked: Asked, response: Response): Response {
    const { status, headers } = response;
    this.check(asked, { status, headers, text: undefined });
    const text = async () => {
      const text = await Response.prototype.text.call(response);
      this.check(asked, { status, headers, text });
      return text;
    };
    return Object.assign(response, { text, json: async () => JSON.parse(await text()) });
  }
}

function checkHeaders(
  { headers: described = {}, content }: Described,
  { headers, at }: { headers: Headers; at: string },
): void {
  for (const name of Object.keys(described)) assert.ok(headers.has(name), `${at}: no ${name}`);
  const type = headers.get("content-type") ?? "";
  const isDescribed = Object.keys(content).some((it) => type === it || type.startsWith(`${it};`));
  assert.ok(isDescribed, `${at}: type ${type} not described`);
}

/** Where the headers aren't known and it may be something else, too: if it looks like it. */
function isJson({ content }: Described, { headers, text }: { headers?: Headers; text: string }) {
  if (!(JSON_TYPE in content)) return false;
  if (headers !== undefined) return headers.get("content-type")!.startsWith(JSON_TYPE);
  return Object.keys(content).length === 1 || text.startsWith("{");
}

/** A part of a JSON pointer in an address. */
function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
}

/** The same schemas, with no member that they don't name. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, it]) => [name, closed(it)]);
  const copy = Object.fromEntries(members);
  if (copy.type === "object" && "properties" in copy) copy.additionalProperties ??= false;
  return copy;
}
