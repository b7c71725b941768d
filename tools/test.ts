/**
 * `deno task test [paths] [flags of deno test]`: runs the tests, with one broker for all of them if
 * one of them needs it, and ends with the line `N passed, N failed`.
 *
 * - `TEST_KAFKA_BROKER` names a broker to use; otherwise one is started and stopped.
 * - `--no-broker` leaves out the tests that need one, and those that download something.
 * - tests/bench isn't run unless it is named.
 */
import { runningBroker, startBroker } from "./broker.ts";
import { countTests, summaryLine } from "./junit.ts";
import { filesBelow, moduleGraph, reach } from "./module_graph.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const ENDINGS = ["_test.ts", "_test.tsx"];
/** A test that reaches one of these files needs Kafka. */
const BROKER_FILES = ["tests/harness/kafka.ts", "tools/broker.ts"];
/** A test that reaches one of these files downloads what it needs. */
const DOWNLOADING_FILES = ["tools/readme_commands.ts", "tests/harness/python.ts"];

interface Plan {
  files: string[];
  flags: string[];
  needBroker: boolean;
  /** Run another file's tests, which bear that one's name. */
  borrowing: ReadonlySet<string>;
}

async function plan(args: string[]): Promise<Plan> {
  const flags = args.filter((arg) => arg !== "--no-broker");
  const paths: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    if (flags[i] === "--filter") i++; // what follows is a test's name
    else if (!flags[i].startsWith("-")) paths.push(...flags.splice(i--, 1));
  }
  let files: string[] = [];
  for (const under of paths.length ? paths.map(belowRoot) : ["tests"]) {
    const found = await filesBelow(ROOT, { under, endings: ENDINGS });
    if (!found.length) throw new Error(`Find tests: there are none under ${under}`);
    files.push(...found);
  }
  if (!paths.length) files = files.filter((file) => !file.startsWith("tests/bench/"));
  files = [...new Set(files)];
  const graph = await moduleGraph(ROOT, files);
  const needy = new Set(files.filter((file) => {
    const reached = reach(graph, file);
    return BROKER_FILES.some((name) => reached.has(name));
  }));
  if (args.includes("--no-broker")) {
    files = files.filter((file) => {
      const reached = reach(graph, file);
      return !needy.has(file) && !DOWNLOADING_FILES.some((name) => reached.has(name));
    });
  }
  // Without a file `deno test` would run all there are.
  if (!files.length) throw new Error("Run tests without a broker: all of these need one");
  const isTest = (file: string) => ENDINGS.some((ending) => file.endsWith(ending));
  const borrowing = new Set(
    files.filter((file) => graph.get(file)?.some(({ target }) => isTest(target))),
  );
  return { files, flags, borrowing, needBroker: files.some((file) => needy.has(file)) };
}

function belowRoot(path: string): string {
  const absolute = new URL(path, `file://${Deno.cwd()}/`).pathname;
  return absolute.startsWith(ROOT) ? absolute.slice(ROOT.length) : path;
}

async function runTests({ files, flags, needBroker, borrowing }: Plan): Promise<boolean> {
  const folder = await Deno.makeTempDir({ prefix: "plumbline-test-" });
  const env: Record<string, string> = { TEST_RUN_DIR: folder };
  const given = Deno.env.get("TEST_KAFKA_BROKER");
  const interrupted = interruption();
  try {
    await Deno.mkdir(`${folder}/pids`);
    await using broker = needBroker && !given
      ? await startBroker({ dir: `${folder}/broker` })
      : undefined;
    if (broker) env.TEST_KAFKA_BROKER = broker.bootstrap;
    if (interrupted.by) return false;
    const junitPath = `${folder}/junit.xml`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", `--junit-path=${junitPath}`, ...flags, ...files],
      cwd: ROOT,
      env,
      stdin: "null",
    }).spawn();
    interrupted.child = child;
    const { code } = await child.status;
    interrupted.child = undefined;
    await endLeftovers(folder, broker?.dir);
    if (broker && !broker.running && !interrupted.by) {
      console.error(`The broker ended during the tests:\n${await logEnd(broker.dir)}`);
    }
    const junit = await Deno.readTextFile(junitPath).catch(() => "");
    const filtered = flags.some((flag) => flag.startsWith("--filter"));
    const named = files.filter((file) => !borrowing.has(file));
    const counts = countTests({ junit, exitCode: code, files: named, filtered });
    if (counts.passed + counts.skipped === 0) console.error("No test has passed.");
    console.log(summaryLine(counts));
    return counts.failed === 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Ctrl-C and SIGTERM end the tests; what was started for them is then stopped as after any run. */
function interruption(): { by?: Deno.Signal; child?: Deno.ChildProcess } {
  const state: { by?: Deno.Signal; child?: Deno.ChildProcess } = {};
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      state.by = signal;
      state.child?.kill("SIGTERM");
    });
  }
  return state;
}

/**
 * Ends what tests have started and what outlived them, because they were cut off: programs leave a
 * file named by their pid, brokers one in their folder.
 */
async function endLeftovers(folder: string, ownBroker?: string): Promise<void> {
  const pids: number[] = [];
  for await (const { name } of Deno.readDir(`${folder}/pids`)) pids.push(Number(name));
  for (const file of await filesBelow(`${folder}/`, { under: ".", endings: ["broker.json"] })) {
    const dir = await Deno.realPath(`${folder}/${file.slice(0, -"/broker.json".length)}`);
    const left = dir === ownBroker ? undefined : await runningBroker(dir);
    if (left) pids.push(left.pid);
  }
  for (const pid of pids) {
    try {
      Deno.kill(pid, "SIGKILL");
      console.error(`Process ${pid}, started by a test, was still running; killed.`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

async function logEnd(dir: string): Promise<string> {
  return (await Deno.readTextFile(`${dir}/broker.log`)).slice(-2000);
}

try {
  Deno.exit(await runTests(await plan(Deno.args)) ? 0 : 1);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.log(summaryLine({ passed: 0, failed: 1, skipped: 0 }));
  Deno.exit(1);
}
