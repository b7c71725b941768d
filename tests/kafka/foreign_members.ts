/**
 * Members of a consumer group by the clients that the old engines use: sarama (Go) and kafka-python.
 * Their sources and pinned versions are in `tests/fixtures/members`; each is made once a run, from the
 * ordinary registries.
 */
import { Program } from "../harness/process.ts";
import { hasPython, pythonPrograms, runToEnd } from "../harness/python.ts";
import { wakeReaders } from "./reader.ts";

const SOURCES = new URL("../fixtures/members", import.meta.url).pathname;
/** Longer than any test waits. */
const LIFE_MS = 300_000;

export type Client = "sarama" | "kafka-python";
export type Protocol = "range" | "roundrobin";

/** Its lines, as the sources in `tests/fixtures/members` say. */
export interface MemberLine {
  event: "assigned" | "read" | "committed" | "error";
  partitions?: number[];
  partition?: number;
  offset?: number;
  reason?: string;
}

/** Whether this machine has what it takes; `.ci/run` sees to it. */
export function canMake(client: Client): boolean {
  if (client === "kafka-python") return hasPython();
  try {
    return new Deno.Command("go", { args: ["version"] }).outputSync().success;
  } catch {
    return false; // there is no such program
  }
}

const made = new Map<Client, Promise<string[]>>();

/** The command to run it. Throws with the tool's own words where it can't be made. */
function make(client: Client): Promise<string[]> {
  const making = made.get(client) ?? (client === "sarama" ? makeSarama() : makeKafkaPython());
  made.set(client, making);
  return making;
}

async function makeSarama(): Promise<string[]> {
  const run = Deno.env.get("TEST_RUN_DIR");
  if (!run) throw new Error("Make a member: TEST_RUN_DIR is not set; `deno task test` sets it");
  const program = `${run}/sarama_member`;
  await runToEnd("go", ["build", "-o", program, "."], { cwd: SOURCES });
  return [program];
}

async function makeKafkaPython(): Promise<string[]> {
  const requirements = `${SOURCES}/requirements.txt`;
  const programs = await pythonPrograms({ name: "kafka-python", requirements });
  return [`${programs}/python`, `${SOURCES}/kafka_python_member.py`];
}

/** `await using`: it doesn't outlive the test. What `Reader.until` waits for may take its lines, too. */
export class ForeignMember implements AsyncDisposable {
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
    const wake = () => {
      wakeReaders();
      return false;
    };
    program.line(wake, LIFE_MS).catch(wake); // it has ended
  }

  /** All that it has told so far. */
  get lines(): MemberLine[] {
    return this.#program.lines.flatMap((line) => line.startsWith("{") ? [JSON.parse(line)] : []);
  }

  /** `partition-offset` of every record that it has read. */
  get read(): { partition: number; offset: number }[] {
    return this.lines.filter(({ event }) => event === "read")
      .map(({ partition, offset }) => ({ partition: partition!, offset: offset! }));
  }

  /** Of its last assignment; undefined: it had none yet. */
  get partitions(): number[] | undefined {
    return this.lines.findLast(({ event }) => event === "assigned")?.partitions;
  }

  /** Leaves the group and ends. */
  async leave(): Promise<void> {
    const { code } = await this.#program.kill("SIGTERM");
    if (code !== 0) throw new Error(`Leave the group: the member ended with code ${code}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.kill();
  }
}

export async function startMember(
  client: Client,
  options: { bootstrap: string; group: string; topic: string; protocol: Protocol },
): Promise<ForeignMember> {
  const [command, ...args] = await make(client);
  const { bootstrap, group, topic, protocol } = options;
  const child = new Deno.Command(command, {
    args: [...args, bootstrap, group, topic, protocol],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return new ForeignMember(new Program(child));
}
