/** What may be written behind the commands that look on: at readings that aren't sent, at an engine that runs. */
import type { Command } from "../../deps_cli.ts";
import { instant, interval, pathText, serverAddress } from "./option_values.ts";

const DRY_RUN_EXAMPLES = `
Each line of FILE is a reading (-: standard input); its result goes to standard output, byte for byte as
the output topic would get it. Nothing is connected to and nothing is written. Settings are the engine's,
the tenants' file included. Every device begins with an empty window. A reading's id is that of a record
of INPUT_TOPIC's partition 0: its offset is the number of the line, from 0.

Sampling holds as in the engine, by the id. Of the quotas the number of devices counts; readings a second
don't, because a file has no pace. Readings without a result are told on standard error with their line
and the reason, then how many there were of each kind.

Exit codes: 0 every reading was taken, 1 some were rejected or over a quota, or the file could not be read
to its end, 2 wrong command line or settings, or no such file.

Examples:
  $ plumbline dry-run readings.ndjson > results.ndjson
  $ TENANTS_FILE=new.yaml plumbline dry-run - < readings.ndjson | jq -c 'select(.is_anomaly)'
  $ plumbline dry-run readings.ndjson --time 2026-01-31T08:00:00Z --json 2> summary.ndjson`;

const TOP_EXAMPLES = `
Asks the engine at HOST and METRICS_PORT, as the engine itself reads them, or at --url. On a terminal it
is one screen that is drawn anew until Ctrl-C; into a pipe it writes a line each interval. Rates and times
are those of the last interval. An engine that doesn't answer is asked again until it does.

Exit codes: 0 done or interrupted, 1 no answer with --once, 2 wrong command line or settings.

Examples:
  $ plumbline top
  $ plumbline top --url http://node-7:8000 --interval 5s
  $ plumbline top --once --json | jq '.sinks[] | {sink, rows, oldest_seconds}'`;

/** `ended` is told the exit code of the one that ran. */
export function addLookCommands(program: Command, ended: (code: number) => void): void {
  program.command("dry-run").description("what would come of readings in a file; nothing is sent")
    .argument("<file>", "NDJSON, a reading a line; -: standard input", pathText)
    .option("--time <time>", "processed_at of the results, RFC 3339 (default: now)", instant)
    .option("--json", "rejected readings and the summary, a JSON object a line")
    .addHelpText("after", DRY_RUN_EXAMPLES)
    .action(async (file, options) =>
      ended(await (await import("./dry_run.ts")).dryRun(file, options))
    );
  program.command("top").description("how a running engine does, live")
    .option(
      "--url <address>",
      "the engine's address (default: HOST and METRICS_PORT)",
      serverAddress,
    )
    .option("--interval <time>", "how often it is asked: 0.5, 2s, 1m", interval, 2)
    .option("--once", "one interval, then end")
    .option("--json", "a JSON object a line, one each interval")
    .addHelpText("after", TOP_EXAMPLES)
    .action(async (options) => ended(await (await import("./top.ts")).top(options)));
}
