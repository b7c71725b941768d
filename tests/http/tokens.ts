/** Tokens for tests, with what they hash to. */
import { createHash } from "node:crypto";
import { type Scope, SCOPES, type Token } from "../../src/core/token.ts";

export interface TestToken {
  /** What a client sends. */
  readonly text: string;
  readonly token: Token;
  readonly headers: { readonly authorization: string };
}

/** All scopes and all tenants unless told. */
export function testToken(
  name: string,
  { scopes = SCOPES, tenants }: { scopes?: readonly Scope[]; tenants?: readonly string[] } = {},
): TestToken {
  const text = `plumb_${name.padEnd(43, "x")}`;
  return {
    text,
    token: {
      name,
      hash: createHash("sha256").update(text).digest(),
      scopes: new Set(scopes),
      tenants: tenants === undefined ? null : new Set(tenants),
    },
    headers: { authorization: `Bearer ${text}` },
  };
}
