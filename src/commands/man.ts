/** `plumbline man`: the manual page, out of what `--help` says and the table of settings. */
import type { Command } from "../../deps_cli.ts";
import { type Setting, settings } from "../config/settings.ts";
import { version } from "../version.ts";
import { allCommands, type CommandAbout, commandTree } from "./command_tree.ts";
import { exitCodes } from "./exit_codes.ts";
import { literal, macro, text } from "./roff.ts";
import { print } from "./standard_output.ts";

const EXIT_CODES: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: "done; the engine: stopped by SIGTERM or SIGINT, everything written",
  failed: "failed while running, or a second signal ended it at once",
  usage: "wrong command line or settings, or results wait for a sink that is switched off",
  dataFolder: "the data folder is in use, or its schema is newer than the program",
};

/** The exit code. */
export function printManual(program: Command): number {
  print(manualPage(commandTree(program)));
  return exitCodes.done;
}

export function manualPage(tree: CommandAbout): string {
  const [program, ...commands] = allCommands(tree);
  return [
    macro("TH", "PLUMBLINE", "1", "", `plumbline ${version}`, "Plumbline"),
    // Names and addresses aren't to be broken, and lines of them can't be filled.
    ".ad l",
    ".nh",
    macro("SH", "NAME"),
    text(`plumbline - ${lowered(program.about)}`),
    macro("SH", "SYNOPSIS"),
    ...commands.filter(({ commands }) => commands.length === 0)
      .flatMap(({ usage }) => [text(usage), ".br"]),
    macro("SH", "DESCRIPTION"),
    notes(program.notes),
    ...options(program),
    macro("SH", "COMMANDS"),
    ...commands.flatMap(commandPart),
    macro("SH", "ENVIRONMENT"),
    ...Object.values<Setting<unknown>>(settings).flatMap(settingPart),
    macro("SH", "EXIT STATUS"),
    ...Object.entries(exitCodes).flatMap(([name, code]) =>
      tagged(String(code), EXIT_CODES[name as keyof typeof exitCodes])
    ),
    macro("SH", "FILES"),
    ...tagged("DATA_DIR/plumbline.db", "everything that an engine keeps; one process at a time"),
    ...tagged("TENANTS_FILE", "settings for each tenant, and tokens; read again when it changes"),
    "",
  ].join("\n");
}

function commandPart(command: CommandAbout): string[] {
  const { path, usage, about, args, notes: behind } = command;
  return [
    macro("SS", ["plumbline", ...path].join(" ")),
    text(`${raised(about)}.`),
    ".PP",
    text(`Usage: ${usage}`),
    ...args.flatMap(({ name, about }) => tagged(name, about)),
    ...options(command),
    notes(behind),
  ];
}

function options({ options }: CommandAbout): string[] {
  return options.flatMap(({ term, about }) => tagged(term, about));
}

function settingPart({ name, oldName, default: standard, allowed, meaning }: Setting<unknown>) {
  const names = oldName === undefined ? name : `${name}, ${oldName}`;
  const value = standard === "" ? "empty" : standard;
  return tagged(names, `${meaning} What may be written: ${allowed}. Default: ${value}.`);
}

function tagged(tag: string, about: string): string[] {
  return [".TP", `\\fB${literal(tag)}\\fR`, text(about)];
}

/** Paragraphs; what is indented stands as it is. */
function notes(behind: string): string {
  return behind.split("\n\n").filter((part) => part !== "").map((part) => {
    const lines = part.split("\n");
    const first = lines.findIndex((line) => line.startsWith("  "));
    const prose = first < 0 ? lines : lines.slice(0, first);
    const code = first < 0 ? [] : lines.slice(first);
    return [
      ".PP",
      ...prose.length === 0 ? [] : [text(prose.join(" "))],
      ...code.length === 0 ? [] : [".PP", ".nf", ...code.map(literal), ".fi"],
    ].join("\n");
  }).join("\n");
}

function lowered(sentence: string): string {
  return sentence[0].toLowerCase() + sentence.slice(1).replace(/\.$/, "");
}

function raised(sentence: string): string {
  return sentence[0].toUpperCase() + sentence.slice(1);
}
