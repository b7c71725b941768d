/** `plumbline completions`: what makes a shell complete its commands, out of their definitions. */
import type { Command } from "../../deps_cli.ts";
import { bashCompletions } from "./completions_bash.ts";
import { fishCompletions } from "./completions_fish.ts";
import { zshCompletions } from "./completions_zsh.ts";
import { type CommandAbout, commandTree } from "./command_tree.ts";
import { exitCodes } from "./exit_codes.ts";
import type { Shell } from "./shells.ts";
import { print } from "./standard_output.ts";

const MAKERS: Readonly<Record<Shell, (tree: CommandAbout) => string>> = {
  bash: bashCompletions,
  zsh: zshCompletions,
  fish: fishCompletions,
};

/** The exit code. */
export function printCompletions(shell: Shell, program: Command): number {
  print(MAKERS[shell](commandTree(program)));
  return exitCodes.done;
}
