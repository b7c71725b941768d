/** What may be written on the command line, and what it says about everything else. */
import { Command, CommanderError, Option } from "../../deps_cli.ts";
import { faultKinds } from "../simulation/faults.ts";
import { version } from "../version.ts";
import { addCompareCommand } from "./compare_line.ts";
import { addDeadLetterCommands } from "./dead_letter_line.ts";
import { exitCodes } from "./exit_codes.ts";
import { addFolderCommands } from "./folder_line.ts";
import { addLookCommands } from "./look_line.ts";
import {
  faultList,
  instant,
  numberFrom,
  seconds,
  serverAddress,
  wholeNumber,
} from "./option_values.ts";
import { meantSetting } from "./meant_setting.ts";
import { addProgramCommands } from "./program_line.ts";
import { addTapCommand } from "./tap_command.ts";
import { addTokenCommand } from "./token_line.ts";

const SERVE_EXAMPLES = `
Settings are environment variables; docs/settings.md lists them, 'plumbline check' shows them.

Examples:
  $ plumbline serve
  $ KAFKA_BROKER=kafka-1:9092,kafka-2:9092 DATA_DIR=/var/lib/plumbline plumbline serve
  $ KAFKA_ENABLED=false plumbline serve          # HTTP only

Exit codes: 0 stopped by SIGTERM or SIGINT, 1 failed while running, 2 wrong settings,
3 the data folder is in use or its schema is newer than this program`;

const CHECK_EXAMPLES = `
Nothing is started, and without --connect nothing is connected to. With it everything that the engine
would use is reached: brokers, topics, group, storage service, data folder, disk, port, clock. No reading
is written, no topic made, no group joined; a small file is written to the data folder and removed. An
engine may run meanwhile.

Exit codes: 0 all is right, 1 something can't be reached or used as it is, 2 the settings are wrong.

Examples:
  $ plumbline check
  $ TENANTS_FILE=deploy/tenants.legacy.json plumbline check
  $ plumbline check --json | jq .faults
  $ plumbline check --connect --timeout 3`;

const HEALTH_EXAMPLES = `
Asks the engine at HOST and METRICS_PORT, as the engine itself reads them, and prints one line. It
needs no token.
Exit codes: 0 yes, 1 no or no answer, 2 wrong settings.

Examples:
  $ plumbline healthcheck                # ready: /health/ready
  $ plumbline healthcheck --live         # alive: /health/live
  HEALTHCHECK CMD ["plumbline", "healthcheck", "--timeout", "2"]     # in a container file`;

const SIMULATE_EXAMPLES = `
Temperatures and humidities follow the time of day with some noise. Faults and their length in
readings of one device: a spike (1, far off), drift (60 to 240, an error that grows), a stuck
sensor (30 to 120, the same value to the digit), silence (30 to 120 that don't come). The same
seed, start, devices, tenants, rate, speed and faults give the same readings.

Where the HTTP API asks for a token: PLUMBLINE_TOKEN, or PLUMBLINE_TOKEN_FILE with its path (scope write).

Nothing is skipped: what the target doesn't take is sent again until it does, so a reading whose
answer got lost may arrive twice. Ctrl-C ends it with a summary. Exit codes: 0 all that was sent was
answered, 1 it was not, 2 wrong command line or settings.

Examples:
  $ plumbline simulate                                  # to the engine's HTTP API on this machine
  $ plumbline simulate --to kafka --devices 5000 --rate 20000 --duration 60
  $ plumbline simulate --count 1000000 --rate 0 --seed 7 --speed 60
  $ plumbline simulate --faults drift,stuck --marks truth.ndjson --duration 600`;

/** Runs what the arguments ask for; the answer is the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let code: number = exitCodes.done;
  const program = commands((outcome) => code = outcome);
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
}

/** The commands; `ended` is told the exit code of the one that ran. */
export function commands(ended: (code: number) => void): Command {
  const program = new Command("plumbline")
    .description("An edge engine for sensor readings.")
    .usage("[command] [options]")
    .version(version, "--version", "show the version")
    .helpOption("-h, --help", "show this, or the help of a command")
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText(
      "after",
      "\nWithout a command the engine is run. 'plumbline help <command>' tells more.",
    )
    .configureOutput({ outputError: (text, write) => write(withMeantSetting(text)) })
    .exitOverride();

  program.command("serve").description("run the engine (the default)")
    .addHelpText("after", SERVE_EXAMPLES)
    .action(async () => ended(await (await import("./serve.ts")).serve()));

  program.command("check").description("show the settings as they are understood, and all faults")
    .option("--connect", "reach everything that the engine would use")
    .option("--timeout <time>", "how long each part may take: 10s, 1m", seconds, 10)
    .option("--json", "as one JSON object")
    .addHelpText("after", CHECK_EXAMPLES)
    .action(async (options) => ended(await (await import("./check.ts")).check(options)));

  program.command("simulate").description("send readings of a fleet that doesn't exist")
    .addOption(
      new Option("--to <target>", "where to: the HTTP API or KAFKA_BROKER's INPUT_TOPIC")
        .choices(["http", "kafka"]).default("http"),
    )
    .option(
      "--url <address>",
      "the HTTP API's address (default: HOST and METRICS_PORT)",
      serverAddress,
    )
    .option("--devices <n>", "how many devices", wholeNumber({ low: 1, high: 1_000_000 }), 20)
    .option(
      "--tenants <n>",
      "how many tenants they belong to",
      wholeNumber({ low: 1, high: 100_000 }),
      1,
    )
    .option("--rate <n>", "readings a second; 0: as fast as possible", numberFrom(0), 10)
    .option("--count <n>", "stop after so many readings", wholeNumber({ low: 1, high: 1e12 }))
    .option("--duration <time>", "stop after so long: 90, 90s, 5m, 1h", seconds)
    .option(
      "--seed <n>",
      "0 to 4294967295 (default: random)",
      wholeNumber({ low: 0, high: 2 ** 32 - 1 }),
    )
    .option(
      "--start <time>",
      "simulated time of the first reading, RFC 3339 (default: now)",
      instant,
    )
    .option(
      "--speed <n>",
      "simulated seconds in a second; with --rate 0: between two readings of a device",
      numberFrom(0.001),
      1,
    )
    .addOption(
      new Option("--faults <list>", `some of ${faultKinds.join(",")}, or none`)
        .argParser(faultList).default([...faultKinds], "all"),
    )
    .option(
      "--marks <file>",
      "write which faults there were, as NDJSON: device, tenant, kind, metric, from, to",
    )
    .addHelpText("after", SIMULATE_EXAMPLES)
    .action(async (options) => ended(await (await import("./simulate.ts")).simulate(options)));

  program.command("healthcheck").description(
    "ask a running engine whether it is ready; for containers",
  )
    .option("--live", "ask whether it is alive instead")
    .option("--timeout <seconds>", "how long to wait for the answer", numberFrom(0.001), 3)
    .addHelpText("after", HEALTH_EXAMPLES)
    .action(async (options) =>
      ended(await (await import("./healthcheck.ts")).healthcheck(options))
    );

  addTapCommand(program, ended);
  addCompareCommand(program, ended);
  addDeadLetterCommands(program, ended);
  addFolderCommands(program, ended);
  addLookCommands(program, ended);
  addTokenCommand(program, ended);
  addProgramCommands(program, ended);
  for (const command of program.commands) command.helpOption("-h, --help", "show this");
  return program;
}

/** An option that would be a setting: its variable's name is what was meant. */
function withMeantSetting(text: string): string {
  const option = /unknown option '--([^'=]+)/.exec(text)?.[1];
  const name = option === undefined ? undefined : meantSetting(option);
  return name === undefined ? text : `${text.trimEnd()}\n(Settings are variables: ${name}=…)\n`;
}
