/** What may be written behind the commands about a data folder as a whole. */
import type { Command } from "../../deps_cli.ts";
import { pathText } from "./option_values.ts";

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

const BACKUP_EXAMPLES = `
Copies the database of DATA_DIR to a file that isn't there yet, or into a folder that is: the file then
has the time in its name. The engine may run; it goes on reading. The file is complete when it is there.
Refused where the disk has no room for it. The tenants' file isn't part of it.

To restore it, put it into an empty folder as plumbline.db and start an engine with DATA_DIR set to
that folder: docs/reliability.md says what comes twice then.

Exit codes: 0 done, 1 it could not be done, 2 wrong command line or settings.

Examples:
  $ plumbline backup /mnt/backup/
  $ DATA_DIR=/var/lib/plumbline plumbline backup /mnt/backup/monday.db
  $ mkdir restored && cp /mnt/backup/monday.db restored/plumbline.db && DATA_DIR=restored plumbline`;

const COMPACT_EXAMPLES = `
Rebuilds the database of DATA_DIR without the pages that hold nothing. No engine may run on it (a running
one gives such pages back by itself, after a minute). It needs twice the room of what is in it; without
that only the free pages are given back. If it is interrupted or killed the database is as it was.

Exit codes: 0 done, 1 it could not be done, 2 wrong command line or settings, 3 an engine holds the data
folder, or its schema is newer than this program.

Examples:
  $ plumbline compact
  $ DATA_DIR=/var/lib/plumbline plumbline compact --json`;

/** `ended` is told the exit code of the one that ran. */
export function addFolderCommands(program: Command, ended: (code: number) => void): void {
  program.command("inspect").description("what is in a data folder, at rest or in use")
    .argument("[dir]", "the data folder (default: DATA_DIR)")
    .option("--no-check", "don't look through the file for damage: that reads all of it")
    .option("--json", "as one JSON object")
    .addHelpText("after", INSPECT_EXAMPLES)
    .action(async (dir, options) => ended((await import("./inspect.ts")).inspect(dir, options)));

  program.command("backup").description("copy the data folder's database while the engine runs")
    .argument("<target>", "the file to make, or a folder to make it in", pathText)
    .option("--json", "as one JSON object")
    .addHelpText("after", BACKUP_EXAMPLES)
    .action(async (target, options) =>
      ended(await (await import("./backup.ts")).backup(target, options))
    );
  program.command("compact").description("rebuild the database of a data folder at rest")
    .option("--json", "as one JSON object")
    .addHelpText("after", COMPACT_EXAMPLES)
    .action(async (options) => ended((await import("./compact.ts")).compact(options)));
}
