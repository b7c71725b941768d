/** Why a command about a data folder couldn't do its work: told in one line. */
import { ConfigFaults } from "../config/faults.ts";
import { DataFolderInUse } from "../store/folder.ts";
import { SchemaTooNew } from "../store/migrations.ts";
import { exitCodes } from "./exit_codes.ts";
import { reasonOf } from "./reason.ts";

/** Prints it; the exit code. */
export function folderFailure(error: Error): number {
  const missing = error instanceof Deno.errors.NotFound;
  const told = missing ? `${reasonOf(error)}; DATA_DIR names the data folder` : error.message;
  console.error(`plumbline: ${told}`);
  if (error instanceof ConfigFaults) return exitCodes.usage;
  const held = error instanceof DataFolderInUse || error instanceof SchemaTooNew;
  return held ? exitCodes.dataFolder : exitCodes.failed;
}
