/**
 * The README's commands as a stranger runs them: in a fresh copy of the repository, with empty caches
 * of npm, Deno and Kafka. `deno run -A tools/readme_commands.ts` tries them all.
 */
import { cacheFolder, run } from "./kafka_jars.ts";
import { linesOf } from "./lines.ts";
import { freePort } from "./ports.ts";

const ROOT = new URL("..", import.meta.url).pathname;
/** What belongs to this machine's user or to this run, and not to a stranger's first one. */
const NOT_INHERITED =
  /^(HOME|XDG_.*|DENO_.*|npm_config_cache|INIT_CWD|KAFKA_.*|TEST_.*|DATA_DIR)$/i;
/** The demo has shown so many before it is interrupted. */
const READINGS = 1_000;
const DEMO_LIMIT_MS = 240_000;
const KAFKA_LIMIT_MS = 120_000;
/** The port of the broker in the README; something else may have it here. */
const README_PORT = /\b19292\b/g;

/** A command of the README: ```` ```sh ```` behind the line `<!-- run: <name> -->`. Throws without one. */
export function readmeCommand(text: string, name: string): string {
  const block = new RegExp(`^<!-- run: ${name} -->\n+\`\`\`sh\n(.+?)\n\`\`\`$`, "ms").exec(text);
  if (block === null) throw new Error(`Find the README's command ${name}: no block is marked so`);
  return block[1];
}

/** A copy of all files that git tracks, as they are now, and a home without anything. */
export class FreshCopy implements AsyncDisposable {
  readonly dir: string;
  readonly #env: Record<string, string>;

  private constructor(dir: string) {
    this.dir = `${dir}/plumbline`;
    const home = `${dir}/home`;
    Deno.mkdirSync(home);
    const inherited = Object.entries(Deno.env.toObject())
      .filter(([name]) => !NOT_INHERITED.test(name));
    this.#env = { ...Object.fromEntries(inherited), HOME: home, NO_COLOR: "1" };
  }

  static async make(): Promise<FreshCopy> {
    const copy = new FreshCopy(await Deno.makeTempDir({ prefix: "plumbline-readme-" }));
    const listed = await run("git", ["-C", ROOT, "ls-files", "-z"]);
    for (const file of listed.split("\0").filter((it) => it !== "")) {
      const target = `${copy.dir}/${file}`;
      await Deno.mkdir(target.replace(/[^/]*$/, ""), { recursive: true });
      // A file that is deleted and not yet committed so is none.
      await Deno.copyFile(ROOT + file, target).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
    return copy;
  }

  command(name: string): string {
    return readmeCommand(Deno.readTextFileSync(`${this.dir}/README.md`), name);
  }

  /** Starts a shell command, in a process group of its own as a terminal would. */
  start(command: string, env: Record<string, string> = {}): Started {
    return new Started(
      new Deno.Command("sh", {
        args: ["-ec", command],
        cwd: this.dir,
        env: { ...this.#env, ...env },
        clearEnv: true,
        stdin: "null",
        stdout: "piped",
        stderr: "inherit",
        detached: true,
      }).spawn(),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir.replace(/\/plumbline$/, ""), { recursive: true });
  }
}

class Started {
  readonly lines: string[] = [];
  /** Settles when no process holds its output any more: those that it has started neither. */
  readonly ended: Promise<{ code: number }>;
  readonly #child: Deno.ChildProcess;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.ended = this.#read();
  }

  /** Told each line as it comes. */
  onLine: (line: string) => void = () => {};

  /** To the whole group: what Ctrl-C in a terminal does. */
  async signal(name: "INT" | "KILL"): Promise<void> {
    await run("kill", [`-${name}`, "--", `-${this.#child.pid}`]);
  }

  async #read(): Promise<{ code: number }> {
    for await (const line of linesOf(this.#child.stdout)) {
      this.lines.push(line);
      this.onLine(line);
    }
    return { code: (await this.#child.status).code };
  }
}

/** Runs the demo until it has shown some readings, and interrupts it. Throws with its output. */
export async function tryDemo(copy: FreshCopy): Promise<string[]> {
  const demo = copy.start(copy.command("demo"));
  let interrupted = false;
  demo.onLine = (line) => {
    const count = /^([\d,]+) readings/.exec(line)?.[1].replaceAll(",", "");
    if (interrupted || Number(count ?? 0) < READINGS) return;
    interrupted = true;
    demo.signal("INT");
  };
  const late = setTimeout(() => demo.signal("KILL"), DEMO_LIMIT_MS);
  await demo.ended;
  clearTimeout(late);
  // npx dies of Ctrl-C itself, so its exit code says nothing; the demo's last line does.
  if (interrupted && demo.lines.at(-1) === "Stopping.") return demo.lines;
  throw new Error(`Run the README's demo: it didn't end as it should\n${demo.lines.join("\n")}`);
}

/** Runs the tests' command, but only a few tests: all of them would run this one again. */
export async function tryTests(copy: FreshCopy): Promise<string[]> {
  const tests = copy.start(`${copy.command("test")} tests/core/number_test.ts`);
  const { code } = await tests.ended;
  if (code === 0 && /^[1-9]\d* passed, 0 failed$/.test(tests.lines.at(-1) ?? "")) {
    return tests.lines;
  }
  throw new Error(`Run the README's tests: code ${code}\n${tests.lines.join("\n")}`);
}

/**
 * The section about Kafka, block by block: the broker and the engine, a reading and its result, the
 * simulated fleet, topics of one's own. Kafka's jars are those that this machine has. Throws with the
 * output of what failed; otherwise what was read from the output topic.
 */
export async function tryKafka(copy: FreshCopy): Promise<string[]> {
  const port = String(await freePort());
  const env = { KAFKA_CACHE_DIR: cacheFolder(), METRICS_PORT: "0" };
  const start = (name: string) => copy.start(copy.command(name).replaceAll(README_PORT, port), env);
  const engine = start("kafka");
  const late = setTimeout(() => engine.signal("KILL"), KAFKA_LIMIT_MS);
  const toEnd = async (name: string) => {
    const started = start(name);
    const late = setTimeout(() => started.signal("KILL"), KAFKA_LIMIT_MS);
    const { code } = await started.ended;
    clearTimeout(late);
    if (code === 0) return started.lines;
    throw new Error(`Run the README's ${name}: code ${code}\n${started.lines.join("\n")}`);
  };
  try {
    await ready(engine);
    const read = await toEnd("kafka reading");
    await toEnd("kafka simulate");
    await toEnd("kafka topics");
    engine.signal("INT");
    await engine.ended;
    if (engine.lines.some((line) => line.includes("plumbline has stopped"))) return read;
    throw new Error(`Stop the README's engine: it didn't\n${engine.lines.join("\n")}`);
  } finally {
    clearTimeout(late);
    await toEnd("kafka stop");
    await engine.signal("KILL").catch(() => {}); // it has ended already, unless something failed
  }
}

/** Waits until the engine can do all that it is there for; throws with its output if it ends first. */
async function ready(engine: Started): Promise<void> {
  const address = Promise.withResolvers<string>();
  const find = (line: string) => {
    const found = /"address":"([^"]+)"/.exec(line)?.[1];
    if (found !== undefined) address.resolve(found);
  };
  engine.onLine = find;
  engine.lines.forEach(find);
  const ended = engine.ended.then(({ code }) => {
    throw new Error(`Start the README's engine: code ${code}\n${engine.lines.join("\n")}`);
  });
  const url = `${await Promise.race([address.promise, ended])}/health/ready`;
  const asked = async () => {
    for (;;) {
      const response = await fetch(url);
      await response.body?.cancel();
      if (response.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await Promise.race([asked(), ended]);
  ended.catch(() => {});
}

if (import.meta.main) {
  await using copy = await FreshCopy.make();
  for (const attempt of [tryDemo, tryTests, tryKafka]) {
    console.log((await attempt(copy)).join("\n"));
  }
}
