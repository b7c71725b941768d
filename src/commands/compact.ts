/** `plumbline compact`: rebuilds the database of a data folder at rest. */
import { settings } from "../config/settings.ts";
import { compactFolder } from "../store/compact.ts";
import { oneSetting } from "./api_address.ts";
import { exitCodes } from "./exit_codes.ts";
import { folderFailure } from "./folder_failure.ts";
import { size } from "./size.ts";

/** Does it and prints what was gained; the exit code. */
export function compact(options: { json?: boolean }): number {
  try {
    const dir = oneSetting(settings.dataDir, Deno.env.toObject());
    const begun = performance.now();
    const done = compactFolder(dir, (rebuilding) => {
      console.error(
        rebuilding
          ? `${dir}: the database is rebuilt; if it is interrupted it stays as it is`
          : `${dir}: no room to rebuild the database; pages without contents are given back`,
      );
    });
    const seconds = Math.round(performance.now() - begun) / 1000;
    const { rebuilt, bytesBefore, bytesAfter, freeBytesBefore } = done;
    console.log(
      options.json
        ? JSON.stringify({
          folder: dir,
          rebuilt,
          bytes_before: bytesBefore,
          bytes_after: bytesAfter,
          free_bytes_before: freeBytesBefore,
          seconds,
        })
        : `${dir}: ${size(bytesBefore)} before, ${size(bytesAfter)} now, in ${seconds} s`,
    );
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return folderFailure(error);
  }
}
