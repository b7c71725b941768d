/**
 * The README's commands as a stranger runs them: in a fresh copy of the repository, with empty caches
 * of npm, Deno and Kafka. `deno run -A tools/readme_commands.ts` tries them all.
 */
import { run } from "./kafka_jars.ts";

const ROOT = new URL("..", import.meta.url).pathname;
/** What belongs to this machine's user or to this run, and not to a stranger's first one. */
const NOT_INHERITED =
  /^(HOME|XDG_.*|DENO_.*|npm_config_cache|INIT_CWD|KAFKA_.*|TEST_.*|DATA_DIR)$/i;
/** The demo has shown so many before it is interrupted. */
const READINGS = 1_000;
const DEMO_LIMIT_MS = 240_000;

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
  start(command: string): Started {
    return new Started(
      new Deno.Command("sh", {
        args: ["-c", command],
        cwd: this.dir,
        env: this.#env,
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
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        this.lines.push(line);
        this.onLine(line);
      }
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

if (import.meta.main) {
  await using copy = await FreshCopy.make();
  for (const attempt of [tryDemo, tryTests]) console.log((await attempt(copy)).join("\n"));
}
