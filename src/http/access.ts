/** Who may ask for what: bearer tokens, their scopes and tenants (docs/security.md). */
import { createHash, timingSafeEqual } from "node:crypto";
import { type Scope, type Token, TOKEN_PATTERN } from "../core/token.ts";
import type { Log } from "../pipeline/ports.ts";
import { FailedLogins } from "./failed_logins.ts";
import { Refusal } from "./request.ts";

/** What a request must bring: a scope, any token at all, or nothing. */
export type Access = Scope | "any token" | "open";

/** What a route asks of whoever comes. */
export interface Demand {
  readonly access: Access;
  /** It is about everybody's data: a token that is limited to tenants doesn't get it. */
  readonly everybodys: boolean;
}

/** What an operation asks for that doesn't say otherwise: `read` for GET, `admin` for what changes something. */
export function demandOf(
  method: string,
  { access, everybodys = false }: { access?: Access; everybodys?: boolean },
): Demand {
  return { access: access ?? (method === "GET" ? "read" : "admin"), everybodys };
}

export interface Visitor {
  readonly headers: Headers;
  readonly method: string;
  readonly endpoint: string;
  /** Undefined, or without an address: from within the process. */
  readonly connection: { readonly address?: string } | undefined;
}

/** Whose data may be seen and changed; null: everybody's. */
export type Admitted = ReadonlySet<string> | null;

export interface AccessOptions {
  /** In force now; without any of them everybody is let in. The same array as long as nothing changes. */
  readonly tokens: () => readonly Token[];
  readonly log: Log;
  /** ms; only differences count. */
  readonly now: () => number;
}

/** Nothing but what `plumbline token new` makes is a token: one that could be guessed is none, whatever its hash. */
const BEARER = new RegExp(`^\\s*Bearer +(${TOKEN_PATTERN})\\s*$`, "i");
const CHALLENGE = 'Bearer realm="plumbline"';

export class AccessControl {
  readonly #options: AccessOptions;
  readonly #failed: FailedLogins;
  #known: readonly Token[] = [];
  /** By the first bytes of their hashes. */
  #byStart = new Map<number, Token[]>();

  constructor(options: AccessOptions) {
    this.#options = options;
    this.#failed = new FailedLogins({ now: options.now });
  }

  /** Refuses with 401 who brings no token or a wrong one, with 403 whose token isn't for this. */
  admit(visitor: Visitor, { access, everybodys }: Demand): Admitted {
    const tokens = this.#options.tokens();
    if (access === "open" || tokens.length === 0) return null;
    const token = this.#tokenOf(visitor, tokens);
    if (access !== "any token" && !token.scopes.has(access)) {
      throw forbidden(`its scopes are ${[...token.scopes].join(", ")}, ${access} is needed`);
    }
    if (everybodys && token.tenants !== null) {
      throw forbidden("it is limited to tenants, and this is about all of them");
    }
    if (access === "admin") this.#tell(token, visitor);
    return token.tenants;
  }

  #tokenOf({ headers, connection }: Visitor, tokens: readonly Token[]): Token {
    const given = headers.get("authorization");
    if (given === null) {
      throw new Refusal(401, "a token is needed: Authorization: Bearer <token>", {
        "www-authenticate": CHALLENGE,
      });
    }
    const presented = BEARER.exec(given)?.[1];
    const token = presented === undefined ? undefined : this.#find(presented, tokens);
    if (token !== undefined) return token;
    const address = connection?.address;
    const { waitMs, first } = this.#failed.count(address ?? "");
    if (first) {
      this.#options.log.warn("requests with a wrong token", {
        address,
        todo: "see who sends them; with a token that was taken away they are refused, too",
      });
    }
    if (waitMs > 0) {
      throw new Refusal(429, "too many wrong tokens from this address", {
        "retry-after": String(Math.ceil(waitMs / 1000)),
      });
    }
    throw new Refusal(401, "the token is wrong", {
      "www-authenticate": `${CHALLENGE}, error="invalid_token"`,
    });
  }

  /**
   * The token whose hash fits. How long this takes tells nothing that could be used: whoever asks can't
   * choose the hash of what he presents, and the whole hash is compared in constant time.
   */
  #find(presented: string, tokens: readonly Token[]): Token | undefined {
    if (tokens !== this.#known) this.#learn(tokens);
    const hash = createHash("sha256").update(presented).digest();
    let found: Token | undefined;
    for (const token of this.#byStart.get(startOf(hash)) ?? []) {
      if (timingSafeEqual(token.hash, hash)) found = token;
    }
    return found;
  }

  #learn(tokens: readonly Token[]): void {
    this.#known = tokens;
    this.#byStart = Map.groupBy(tokens, ({ hash }) => startOf(hash));
  }

  /** Who has changed something that can't be undone. */
  #tell({ name }: Token, { method, endpoint, connection }: Visitor): void {
    if (method !== "POST") return;
    const address = connection?.address;
    this.#options.log.info("an admin's request", { token: name, method, endpoint, address });
  }
}

function startOf(hash: Uint8Array): number {
  return hash[0] << 24 | hash[1] << 16 | hash[2] << 8 | hash[3];
}

function forbidden(reason: string): Refusal {
  return new Refusal(403, `the token may not: ${reason}`, {
    "www-authenticate": `${CHALLENGE}, error="insufficient_scope"`,
  });
}
