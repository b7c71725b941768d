/** The demo's engine: `plumbline serve` without Kafka, as a process of its own. */
import { settings } from "../src/config/settings.ts";
import { commandFlags } from "./command_flags.ts";
import { linesOf } from "./lines.ts";
import { freePort, portIsFree } from "./ports.ts";

const MAIN = new URL("../src/main.ts", import.meta.url).pathname;
const TENANTS = new URL("../deploy/tenants.demo.json", import.meta.url).pathname;
const READY_MS = 30_000;
const POLL_MS = 20;

export interface DemoEngine {
  readonly address: string;
  /** Settles when the process has ended: with its exit code and what it wrote to its error stream. */
  readonly ended: Promise<{ code: number; errors: string }>;
  /** SIGTERM; the exit code. */
  stop(): Promise<number>;
}

/** The engine ended before it could be used. */
export class EngineFailed extends Error {
  override readonly name = "EngineFailed";
  readonly code: number;

  constructor({ code, errors }: { code: number; errors: string }) {
    super(errors.trim() || `the engine ended with code ${code}`);
    this.code = code;
  }
}

/** The wished port, or another one where something listens on it already. */
export async function choosePort(wished: number): Promise<number> {
  return wished > 0 && await portIsFree(wished) ? wished : await freePort();
}

/** Starts it and waits until it is ready. Throws `EngineFailed`. */
export async function startEngine(
  options: { dataDir: string; port: number; tell: (line: string) => void },
): Promise<DemoEngine> {
  const { dataDir, port, tell } = options;
  const own = {
    KAFKA_ENABLED: "false",
    DATA_DIR: dataDir,
    METRICS_PORT: String(port),
    TENANTS_FILE: TENANTS,
    LOG_LEVEL: "warn",
  };
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...await commandFlags(["serve"], own), MAIN, "serve"],
    env: { ...withoutSettings(Deno.env.toObject()), ...own },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // Ctrl-C is for the demo: it stops its fleet first, and then the engine.
    detached: true,
  }).spawn();
  const logged = passOn(child.stdout, tell);
  const ended = Promise.all([child.status, textOf(child.stderr), logged])
    .then(([{ code }, errors]) => ({ code, errors }));
  const address = `http://127.0.0.1:${port}`;

  async function stop(): Promise<number> {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended by itself: its exit code says how.
    }
    return (await ended).code;
  }

  try {
    await ready(address, ended);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, ended, stop };
}

/** What is set for another engine isn't meant for this one. */
function withoutSettings(env: Record<string, string>): Record<string, string> {
  const rest = { ...env };
  for (const setting of Object.values(settings)) {
    delete rest[setting.name];
    if ("oldName" in setting) delete rest[String(setting.oldName)];
  }
  return rest;
}

async function ready(address: string, ended: DemoEngine["ended"]): Promise<void> {
  const deadline = Date.now() + READY_MS;
  let end: { code: number; errors: string } | undefined;
  ended.then((it) => end = it);
  while (!await answers(`${address}/health/ready`)) {
    if (end !== undefined) throw new EngineFailed(end);
    if (Date.now() > deadline) {
      throw new EngineFailed({ code: 1, errors: `the engine isn't ready after ${READY_MS} ms` });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(READY_MS) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

/** Warnings and errors of the engine's log, one line each. */
async function passOn(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  tell: (line: string) => void,
): Promise<void> {
  for await (const line of linesOf(stream)) tell(`engine: ${line}`);
}

async function textOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) text += part;
  return text;
}
