/**
 * Variables named `PLUMBLINE_…`: the engine has none of this name, so each is a misunderstanding that
 * must not go unnoticed. A near miss among the real names is pointed out.
 */
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
  for (const name of Object.keys(env).sort()) {
    const value = env[name];
    if (!name.startsWith("PLUMBLINE_") || value === undefined || known.includes(name)) continue;
    if (serviceLink.test(name)) continue;
    if (name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(value)) continue;
    const near = nearest(name, known);
    faults.push({
      name,
      value,
      message: "is no setting",
      allowed: near === undefined ? "no names that begin with PLUMBLINE_" : `did you mean ${near}?`,
    });
  }
  return faults;
}

/** The known name that takes the fewest edits, if they are few for its length. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const bare = name.slice("PLUMBLINE_".length);
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const distance = edits(bare, candidate);
    if (distance < least && distance <= Math.max(1, candidate.length / 3)) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein distance: insertions, deletions and replacements that make `b` of `a`. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
