import { serveFlags } from "./serve_flags.ts";

/** Libraries ask for the machine when they are loaded; SQLite is one that isn't JavaScript. */
const NO_NETWORK = ["--no-prompt", "--allow-env", "--allow-read", "--allow-sys", "--allow-ffi"];

/** Deno's flags for a command: what it may touch. Those who only ask may write nowhere. */
export async function commandFlags(
  [command = "serve", ...options]: readonly string[],
  env: Record<string, string>,
): Promise<string[]> {
  const opensFolder = command === "dead-letters" && options.includes("--at-rest");
  if (command === "serve" || opensFolder) return await serveFlags(env);
  // What is only tried can't reach anything.
  if (command === "dry-run") return [...NO_NETWORK];
  // A folder at rest is read under a second name, in TMPDIR or beside it; a backup may go anywhere.
  if (["inspect", "backup", "compact"].includes(command)) {
    return [...NO_NETWORK, "--allow-write"];
  }
  // They print what they make.
  if (["token", "completions", "man"].includes(command)) return ["--no-prompt", "--allow-env"];
  if (command === "install-service") {
    const write = options.includes("--write") ? ["--allow-write"] : [];
    return ["--no-prompt", "--allow-env", "--allow-read", ...write];
  }
  const flags = ["--no-prompt", "--allow-net", "--allow-env", "--allow-read"];
  // Libraries ask for the machine when they are loaded; `--marks` names any file.
  if (["check", "compare", "doctor", "simulate"].includes(command)) {
    flags.push("--allow-sys", "--allow-ffi");
  }
  // A comparison writes a report, and a temporary file that results are joined in.
  const writes = ["compare", "doctor", "simulate"].includes(command) ||
    (command === "check" && options.includes("--connect"));
  if (writes) flags.push("--allow-write");
  return flags;
}
