import { loadKafkaClient, type RunningEngine } from "../app.ts";
import { loadTracing } from "../app/following.ts";
import { readConfig } from "../config/config.ts";
import { ConfigFaults } from "../config/faults.ts";
import { openFiles } from "../config/files.ts";
import { nearMisses } from "../config/near_misses.ts";
import type { Environment } from "../config/setting_value.ts";
import { UnsentResults } from "../pipeline/removed_sinks.ts";
import { type Log, StoreDamaged } from "../pipeline/ports.ts";
import { DataFolderInUse, SchemaTooNew } from "../store/open.ts";
import { openLog, type ProgramLog } from "../telemetry/program_log.ts";
import { version } from "../version.ts";
import { exitCodes } from "./exit_codes.ts";
import { startPatiently } from "./patient_start.ts";
import type { Supervisor } from "./supervisor.ts";

/** Runs the engine until a signal ends it; the answer is the exit code. */
export async function serve(): Promise<number> {
  let output: ProgramLog | undefined;
  try {
    const env = Deno.env.toObject();
    const files = await openFiles(env);
    const config = readConfig(env, files);
    output = openLog(config.debug ? "debug" : config.logLevel);
    for (const warning of nearMisses(env)) output.log.warn(warning);
    const client = await loadKafkaClient(config);
    const tracing = await loadTracing(config, version);
    const { log } = output;
    const engine = startPatiently({ config, files, log, version, client, tracing });
    using supervisor = await supervise(engine, { env, dataDir: config.dataDir, log });
    return await run(engine, { log, supervisor });
  } catch (error) {
    console.error(error instanceof Error ? `plumbline: ${error.message}` : error);
    return startFailure(error);
  } finally {
    await output?.flush();
  }
}

/** Loaded only where there is a supervisor that wants to be told. */
async function supervise(
  engine: RunningEngine,
  { env, dataDir, log }: { env: Environment; dataDir: string; log: Log },
): Promise<Supervisor | undefined> {
  if (!env.NOTIFY_SOCKET) return undefined;
  const { openSupervisor } = await import("./supervisor.ts");
  const supervisor = openSupervisor({ env, dataDir, log, failure: () => engine.failure() });
  supervisor.ready();
  return supervisor;
}

async function run(
  engine: RunningEngine,
  { log, supervisor }: { log: Log; supervisor: Supervisor | undefined },
): Promise<number> {
  Deno.addSignalListener("SIGHUP", () => engine.reload());
  const ended = await Promise.race([
    signalled().then((signal) => ({ signal })),
    engine.failed.then((error) => ({ error })),
  ]);
  supervisor?.stopping();
  const asked = "signal" in ended;
  if (asked) {
    log.info("stopping, within 10 s; a second signal ends it at once", ended);
  } else {
    log.error("the engine can't go on", { ...ended, todo: remedyFor(ended.error) });
  }
  try {
    const clean = await engine.stop();
    if (!asked) return startFailure(ended.error);
    return clean ? exitCodes.done : exitCodes.failed;
  } catch (error) {
    log.error("stopping failed; what was committed is safe", {
      error,
      todo: "none: the next start goes on where this one stopped",
    });
    return exitCodes.failed;
  }
}

function remedyFor(error: unknown): string {
  if (error instanceof StoreDamaged) {
    return "start it again: the damaged file is set aside then, and what is whole is taken over";
  }
  if (startFailure(error) !== exitCodes.failed) return "none: the error says it";
  return "this is a defect: please report it; started again it goes on where it stopped";
}

/** Settles with the first SIGTERM or SIGINT; a second one ends the process at once. */
function signalled(): Promise<Deno.Signal> {
  return new Promise((resolve) => {
    let seen = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => {
        if (seen) Deno.exit(exitCodes.failed);
        seen = true;
        resolve(signal);
      });
    }
  });
}

function startFailure(error: unknown): number {
  if (error instanceof ConfigFaults || error instanceof UnsentResults) return exitCodes.usage;
  if (error instanceof DataFolderInUse || error instanceof SchemaTooNew) {
    return exitCodes.dataFolder;
  }
  return exitCodes.failed;
}
