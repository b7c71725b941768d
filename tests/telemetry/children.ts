/** A program that logs: `quick` two lines, `endless` until 10 MB of them are behind it. */
import { openLog } from "../../src/telemetry/program_log.ts";

const { log, flush } = openLog("info");
const [how] = Deno.args;
log.debug("not to be seen");
log.info("first", { n: 1n });
if (how === "endless") {
  const note = "x".repeat(1000);
  for (let i = 0; i < 10_000; i++) {
    log.info("again", { i, note });
    // Timers go on: the engine's work does, too.
    if (i % 1000 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
log.error("last");
console.error("alive");
await Deno.stdin.read(new Uint8Array(1));
await flush();
Deno.exit(7);
