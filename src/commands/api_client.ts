/** How commands ask an engine: with the token that the environment names. */
import { callerNames } from "../config/caller_names.ts";
import { ConfigFaults } from "../config/faults.ts";
import { certificatesIn, PemFault } from "../config/pem.ts";
import type { Environment } from "../config/setting_value.ts";
import { TOKEN_PATTERN } from "../core/token.ts";

/** As `fetch`, with what the engine wants to know of whoever asks. */
export type Ask = (url: string, init?: RequestInit) => Promise<Response>;

/** Throws `ConfigFaults`. */
export function apiClient(env: Environment): Ask {
  const ask = withoutToken(env);
  const token = tokenIn(env);
  if (token === undefined) return ask;
  return (url, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${token}`);
    return ask(url, { ...init, headers });
  };
}

/** For what is open to everybody. Throws `ConfigFaults`. */
export function withoutToken(env: Environment): Ask {
  const path = env[callerNames.caFile]?.trim() ?? "";
  if (path === "") return (url, init) => fetch(url, init);
  const client = Deno.createHttpClient({ caCerts: [authorityIn(path)] });
  return (url, init) => fetch(url, { ...init, client });
}

function authorityIn(path: string): string {
  try {
    return certificatesIn(Deno.readTextFileSync(path));
  } catch (error) {
    const message = error instanceof PemFault ? error.message : "is no file that can be read";
    throw wrong(callerNames.caFile, { value: path, message, allowed: "path of a PEM file" });
  }
}

/** What to add to the engine's own words where it is a token that is missing. */
export function tokenHint(status: number): string {
  return status === 401 ? `; ${callerNames.token} or ${callerNames.tokenFile} gives one` : "";
}

const WHOLE_TOKEN = new RegExp(`^${TOKEN_PATTERN}$`);
const ALLOWED = "a token as `plumbline token new` prints it";

function tokenIn(env: Environment): string | undefined {
  const own = env[callerNames.token]?.trim() ?? "";
  const path = env[callerNames.tokenFile]?.trim() ?? "";
  if (own !== "" && path !== "") {
    const message = `and ${callerNames.tokenFile} are both set`;
    throw wrong(callerNames.token, { value: own, message, allowed: "one of the two" });
  }
  if (path === "") return own === "" ? undefined : checked(callerNames.token, own);
  return checked(callerNames.tokenFile, readToken(path));
}

function readToken(path: string): string {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch {
    // Why would name the path, which is the token where somebody has mixed up the two.
    const message = "is no file that can be read";
    throw wrong(callerNames.tokenFile, { value: path, message, allowed: "path of a file" });
  }
}

function checked(name: string, value: string): string {
  if (WHOLE_TOKEN.test(value)) return value;
  throw wrong(name, { value, message: "is no token", allowed: ALLOWED });
}

function wrong(
  name: string,
  fault: { value: string; message: string; allowed: string },
): ConfigFaults {
  return new ConfigFaults([{ name, ...fault }]);
}
