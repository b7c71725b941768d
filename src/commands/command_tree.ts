/** The commands as the manual page and the completions need them, out of what reads the command line. */
import type { Argument, Command, Option } from "../../deps_cli.ts";

/** What stands where a value is expected; "other": nobody can guess it. */
export type Value = { readonly choices: readonly string[] } | "file" | "folder" | "other";

export interface OptionAbout {
  /** `--url <address>`. */
  readonly term: string;
  /** `-h` and `--help`. */
  readonly flags: readonly string[];
  readonly about: string;
  /** undefined: it takes none. */
  readonly value: Value | undefined;
}

export interface ArgumentAbout {
  readonly name: string;
  readonly about: string;
  readonly value: Value;
}

export interface CommandAbout {
  /** Below the program: empty for itself, `dead-letters`, `list`. */
  readonly path: readonly string[];
  readonly usage: string;
  readonly about: string;
  readonly options: readonly OptionAbout[];
  readonly args: readonly ArgumentAbout[];
  readonly commands: readonly CommandAbout[];
  /** What `--help` says behind all that. */
  readonly notes: string;
}

/** Hidden commands and options are left out, and so is `help`, which says what is here. */
export function commandTree(command: Command, path: readonly string[] = []): CommandAbout {
  const help = command.createHelp();
  return {
    path,
    usage: help.commandUsage(command),
    about: command.description(),
    options: help.visibleOptions(command).map((option: Option) => ({
      term: help.optionTerm(option).replace(/^ +/, ""),
      flags: [option.short, option.long].filter((flag) => flag !== undefined),
      about: help.optionDescription(option),
      value: option.required || option.optional
        ? valueOf(nameIn(option.flags), option.argChoices)
        : undefined,
    })),
    args: command.registeredArguments.map((argument: Argument) => ({
      name: help.argumentTerm(argument),
      about: help.argumentDescription(argument),
      value: valueOf(argument.name(), argument.argChoices),
    })),
    commands: help.visibleCommands(command).filter((it) => it.name() !== "help")
      .map((it) => commandTree(it, [...path, it.name()])),
    notes: notesOf(command),
  };
}

/** Itself and all below it. */
export function allCommands(tree: CommandAbout): CommandAbout[] {
  return [tree, ...tree.commands.flatMap(allCommands)];
}

/** `--url <address>`: `address`. */
function nameIn(flags: string): string {
  return /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1] ?? "";
}

function valueOf(name: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { choices };
  if (["file", "target", "path"].includes(name)) return "file";
  return name === "dir" ? "folder" : "other";
}

/** commander tells these texts only where it writes a command's help: what is behind the help itself. */
function notesOf(command: Command): string {
  let written = "";
  const { writeOut } = command.configureOutput();
  command.configureOutput({ writeOut: (text) => written += text });
  command.outputHelp();
  command.configureOutput({ writeOut });
  return written.slice(command.helpInformation().length).trim();
}
