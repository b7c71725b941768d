import { type RunningEngine, startEngine } from "../app.ts";
import { readConfig } from "../config/config.ts";
import { ConfigFaults } from "../config/faults.ts";
import { UnsentResults } from "../pipeline/removed_sinks.ts";
import { DataFolderInUse, SchemaTooNew } from "../store/open.ts";
import { createLog } from "../telemetry/log.ts";
import { version } from "../version.ts";
import { exitCodes } from "./exit_codes.ts";

/** Runs the engine until a signal ends it; the answer is the exit code. */
export async function serve(): Promise<number> {
  let engine: RunningEngine;
  const debug = Deno.env.get("DEBUG")?.toLowerCase() === "true";
  const log = createLog({
    level: debug ? "debug" : "info",
    format: Deno.stdout.isTerminal() ? "text" : "json",
    write: (line) => console.log(line),
    now: () => Date.now(),
  });
  try {
    const config = readConfig(Deno.env.toObject(), { read: (path) => Deno.readTextFileSync(path) });
    engine = startEngine({ config, log, version });
  } catch (error) {
    console.error(error instanceof Error ? `plumbline: ${error.message}` : error);
    return startFailure(error);
  }

  const ended = await Promise.race([signalled(), engine.failed]);
  if (ended !== undefined) log.error("the engine can't go on", { error: ended });
  try {
    const clean = await engine.stop();
    return clean && ended === undefined ? exitCodes.done : exitCodes.failed;
  } catch (error) {
    log.error("stopping failed; what was committed is safe", { error });
    return exitCodes.failed;
  }
}

/** Settles at the first SIGTERM or SIGINT; a second one ends the process at once. */
function signalled(): Promise<undefined> {
  return new Promise((resolve) => {
    let seen = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => {
        if (seen) Deno.exit(exitCodes.failed);
        seen = true;
        resolve(undefined);
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
