import { createHash } from "node:crypto";
import { type Scope, TOKEN_PREFIX } from "../core/token.ts";
import { exitCodes } from "./exit_codes.ts";

export interface NewTokenOptions {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** undefined: everybody's data. */
  readonly tenants?: readonly string[];
  readonly json?: boolean;
}

/** What `token new` makes; the token itself is kept nowhere. */
export interface NewToken {
  readonly token: string;
  /** As it stands in the tenants' file. */
  readonly entry: {
    readonly name: string;
    readonly hash: string;
    readonly scopes: readonly Scope[];
    readonly tenants?: readonly string[];
  };
}

const TOKEN_BYTES = 32;

/** Prints a new token, its hash and the lines for the tenants' file; the exit code. */
export function newToken(options: NewTokenOptions): number {
  const made = makeToken(options, crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)));
  console.log(options.json ? JSON.stringify(made, null, 2) : newTokenText(made));
  return exitCodes.done;
}

/** The token of these random bytes. */
export function makeToken(
  { name, scopes, tenants }: NewTokenOptions,
  random: Uint8Array,
): NewToken {
  const token = TOKEN_PREFIX + random.toBase64({ alphabet: "base64url", omitPadding: true });
  const hash = `sha256:${createHash("sha256").update(token).digest("hex")}`;
  return { token, entry: { name, hash, scopes, ...(tenants && { tenants }) } };
}

function newTokenText({ token, entry }: NewToken): string {
  return `The token, for whoever asks; it isn't shown again:

${token}

Its hash, for the file that TENANTS_FILE names (as JSON or as YAML), among its tokens:

"tokens": [
  ${JSON.stringify(entry)}
]`;
}
