/** The examples of the OpenAPI document, to be asked for. */
import type { Document } from "../../src/http/openapi.ts";

export interface Asked {
  method: string;
  target: string;
  /** Media type of the body. */
  type?: string;
  encoding?: string;
  body?: string;
}

export interface Shown {
  name: string;
  when?: string;
  request?: { target: string; type?: string; body?: string };
  status: number;
  answer: string;
  media?: string;
}

export function examplesOf(document: Document): { operation: string; method: string; it: Shown }[] {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      operation: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      topic: (operation.tags as string[])[0],
      shown: (operation["x-examples"] ?? []) as Shown[],
    }))
  );
  return document.tags.flatMap(({ name }) =>
    operations.filter(({ topic }) => topic === name)
      .flatMap(({ shown, operation, method }) => shown.map((it) => ({ operation, method, it })))
  );
}

/** As what it says, without what differs from one time to the next: times and ids. */
export function comparable(answer: string, { media }: Shown): unknown {
  const text = answer.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "TIME")
    .replace(/"0[0-9A-Z]{25}"/g, '"ID"');
  return media === undefined ? JSON.parse(text) : text.replaceAll("\r\n", "\n");
}

export function ask(address: string, asked: Asked): Promise<Response> {
  const { method, target, type, encoding, body } = asked;
  const headers = new Headers();
  if (type !== undefined) headers.set("content-type", type);
  if (encoding !== undefined) headers.set("content-encoding", encoding);
  return fetch(address + target, { method, headers, body });
}
