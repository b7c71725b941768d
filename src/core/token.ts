/** Tokens as the program knows them: never the token itself, only its hash. */

export const SCOPES = ["read", "write", "admin"] as const;

/** What a token may do. None includes another. */
export type Scope = (typeof SCOPES)[number];

export interface Token {
  /** For people, and for the log. */
  readonly name: string;
  /** SHA-256 of the token's text, 32 bytes. */
  readonly hash: Uint8Array;
  readonly scopes: ReadonlySet<Scope>;
  /** Whose data it may see and change; null: everybody's. */
  readonly tenants: ReadonlySet<string> | null;
}

/** Every token begins so: scanners for secrets find it, and so does `withoutTokens`. */
export const TOKEN_PREFIX = "plumb_";

/** A whole token: 256 random bits as base64url. */
export const TOKEN_PATTERN = `${TOKEN_PREFIX}[A-Za-z0-9_-]{43}`;

/** What looks like one, or like a part of one. */
const TOKEN = new RegExp(`${TOKEN_PREFIX}[A-Za-z0-9_-]{8,}`, "g");

/** A text that may be shown: whoever writes a token where its hash belongs must not find it in the log. */
export function withoutTokens(text: string): string {
  return text.includes(TOKEN_PREFIX) ? text.replace(TOKEN, `${TOKEN_PREFIX}…`) : text;
}
