/** Where dead letters are: with an engine that runs, or in a data folder at rest. Both answer alike. */
import { apiAddress } from "./api_address.ts";
import { apiClient, tokenHint } from "./api_client.ts";
import { exitCodes } from "./exit_codes.ts";
import { reasonOf } from "./reason.ts";

/** A replay of many letters takes its time. */
const TIMEOUT_MS = 600_000;

/** There is no answer, or one that says no. */
export class NoAnswer extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface Asked extends Disposable {
  /** A GET, or a POST where there is a body. Throws `NoAnswer` unless the work was done, at least in part. */
  ask(path: string, body?: object): Promise<{ status: number; body: unknown }>;
}

/** The engine at this address, or where the environment says. Throws `ConfigFaults`. */
export function byAddress(url: string | undefined): Asked {
  const env = Deno.env.toObject();
  const address = url ?? apiAddress(env);
  const client = apiClient(env);
  async function send(path: string, init: RequestInit): Promise<Response> {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      return await client(`${address}${path}`, { ...init, signal });
    } catch (error) {
      throw new NoAnswer(
        `no answer from ${address}: ${
          reasonOf(error)
        }; if no engine runs, --at-rest works on its ` +
          "data folder",
      );
    }
  }
  return { ask: (path, body) => askBy(send, { path, body }), [Symbol.dispose]() {} };
}

/** One request, and what was answered. */
export async function askBy(
  send: (path: string, init: RequestInit) => Promise<Response>,
  { path, body }: { path: string; body: object | undefined },
): Promise<{ status: number; body: unknown }> {
  const init = body === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await send(path, init);
  const { status } = response;
  const text = await response.text();
  const read = bodyOf(text);
  if (status === 200 || read?.matched !== undefined) return { status, body: read };
  const message = read?.message ?? `status ${status}, and no JSON`;
  const said = `${message}${tokenHint(status)}`;
  throw new NoAnswer(said, status === 400 ? exitCodes.usage : exitCodes.failed);
}

function bodyOf(text: string): { message?: unknown; matched?: unknown } | undefined {
  try {
    const body = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}
