/**
 * A disk for one engine that can be filled and freed: a small file system of its own in memory, or,
 * where none may be mounted, the machine's, with a limit on the size of the process's files.
 */
export interface Disk extends AsyncDisposable {
  /** Says what a full disk is here. */
  readonly how: string;
  /** No file can grow. */
  fill(pid: number): Promise<void>;
  free(pid: number): Promise<void>;
  /** Not even what a file has already can be written over. */
  refuseWrites(pid: number): Promise<void>;
  takeWrites(pid: number): Promise<void>;
}

/** More than the write-ahead log ever is (66 MB), and the database beside it. */
const MOUNT_MIB = 256;
const CHUNK = new Uint8Array(1024 ** 2);

/** `folder`: exists and is empty. */
export async function openDisk(folder: string): Promise<Disk> {
  const options = ["-t", "tmpfs", "-o", `size=${MOUNT_MIB}m`, "tmpfs", folder];
  const isMounted = Deno.build.os === "linux" && await works("mount", options);
  const byLimit = {
    refuseWrites: (pid: number) => limitFiles(pid, 0),
    takeWrites: (pid: number) => limitFiles(pid, "unlimited"),
  };
  if (!isMounted) {
    return {
      how: "a limit on the size of the engine's files (no file system may be mounted here)",
      fill: (pid) => limitFiles(pid, longestFile(folder)),
      free: byLimit.takeWrites,
      ...byLimit,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const ballast = `${folder}/ballast`;
  return {
    how: `a file system of ${MOUNT_MIB} MiB, filled to its last byte`,
    fill: () => {
      writeUntilFull(ballast);
      return Promise.resolve();
    },
    free: () => Deno.remove(ballast),
    ...byLimit,
    [Symbol.asyncDispose]: () => run("umount", ["--lazy", folder]),
  };
}

/** In ever smaller pieces. */
function writeUntilFull(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  for (let size = CHUNK.length; size >= 1;) {
    try {
      if (file.writeSync(CHUNK.subarray(0, size)) < size) size >>= 1;
    } catch {
      size >>= 1;
    }
  }
}

function longestFile(folder: string): number {
  const sizes = [...Deno.readDirSync(folder)].map(({ name }) =>
    Deno.statSync(`${folder}/${name}`).size
  );
  return Math.max(...sizes);
}

function limitFiles(pid: number, bytes: number | "unlimited"): Promise<void> {
  return run("prlimit", ["--pid", String(pid), `--fsize=${bytes}:`]);
}

async function works(command: string, args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stderr: "null" }).output()).success;
  } catch {
    return false; // there is no such command
  }
}

async function run(command: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stderr: "piped" }).output();
  const said = new TextDecoder().decode(stderr);
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${said}`);
}
