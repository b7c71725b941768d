/** What may be written behind the commands about the program itself and the machine that it runs on. */
import { Argument, type Command, InvalidArgumentError } from "../../deps_cli.ts";
import { pathText, seconds } from "./option_values.ts";
import { SHELLS } from "./shells.ts";

const DOCTOR_EXAMPLES = `
Everything that somebody who wants to help has to know: versions, machine, limits, paths with their owners
and permissions, the settings that aren't the defaults, and what 'check --connect' finds: brokers, topics,
disk with the time that a write takes, port, clock. Paste it into the bug report as it is. Passwords and
tokens aren't in it; names of machines, topics and folders are. Nothing is changed; an engine may run.

Exit codes: 0 nothing is wrong, 1 something is, 2 the settings are wrong (nothing was connected to then).

Examples:
  $ plumbline doctor
  $ plumbline doctor --timeout 3s --json > report.json`;

const COMPLETIONS_EXAMPLES = `
Prints what makes the shell complete commands, options and their values.
Exit codes: 0 printed, 2 wrong command line.

Examples:
  $ plumbline completions bash > ~/.local/share/bash-completion/completions/plumbline
  $ plumbline completions zsh > ~/.zfunc/_plumbline      # a folder of fpath
  $ plumbline completions fish > ~/.config/fish/completions/plumbline.fish`;

const MAN_EXAMPLES = `
Prints the manual page, in the language of man; it is made of what --help says.
Exit codes: 0 printed, 2 wrong command line.

Examples:
  $ plumbline man | man -l -
  $ plumbline man > /usr/local/share/man/man1/plumbline.1`;

const INSTALL_EXAMPLES = `
Prints the unit; with --write it is put where systemd looks for it, which needs root. It runs the program as a
user that exists only then, in a cage, with its data in /var/lib/plumbline, settings from
/etc/plumbline/plumbline.env, a watchdog and a limit of memory. docs/operations.md says how to change it.

Exit codes: 0 done, 1 it could not be written, 2 wrong command line.

Examples:
  $ plumbline install-service
  $ sudo plumbline install-service --write
  $ sudo plumbline install-service --write --program /opt/plumbline/plumbline`;

/** `ended` is told the exit code of the one that ran. */
export function addProgramCommands(program: Command, ended: (code: number) => void): void {
  program.command("doctor").description("all about program, machine and settings; for a bug report")
    .option("--timeout <time>", "how long each part may take: 10s, 1m", seconds, 10)
    .option("--json", "as one JSON object")
    .addHelpText("after", DOCTOR_EXAMPLES)
    .action(async (options) => ended(await (await import("./doctor.ts")).doctor(options)));

  program.command("install-service").description("the unit for systemd, printed or installed")
    .option("--write", "put it where systemd looks for units")
    .option("--program <file>", "what it runs", absolutePath, "/usr/bin/plumbline")
    .option("--to <dir>", "where units are", pathText, "/etc/systemd/system")
    .option("--force", "write over another unit of its name")
    .addHelpText("after", INSTALL_EXAMPLES)
    .action(async (options) =>
      ended((await import("./install_service.ts")).installService(options))
    );

  program.command("completions").description("print the completions for a shell")
    .addArgument(new Argument("<shell>", "whose").choices(SHELLS))
    .addHelpText("after", COMPLETIONS_EXAMPLES)
    .action(async (shell) =>
      ended((await import("./completions.ts")).printCompletions(shell, program))
    );

  program.command("man").description("print the manual page")
    .addHelpText("after", MAN_EXAMPLES)
    .action(async () => ended((await import("./man.ts")).printManual(program)));
}

/** As systemd takes it without quotes. */
function absolutePath(text: string): string {
  if (/^\/[\w./+-]+$/.test(text)) return text;
  throw new InvalidArgumentError(
    "Expected an absolute path of letters, digits and ., /, _, + and -.",
  );
}
