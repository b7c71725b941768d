/**
 * What this process runs on. Its limits aren't here: Deno lets nobody read them who hasn't every permission.
 */
import { size } from "./size.ts";

export interface Machine {
  readonly system: string;
  readonly processors: number;
  /** Bytes. */
  readonly memory: { readonly total: number; readonly available: number };
  readonly user: { readonly uid: number | null; readonly gid: number | null };
  readonly container: boolean;
  readonly timezone: string;
}

export function thisMachine(): Machine {
  const { total, available } = Deno.systemMemoryInfo();
  return {
    system: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    processors: navigator.hardwareConcurrency,
    memory: { total, available },
    user: { uid: Deno.uid(), gid: Deno.gid() },
    container: ["/.dockerenv", "/run/.containerenv"].some(isThere) ||
      Deno.env.get("container") !== undefined,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

export function machineRows(machine: Machine): [string, string][] {
  const { memory, user, container } = machine;
  return [
    ["system", `${machine.system}${container ? ", in a container" : ""}`],
    ["processors", String(machine.processors)],
    ["memory", `${size(memory.available)} of ${size(memory.total)} available`],
    ["user", `${user.uid ?? "?"}:${user.gid ?? "?"}`],
    ["time zone", machine.timezone],
  ];
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
