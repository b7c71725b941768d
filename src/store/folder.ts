/** The data folder: it exists, it can be written, and it belongs to one process. */

/** Another process holds the data folder. */
export class DataFolderInUse extends Error {
  override readonly name = "DataFolderInUse";
}

export interface FolderLock {
  release(): void;
}

/**
 * Makes the folder where it is missing and takes its lock, which the operating system holds on a
 * file of its own: it ends with the process, however that ends, and other programs can read the
 * database meanwhile. Never waits. Throws `DataFolderInUse`, or an error that says what to do.
 */
export function lockFolder(dir: string): FolderLock {
  const path = `${dir}/plumbline.lock`;
  let file: Deno.FsFile;
  try {
    Deno.mkdirSync(dir, { recursive: true });
    file = Deno.openSync(path, { create: true, write: true });
  } catch (error) {
    throw unusable(dir, error);
  }
  let locked: boolean;
  try {
    locked = file.tryLockSync(true);
  } catch (error) {
    file.close();
    throw unusable(dir, error);
  }
  if (!locked) {
    file.close();
    throw new DataFolderInUse(
      `opening the data folder ${dir}: one process at a time may use it, another one holds ${path}; ` +
        "stop that one or set DATA_DIR to another folder",
    );
  }
  return { release: () => file.close() };
}

/** The error for a folder or a file in it that can't be made, read or written. */
export function unusable(dir: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Error(
    `opening the data folder ${dir}: it must be a folder that this user may write, but: ${reason}; ` +
      "change its owner or set DATA_DIR to another folder",
    { cause },
  );
}
