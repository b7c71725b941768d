/**
 * `deno task start` (= `plumbline serve`) and `deno task plumbline <command>`: the program with no more
 * permissions than the command needs.
 */
import { commandFlags } from "./command_flags.ts";

const main = new URL("../src/main.ts", import.meta.url).pathname;
const flags = await commandFlags(Deno.args, Deno.env.toObject());
const child = new Deno.Command(Deno.execPath(), {
  args: ["run", ...flags, main, ...Deno.args],
}).spawn();
// Ctrl-C reaches the child from the terminal; sent on, it would count as the second signal.
Deno.addSignalListener("SIGINT", () => {});
Deno.addSignalListener("SIGTERM", () => child.kill("SIGTERM"));
Deno.exit((await child.status).code);
