/** `check --connect`: reaches everything that the engine would use, and changes nothing there. */
import type { Config } from "../config/config.ts";
import { valueText } from "../config/faults.ts";
import { settings } from "../config/settings.ts";
import { probeDisk, probeFolder } from "../store/folder_probe.ts";
import { reachStorage } from "../storage_service/reach.ts";
import { type Connection, type Found, type Look, look } from "./connection.ts";
import { kafkaLooks } from "./connect_kafka.ts";
import { portLook } from "./connect_port.ts";
import { size } from "./size.ts";

/** Above this every commit is felt: the engine takes nothing meanwhile. */
const SLOW_SYNC_MS = 250;
/** Clocks may differ so much. */
const CLOCK_MS = 60_000;

/** Clocks that were seen on the way: whose, and how many ms ahead of this machine's. */
export type Clocks = Map<string, number>;

/** All parts at the same time, each for so long at most; in the order in which they are told. */
export async function connectAll(config: Config, ms: number): Promise<Connection[]> {
  const clocks: Clocks = new Map();
  const kafka = config.kafkaEnabled ? kafkaLooks(config, { clocks, timeoutMs: ms }) : undefined;
  const looks: Look[] = [
    ...kafka?.looks ?? [],
    ...config.storageUrl === "" ? [] : [storageLook(config.storageUrl, clocks)],
    folderLook(config.dataDir),
    diskLook(config.dataDir),
    portLook(config),
  ];
  try {
    const found = await Promise.all(looks.map((it) => look(it, ms)));
    return [...found, await look(clockLook(clocks), ms)];
  } finally {
    await kafka?.close();
  }
}

function storageLook(url: string, clocks: Clocks): Look {
  const name = valueText(settings.storageUrl.name, url);
  return {
    part: "storage service",
    work: async (signal) => {
      const { status, time } = await reachStorage(url, { fetch, signal });
      if (time !== undefined) clocks.set("the storage service", time - Date.now());
      const text = `${name}: answers (GET /api/store: ${status}; nothing was posted)`;
      return { text, ...storageFault(status) };
    },
    todo: () => "see that it runs and that STORAGE_SERVICE_URL names it",
  };
}

function storageFault(status: number): Pick<Found, "todo"> {
  if ([401, 403, 407].includes(status)) return { todo: "somebody has to let this engine in" };
  if (status >= 300 && status < 400) {
    return { todo: "set STORAGE_SERVICE_URL to where it redirects to: posts follow no redirects" };
  }
  return status >= 500 ? { todo: "see the service's own log" } : {};
}

function folderLook(dir: string): Look {
  return {
    part: "data folder",
    work: () => {
      const { schema, inUse, damage } = probeFolder(dir);
      if (damage !== undefined) {
        return {
          text: `${dir}: ${damage}`,
          todo: "the next start sets the damaged file aside and takes over what is whole",
        };
      }
      if (schema === undefined) return { text: `${dir}: nothing is stored yet` };
      const { file, program } = schema;
      const version = file === program
        ? `schema version ${file}`
        : `schema version ${file}, the next start makes it ${program}`;
      return { text: `${dir}: ${inUse ? "an engine uses it" : "at rest"}, ${version}` };
    },
    todo: () => "see docs/reliability.md, or set DATA_DIR to another folder",
  };
}

function diskLook(dataDir: string): Look {
  return {
    part: "disk",
    work: () => {
      const { dir, space, syncMs } = probeDisk(dataDir);
      const written = syncMs === undefined
        ? `${dataDir} isn't there yet and can be made in ${dir}`
        : `a write is on the disk after ${syncMs.toFixed(1)} ms`;
      const room = space === undefined
        ? ""
        : `, ${size(space.free)} of ${size(space.total)} are free`;
      const text = `${written}${room}`;
      if (space !== undefined && space.free < 2 * space.reserve) {
        const { reserve } = space;
        return { text, todo: `make room: reading pauses when ${size(reserve)} are left` };
      }
      if (syncMs !== undefined && syncMs > SLOW_SYNC_MS) {
        return { text, todo: "every commit waits so long: see what else writes to this disk" };
      }
      return { text };
    },
    todo: () => "make DATA_DIR a folder that this user may write",
  };
}

function clockLook(clocks: Clocks): Look {
  return {
    part: "clock",
    work: () => {
      const off = [...clocks].filter(([, ms]) => Math.abs(ms) > CLOCK_MS);
      if (off.length > 0) {
        return {
          text: off.map(([whose, ms]) => `this machine's is ${difference(-ms)} ${whose}`).join(
            ", ",
          ),
          todo: "set the clocks right: results bear this machine's time",
        };
      }
      const names = [...clocks.keys()];
      return {
        text: names.length === 0
          ? "nothing was found to compare it with"
          : `agrees with ${names.join(" and ")}`,
      };
    },
    todo: (reason) => reason,
  };
}

function difference(ms: number): string {
  return `${Math.round(Math.abs(ms) / 1000)} s ${ms > 0 ? "ahead of" : "behind"}`;
}
