import { serveFlags } from "./serve_flags.ts";

/** Deno's flags for a command: what it may touch. Those who only ask may write nowhere. */
export async function commandFlags(
  [command = "serve", ...options]: readonly string[],
  env: Record<string, string>,
): Promise<string[]> {
  const opensFolder = command === "dead-letters" && options.includes("--at-rest");
  if (command === "serve" || opensFolder) return await serveFlags(env);
  const flags = ["--no-prompt", "--allow-net", "--allow-env", "--allow-read"];
  // A folder at rest is read under a second name, in TMPDIR or beside it; a backup may go anywhere.
  if (["inspect", "backup", "compact"].includes(command)) {
    return [...flags, "--allow-sys", "--allow-ffi", "--allow-write"];
  }
  // Libraries ask for the machine when they are loaded; `--marks` names any file.
  if (command === "check" || command === "simulate") flags.push("--allow-sys", "--allow-ffi");
  if (command === "simulate") flags.push("--allow-write");
  return flags;
}
