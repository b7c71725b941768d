/** What may be written behind `plumbline tap`. */
import type { Command } from "../../deps_cli.ts";
import { serverAddress, wholeNumber } from "./option_values.ts";

const EXAMPLES = `
Asks the engine at HOST and METRICS_PORT, as the engine itself reads them, or at --url. If the stream ends
it comes back by itself, goes on where it was, and says on standard error what it has missed. Ctrl-C
ends it.

Exit codes: 0 interrupted, or as many results as --count says, 1 no answer, or none with a stream,
2 wrong command line or settings.

Examples:
  $ plumbline tap
  $ plumbline tap --tenant north --anomalies
  $ plumbline tap --device press-7 --json | jq .temperature
  $ plumbline tap --count 1 --url http://127.0.0.1:8000`;

/** `ended` is told the exit code. */
export function addTapCommand(program: Command, ended: (code: number) => void): void {
  program.command("tap").description("results of a running engine, as they are committed")
    .option("--tenant <name>", "only this tenant's")
    .option("--device <id>", "only this device's")
    .option("--anomalies", "only anomalies")
    .option("--count <n>", "end after so many", wholeNumber({ low: 1, high: 1e12 }))
    .option("--json", "a line each, byte for byte as it goes to the output topic")
    .option(
      "--url <address>",
      "the engine's address (default: HOST and METRICS_PORT)",
      serverAddress,
    )
    .addHelpText("after", EXAMPLES)
    .action(async (options) => ended(await (await import("./tap.ts")).tap(options)));
}
