/** What a path is to this process: for those who look for what is wrong with it. Changes nothing. */
import { accessSync, constants, statfsSync } from "node:fs";

export interface PathFacts {
  readonly kind: "folder" | "file" | "other";
  /** As `ls` has it: `rwxr-x---`. */
  readonly mode: string;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly readable: boolean;
  readonly writable: boolean;
  /** `ext4`, `nfs` …, or its number where it has no name here; undefined: it can't be found out. */
  readonly fileSystem: string | undefined;
}

/** Linux' numbers, from its `magic.h`. */
const NAMES = new Map<number, string>([
  [0xef53, "ext4"],
  [0x58465342, "xfs"],
  [0x9123683e, "btrfs"],
  [0x2fc12fc1, "zfs"],
  [0x01021994, "tmpfs"],
  [0x858458f6, "ramfs"],
  [0x794c7630, "overlay"],
  [0xf2f52010, "f2fs"],
  [0x4d44, "vfat"],
  [0x6969, "nfs"],
  [0xff534d42, "cifs"],
  [0xfe534d42, "smb"],
  [0x01021997, "9p"],
  [0x65735546, "fuse"],
  [0x00c36400, "ceph"],
]);

/** Those on which SQLite's locks don't hold. */
export const networkFileSystems: ReadonlySet<string> = new Set([
  "nfs",
  "cifs",
  "smb",
  "9p",
  "ceph",
]);

/** undefined: there is no such thing. Throws where it can't be looked at. */
export function probePath(path: string): PathFacts | undefined {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return undefined;
  }
  return {
    kind: info.isDirectory ? "folder" : info.isFile ? "file" : "other",
    mode: modeText(info.mode ?? 0),
    uid: info.uid,
    gid: info.gid,
    readable: may(path, constants.R_OK),
    writable: may(path, constants.W_OK),
    fileSystem: fileSystem(path),
  };
}

function may(path: string, how: number): boolean {
  try {
    accessSync(path, how);
    return true;
  } catch {
    return false;
  }
}

function fileSystem(path: string): string | undefined {
  try {
    const { type } = statfsSync(path);
    return NAMES.get(type >>> 0) ?? `0x${(type >>> 0).toString(16)}`;
  } catch {
    return undefined;
  }
}

function modeText(mode: number): string {
  return [...(mode & 0o777).toString(2).padStart(9, "0")]
    .map((bit, i) => bit === "1" ? "rwx"[i % 3] : "-").join("");
}
