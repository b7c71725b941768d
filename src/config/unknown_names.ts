/**
 * Variables named `PLUMBLINE_…`: no setting of the engine is, so each that isn't a caller's is a
 * misunderstanding that must not go unnoticed. A near miss among the real names is pointed out.
 */
import { nearName } from "../core/near_name.ts";
import { callerNames } from "./caller_names.ts";
import type { ConfigFault } from "./faults.ts";

/**
 * Kubernetes sets variables for every service of the namespace; one called `plumbline` or
 * `plumbline-api` makes names like these, which nobody wrote.
 */
const serviceLink =
  /^PLUMBLINE(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

export function unknownNames(
  env: Record<string, string | undefined>,
  known: readonly string[],
): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const names: readonly string[] = Object.values(callerNames);
  for (const name of Object.keys(env).sort()) {
    const value = env[name];
    if (!name.startsWith("PLUMBLINE_") || value === undefined || known.includes(name)) continue;
    if (serviceLink.test(name) || names.includes(name)) continue;
    if (name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(value)) continue;
    const bare = name.slice("PLUMBLINE_".length);
    const near = nearName(bare, known, (candidate) => Math.max(1, candidate.length / 3));
    faults.push({
      name,
      value,
      message: "is no setting",
      allowed: near === undefined
        ? `of the names that begin with PLUMBLINE_ only ${names.join(", ")}`
        : `did you mean ${near}?`,
    });
  }
  return faults;
}
