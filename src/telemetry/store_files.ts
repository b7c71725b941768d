import { statfsSync } from "node:fs";
import type { StoreFiles } from "./engine_metrics.ts";

/** Sizes of the store's files in this folder. Never throws: what can't be found out is undefined. */
export function storeFiles(dir: string): Pick<StoreFiles, "database" | "wal" | "free"> {
  return {
    database: known(() => Deno.statSync(`${dir}/plumbline.db`).size),
    wal: known(() => Deno.statSync(`${dir}/plumbline.db-wal`).size),
    free: known(() => {
      const { bavail, bsize } = statfsSync(dir);
      return bavail * bsize;
    }),
  };
}

function known(find: () => number): number | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}
