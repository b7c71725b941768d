/** `deno task start`: `plumbline serve` with no more permissions than it needs. */
import { servePermissions } from "./permissions.ts";

const main = new URL("../src/main.ts", import.meta.url).pathname;
const permissions = await servePermissions(Deno.env.toObject());
const child = new Deno.Command(Deno.execPath(), {
  args: ["run", ...permissions, main, "serve", ...Deno.args],
}).spawn();
// Ctrl-C reaches the child from the terminal; sent on, it would count as the second signal.
Deno.addSignalListener("SIGINT", () => {});
Deno.addSignalListener("SIGTERM", () => child.kill("SIGTERM"));
Deno.exit((await child.status).code);
