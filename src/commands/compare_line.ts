/** What may be written behind `plumbline compare`. */
import type { Command } from "../../deps_cli.ts";
import { instant, interval, numberFrom, pathText, serverAddress } from "./option_values.ts";

const EXAMPLES = `
Each side is a topic of KAFKA_BROKER or, with a / or .ndjson in its name, a file of one result a line.
Topics are read from their starts to where they end now; no group is joined. Results are joined by
tenant, device, second and values, and compared by the rules of the old formats. Each difference is on
purpose (a row of docs/contract.md says so), a defect of the old engine, or unexplained.

Where only one engine has a result, --input looks the reading up: what the engines were given, as a topic
or a file.

With --old-url and --new-url the statistics of both engines are compared, too, and what their metrics
tell of rates, latency, errors, CPU, memory and lag is shown. The old Go engine may die when it is asked
for its statistics while new devices come (contract, defect 1): it is asked once.

With --follow topics are read on until Ctrl-C; each interval a line tells what was found, in the end the
whole report. A result without a partner is judged once it has waited for --wait.

Exit codes: 0 nothing is unexplained, 1 something is or there was nothing to compare, 2 a side can't
be read, the report can't be written, or the command line is wrong.

Examples:
  $ plumbline compare processed-data processed-data.shadow --input sensor-data
  $ plumbline compare processed-data processed-data.shadow --old-url http://old:8000 \\
      --new-url http://localhost:8001
  $ plumbline compare old.ndjson ./new.ndjson --json | jq .findings
  $ plumbline compare processed-data processed-data.shadow --from 2026-01-31 --html report.html`;

/** `ended` is told the exit code. */
export function addCompareCommand(program: Command, ended: (code: number) => void): void {
  program.command("compare").description("compare an old engine's results with Plumbline's")
    .argument("<old>", "the old engine's output topic, or a file", pathText)
    .argument("<new>", "Plumbline's, as OUTPUT_TOPIC.shadow", pathText)
    .option("--input <place>", "the readings that both were given: a topic, or a file", pathText)
    .option("--tolerance <share>", "by which numbers may differ", numberFrom(0), 1e-9)
    .option("--from <time>", "only readings of this time or later, RFC 3339", instant)
    .option("--to <time>", "only readings before this time", instant)
    .option("--old-url <address>", "the old engine's HTTP API: statistics, too", serverAddress)
    .option("--new-url <address>", "Plumbline's; both or neither", serverAddress)
    .option("--follow", "go on until Ctrl-C, and tell each interval what was found")
    .option("--wait <time>", "how long a result waits for its partner (--follow)", interval, 60)
    .option("--interval <time>", "between two looks at metrics, or two reports", interval, 5)
    .option("--json", "as one JSON object")
    .option("--html <file>", "write the report as one HTML file, too", pathText)
    .addHelpText("after", EXAMPLES)
    .action(async (old, now, options) =>
      ended(await (await import("./compare.ts")).compare({ old, new: now }, options))
    );
}
