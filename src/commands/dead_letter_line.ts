/** What may be written behind `plumbline dead-letters`. */
import { Argument, type Command, Option } from "../../deps_cli.ts";
import { instant, serverAddress, wholeNumber } from "./option_values.ts";

const EXAMPLES = `
Asks the engine at HOST and METRICS_PORT, as the engine itself reads them, or at --url. With --at-rest
no engine is needed, and none may run on DATA_DIR: letters are then read and discarded in the folder
itself, and those to be replayed are marked for the engine's next start, which knows its settings.
Where the engine asks for a token: PLUMBLINE_TOKEN, or PLUMBLINE_TOKEN_FILE with its path. list and show
need the scope read, replay and discard need admin.

A rejected reading that is replayed is read again: judged by the settings of now, counted as read once
more, under the id that it had. A refused result is sent to its sink again, the same bytes.

Exit codes: 0 done, 1 no answer or it could not be done, 2 wrong command line or settings, 3 an engine
holds the data folder (leave out --at-rest).

Examples:
  $ plumbline dead-letters list --sink storage --since 2026-01-31
  $ plumbline dead-letters show 17
  $ plumbline dead-letters replay --sink storage --reason "status 422" --dry-run
  $ plumbline dead-letters replay 17 18
  $ plumbline dead-letters discard --sink input --until 2026-01-01 --at-rest`;

const MAX_NUMBERS = 1000;
const letterNumber = wholeNumber({ low: 1, high: 1e15 });

/** `ended` is told the exit code of the one that ran. */
export function addDeadLetterCommands(program: Command, ended: (code: number) => void): void {
  const run = async (verb: "list" | "show" | "replay" | "discard", given: object) =>
    ended(await (await import("./dead_letters.ts")).deadLetters(verb, given));

  const parent = program.command("dead-letters")
    .description("list, show, replay and discard what was rejected or refused")
    .addHelpText("after", EXAMPLES);
  placed(filtered(parent.command("list").description("one line a letter, oldest first")))
    .option("--limit <n>", "at most so many", wholeNumber({ low: 1, high: 1_000_000 }), 100)
    .option("--after <number>", "those after this one", wholeNumber({ low: 0, high: 1e15 }))
    .action((options) => run("list", options));
  placed(parent.command("show").description("all of a letter, with its bytes"))
    .addArgument(new Argument("<number>", "as list shows it").argParser(letterNumber))
    .action((number, options) => run("show", { ...options, numbers: [number] }));
  for (
    const [verb, what] of [
      ["replay", "read or send them again"],
      ["discard", "delete them for good"],
    ] as const
  ) {
    placed(filtered(parent.command(verb).description(what)))
      .addArgument(
        new Argument("[numbers...]", `as list shows them, at most ${MAX_NUMBERS}`)
          .argParser((text, before: number[] | undefined) => [
            ...before ?? [],
            letterNumber(text),
          ]),
      )
      .option("--all", "every letter")
      .option("--dry-run", "only say how many, with examples")
      .action((numbers, options) => run(verb, { ...options, numbers: numbers ?? [] }));
  }
  for (const command of parent.commands) command.helpOption("-h, --help", "show this");
}

function filtered(command: Command): Command {
  return command
    .addOption(
      new Option("--sink <sink>", "who refused it; input: a rejected reading")
        .choices(["input", "output", "storage"]),
    )
    .option("--reason <text>", "how its reason begins")
    .option("--tenant <name>", "of a result; rejected readings have none")
    .option("--id <id>", "of the reading or result")
    .option("--since <time>", "kept at this time or later, RFC 3339 or a date", instant)
    .option("--until <time>", "kept before this time", instant);
}

function placed(command: Command): Command {
  return command
    .option(
      "--url <address>",
      "the engine's address (default: HOST and METRICS_PORT)",
      serverAddress,
    )
    .option("--at-rest", "work on DATA_DIR itself, while no engine runs")
    .option("--json", "the answer as JSON");
}
