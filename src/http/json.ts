/** JSON answers, written as text so that names like `__proto__` and results stay as they are. */
import { SECURITY_HEADERS } from "./security_headers.ts";

/** A piece of JSON text that is put in as it stands. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** An object with these members, in this order; undefined ones are left out. */
export function jsonObject(members: Iterable<readonly [string, unknown]>): JsonText {
  const written: string[] = [];
  for (const [name, value] of members) {
    if (value === undefined) continue;
    const text = value instanceof JsonText ? value.text : JSON.stringify(value);
    written.push(`${JSON.stringify(name)}:${text}`);
  }
  return new JsonText(`{${written.join(",")}}`);
}

export const JSON_HEADERS = {
  "content-type": "application/json; charset=utf-8",
  ...SECURITY_HEADERS,
};

/** An answer with these members at the top. */
export function answer(
  members: Record<string, unknown>,
  init: { status?: number; headers?: Record<string, string> } = {},
): Response {
  return new Response(jsonObject(Object.entries(members)).text, {
    status: init.status ?? 200,
    headers: { ...JSON_HEADERS, ...init.headers },
  });
}

export function errorAnswer(
  status: number,
  message: string,
  headers?: Record<string, string>,
): Response {
  return answer({ status: "error", message }, { status, headers });
}
