/** `plumbline backup`: a copy of the data folder's database, also while an engine runs. */
import { ConfigFaults } from "../config/faults.ts";
import { settings } from "../config/settings.ts";
import { backUp, BackupRefused } from "../store/backup.ts";
import { oneSetting } from "./api_address.ts";
import { exitCodes } from "./exit_codes.ts";
import { folderFailure } from "./folder_failure.ts";
import { size } from "./size.ts";
import { stopSignal } from "./stop_signal.ts";

/** Makes it and prints what it made; the exit code. */
export async function backup(target: string, options: { json?: boolean }): Promise<number> {
  try {
    const dir = oneSetting(settings.dataDir, Deno.env.toObject());
    const file = fileFor(target);
    const begun = performance.now();
    const done = await backUp({
      dir,
      target: file,
      stop: stopSignal(),
      onBegin: (bytes) => console.error(`${dir}: copying ${size(bytes)} to ${file}`),
    });
    const seconds = Math.round(performance.now() - begun) / 1000;
    console.log(
      options.json
        ? JSON.stringify({
          file,
          bytes: done.bytes,
          seconds,
          in_use: done.inUse,
          folder_id: done.folderId,
          schema: done.schema,
          read: done.read,
        })
        : `${file}: ${size(done.bytes)} in ${seconds} s, with ${done.read} readings counted; ` +
          "to restore it, start an engine on a folder with it as plumbline.db",
    );
    return exitCodes.done;
  } catch (error) {
    if (error instanceof BackupRefused) {
      console.error(`plumbline: ${error.message}`);
      return exitCodes.failed;
    }
    if (error instanceof ConfigFaults || error instanceof Error) return folderFailure(error);
    throw error;
  }
}

/** In a folder that is there the file has a name with the time in it. */
function fileFor(target: string): string {
  try {
    if (!Deno.statSync(target).isDirectory) return target;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return target;
  }
  const time = new Date().toISOString().replace(/\.\d+/, "").replaceAll(":", "-");
  return `${target.replace(/\/$/, "")}/plumbline-${time}.db`;
}
