/** `deno task start`: `plumbline serve` with no more permissions than it needs. */
import { serveFlags } from "./serve_flags.ts";

const main = new URL("../src/main.ts", import.meta.url).pathname;
const flags = await serveFlags(Deno.env.toObject());
const child = new Deno.Command(Deno.execPath(), {
  args: ["run", ...flags, main, "serve", ...Deno.args],
}).spawn();
// Ctrl-C reaches the child from the terminal; sent on, it would count as the second signal.
Deno.addSignalListener("SIGINT", () => {});
Deno.addSignalListener("SIGTERM", () => child.kill("SIGTERM"));
Deno.exit((await child.status).code);
