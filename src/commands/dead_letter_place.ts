/** Where dead letters are: with an engine that runs, or in a data folder at rest. Both answer alike. */
import { type Environment } from "../config/setting_value.ts";
import { settings } from "../config/settings.ts";
import { routesOnly } from "../http/api.ts";
import { deadLetterRoutes } from "../http/dead_letters.ts";
import { LetterDesk, markingReplayer } from "../pipeline/letter_desk.ts";
import { DataFolderInUse, openStore } from "../store/open.ts";
import { createLog } from "../telemetry/log.ts";
import { apiAddress, oneSetting } from "./api_address.ts";
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
  const address = url ?? apiAddress(Deno.env.toObject());
  async function send(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(`${address}${path}`, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
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

/** The folder of `DATA_DIR`, locked until it is disposed of. Throws what opening it throws. */
export function atRest(env: Environment): Asked {
  const dir = oneSetting(settings.dataDir, env);
  try {
    Deno.statSync(`${dir}/plumbline.db`);
  } catch (error) {
    throw new NoAnswer(
      `reading ${dir}/plumbline.db: ${reasonOf(error)}; DATA_DIR names the folder`,
    );
  }
  const now = () => Date.now();
  const log = createLog({
    level: "info",
    write: (line) => console.error(line.trimEnd()),
    now,
    format: "text",
  });
  const store = open(() => openStore({ dir, log, now }));
  const api = routesOnly(
    deadLetterRoutes({ letters: new LetterDesk(store, markingReplayer(store)) }),
  );
  const send = async (path: string, init: RequestInit) => await api.request(path, init);
  return {
    ask: (path, body) => askBy(send, { path, body }),
    [Symbol.dispose]: () => store.close(),
  };
}

function open<T>(opening: () => T): T {
  try {
    return opening();
  } catch (error) {
    if (!(error instanceof DataFolderInUse)) throw error;
    throw new NoAnswer(
      `${error.message}; an engine that runs is asked by its address: leave out --at-rest`,
      exitCodes.dataFolder,
    );
  }
}

async function askBy(
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
  throw new NoAnswer(String(message), status === 400 ? exitCodes.usage : exitCodes.failed);
}

function bodyOf(text: string): { message?: unknown; matched?: unknown } | undefined {
  try {
    const body = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}
