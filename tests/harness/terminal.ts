/** The program on a real terminal. */
import { commandFlags } from "../../tools/command_flags.ts";
import { Program } from "./process.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Runs it on a terminal of its own: util-linux' `script` makes one. */
export async function onTerminal(
  args: string[],
  { tty, env }: { tty: string; env: Record<string, string> },
) {
  const flags = await commandFlags(args, env);
  const command = [Deno.execPath(), "run", "--quiet", ...flags, `${ROOT}src/main.ts`, ...args]
    .map((it) => `'${it}'`).join(" ");
  const child = new Deno.Command("script", {
    args: ["-qfec", `stty rows 24 cols 100; tty > '${tty}'; exec ${command}`, "/dev/null"],
    env: { TERM: "xterm", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const keys = child.stdin.getWriter();
  const press = (key: string) => keys.write(new TextEncoder().encode(key));
  return { program: new Program(child), press, end: () => keys.close() };
}
