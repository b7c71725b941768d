/** What may be written behind the commands about a data folder as a whole. */
import type { Command } from "../../deps_cli.ts";

const INSPECT_EXAMPLES = `
The folder is DATA_DIR if none is named, at rest or in use by an engine. Nothing in it is changed: at
rest the database is opened under a second name in a temporary folder (hard links; copies where the
file systems differ, in TMPDIR).

Exit codes: 0 nothing is wrong, 1 something is (damage, counters that don't add up) or it can't be read,
2 wrong command line or settings.

Examples:
  $ plumbline inspect
  $ plumbline inspect /var/lib/plumbline --no-check      # without looking through it for damage
  $ plumbline inspect --json | jq .sinks`;

/** `ended` is told the exit code of the one that ran. */
export function addFolderCommands(program: Command, ended: (code: number) => void): void {
  program.command("inspect").description("what is in a data folder, at rest or in use")
    .argument("[dir]", "the data folder (default: DATA_DIR)")
    .option("--no-check", "don't look through the file for damage: that reads all of it")
    .option("--json", "as one JSON object")
    .addHelpText("after", INSPECT_EXAMPLES)
    .action(async (dir, options) => ended((await import("./inspect.ts")).inspect(dir, options)));
}
