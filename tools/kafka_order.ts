/** What may be written behind `deno task kafka`, and what its help says. */
import { Command, CommanderError, InvalidArgumentError } from "../deps_cli.ts";

export type Word = "start" | "stop" | "wipe" | "status" | "topic" | "send" | "read";

export interface Order {
  word: Word;
  port?: number;
  dir?: string;
  /** A topic's name. */
  topic?: string;
  partitions?: number;
  follow?: boolean;
  max?: number;
}

const HELP = `
start, stop, wipe and status are about brokers for development that this repository runs: Java 17 and
Maven are needed, or Docker; data lies in .kafka/brokers. start makes the topics that the engine uses
by default, with 4 partitions: INPUT_TOPIC (sensor-data) and OUTPUT_TOPIC (processed-data). Without
--port it takes 19292, or any free port if something else has that.

topic, send and read work with any Kafka: the broker is KAFKA_BROKER's, that of --port on this
machine, or the one that start has started.

Examples:
  $ deno task kafka                                   # the same as: deno task kafka start
  $ echo '{"device_id":"press-7","temperature":35.2}' | deno task kafka send
  $ deno task kafka read --follow --max 1             # waits for one result and prints it
  $ KAFKA_BROKER=kafka-1:9092 deno task kafka topic sensor-data --partitions 4

Exit codes: 0 done; 1 it failed, and says why; 2 wrong arguments.`;

/** The order; a number: an exit code, because help was asked for or the arguments make no sense. */
export function readOrder(args: readonly string[], write = writeOut): Order | number {
  let order: Order | undefined;
  const program = commands((it) => order = it)
    .configureOutput({ writeOut: write.out, writeErr: write.err });
  for (const command of program.commands) command.copyInheritedSettings(program);
  try {
    program.parse(args, { from: "user" });
    return order!;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
}

const writeOut = {
  out: (text: string) => console.log(text.trimEnd()),
  err: (text: string) => console.error(text.trimEnd()),
};

function commands(found: (order: Order) => void): Command {
  const program = new Command("deno task kafka")
    .description("A real Kafka broker for development, and small tools for any Kafka.")
    .usage("[word] [options]")
    .helpOption("-h, --help", "show this, or the help of a word")
    .helpCommand(false)
    .addHelpText("after", HELP)
    .exitOverride();

  const word = (name: Word, description: string, isDefault = false) =>
    program.command(name, { isDefault }).description(description)
      .option("--port <n>", "the broker's port on this machine; start: 0 is any free one", port);
  const ofBroker = (name: Word, description: string, isDefault = false) =>
    word(name, description, isDefault).option("--dir <folder>", "the broker's folder", folder)
      .action((options) => found({ word: name, ...options }));

  ofBroker("start", "start a broker, and make the default topics (the word may be left out)", true);
  ofBroker("stop", "stop this repository's brokers, or the one that is named");
  ofBroker("wipe", "stop them and remove their data");
  ofBroker("status", "list those that run");
  word("topic", "make a topic; one that exists is left as it is").argument("<name>")
    .option("--partitions <n>", "how many (default: what the broker makes)", atLeast(1))
    .action((topic, options) => found({ word: "topic", topic, ...options }));
  word("send", "send standard input, a record a line; the key is the line's device_id")
    .argument("[topic]", "default: INPUT_TOPIC")
    .action((topic, options) => found({ word: "send", topic, ...options }));
  word("read", "print a topic from its start: key, headers and value, with tabs between")
    .argument("[topic]", "default: OUTPUT_TOPIC")
    .option("--follow", "go on with what is still to come, until Ctrl-C")
    .option("--max <n>", "end after so many records", atLeast(1))
    .action((topic, options) => found({ word: "read", topic, ...options }));
  return program;
}

function port(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("Expected 0 to 65535.");
}

function folder(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("Expected a folder's path.");
}

function atLeast(least: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`Expected a whole number from ${least}.`);
  };
}
