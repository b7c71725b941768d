/** `tokens` in the tenants' file: who may ask for what over HTTP (docs/security.md). */
import { z } from "../../deps.ts";
import { type Scope, SCOPES, type Token } from "../core/token.ts";
import { pathText } from "./path.ts";
import { isName } from "./tenant_name.ts";

const MAX_TOKENS = 10_000;
const MAX_TENANTS = 10_000;
const nameRule = "expected a name of 1 to 64 letters, digits, _, . or -";
const hashRule =
  "expected sha256: and 64 hex digits, as `plumbline token new` prints them (not the token)";
const scopesRule = "expected a list of read, write and admin, at least one";
const tenantsRule = "expected a list of tenants' names, at least one; left out: everybody's data";
const HASH = /^sha256:[0-9a-f]{64}$/;

export const tokenSchema = z.strictObject({
  name: z.string({ error: nameRule }).regex(/^[\w.-]{1,64}$/, { error: nameRule })
    .meta({ description: "for people and for the log; no two tokens have the same" }),
  hash: z.string({ error: hashRule }).regex(HASH, { error: hashRule })
    .meta({ description: "of the token, which itself stands nowhere" }),
  scopes: z.array(z.enum(SCOPES, { error: "expected read, write or admin" }), {
    error: scopesRule,
  }).min(1, { error: scopesRule }).max(SCOPES.length, { error: scopesRule })
    .meta({ description: "what it may do; none includes another" }),
  tenants: z.array(
    z.string({ error: "expected a tenant's name" }).refine(isName, {
      error: "expected a tenant's name",
    }),
    { error: tenantsRule },
  ).min(1, { error: tenantsRule }).max(MAX_TENANTS, { error: tenantsRule }).optional()
    .meta({ description: "whose data it may see and change; everybody's if left out" }),
}, { error: "expected an object" });

export const tokensSchema = z.array(tokenSchema, { error: "expected a list" })
  .max(MAX_TOKENS, { error: `expected at most ${MAX_TOKENS} tokens` })
  .meta({ description: "with any of them every request needs one; see docs/security.md" });

type GivenToken = z.infer<typeof tokenSchema>;

/**
 * The tokens of the file. Everything wrong goes to `report`, without what stands there: where a hash
 * belongs, somebody will write the token.
 */
export function readTokens(value: unknown, report: (message: string) => void): readonly Token[] {
  if (value === undefined) return [];
  const outcome = tokensSchema.safeParse(value);
  if (!outcome.success) {
    const faults = outcome.error.issues.flatMap((issue) => {
      const place = ["tokens", ...issue.path];
      return issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => `${pathText([...place, key])}: unknown`)
        : [`${pathText(place)}: ${issue.message}`];
    });
    // A text is no list, and may be too long for one besides.
    new Set(faults).forEach(report);
    return [];
  }
  reportRepeated(outcome.data, report);
  return Object.freeze(outcome.data.map(tokenOf));
}

function tokenOf({ name, hash, scopes, tenants }: GivenToken): Token {
  return Object.freeze({
    name,
    hash: Uint8Array.fromHex(hash.slice("sha256:".length)),
    scopes: new Set<Scope>(scopes),
    tenants: tenants === undefined ? null : new Set(tenants),
  });
}

/** Of two with one name or one hash nobody could tell which one counts. */
function reportRepeated(tokens: readonly GivenToken[], report: (message: string) => void): void {
  for (const key of ["name", "hash"] as const) {
    const first = new Map<string, number>();
    for (const [i, token] of tokens.entries()) {
      const before = first.get(token[key]);
      if (before === undefined) first.set(token[key], i);
      else report(`tokens[${i}].${key}: the same as tokens[${before}].${key}`);
    }
  }
}
