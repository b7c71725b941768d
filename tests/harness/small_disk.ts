/** A disk that is soon full: a file system of its own where this user may mount one. */
import { statfsSync } from "node:fs";

export interface SmallDisk extends AsyncDisposable {
  /** Takes all room but so many bytes. */
  fill(leaving: number): void;
  /** Gives that room back. */
  free(): void;
}

/** Mounts a file system of this size over the folder; undefined: it may not be mounted here. */
export async function smallDisk(path: string, mebibytes: number): Promise<SmallDisk | undefined> {
  const mounted = await run("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", path);
  if (mounted !== "") {
    console.log(`no file system of its own (${mounted.trim()}): a limit on file sizes instead`);
    return undefined;
  }
  const ballast = `${path}/ballast`;
  return {
    fill(leaving) {
      const { bavail, bsize } = statfsSync(path);
      using file = Deno.openSync(ballast, { create: true, append: true });
      const block = new Uint8Array(65536);
      for (let left = bavail * bsize - leaving; left > 0; left -= block.length) {
        try {
          file.writeSync(block.subarray(0, Math.min(left, block.length)));
        } catch (error) {
          // Others write as well: it is fuller than it was to be.
          if (/os error 28/.test(String(error))) return;
          throw error;
        }
      }
    },
    free: () => Deno.removeSync(ballast),
    async [Symbol.asyncDispose]() {
      await run("umount", "-l", path);
    },
  };
}

/** Runs what follows with a limit on the size of any file, beyond which a write fails as on a full disk. */
export function fileLimit(kibibytes: number): string[] {
  return ["sh", "-c", `trap '' XFSZ; ulimit -S -f ${kibibytes * 2}; exec "$@"`, "sh"];
}

export async function liftFileLimit(pid: number): Promise<void> {
  const failed = await run("prlimit", "--pid", String(pid), "--fsize=unlimited:");
  if (failed !== "") throw new Error(`Lift the limit on file sizes: ${failed}`);
}

/** Empty: it went well. */
async function run(command: string, ...args: string[]): Promise<string> {
  const { success, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  return success ? "" : new TextDecoder().decode(stderr) || "failed";
}
