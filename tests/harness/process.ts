/** The program as users run it: a process of its own, with no more permissions than it needs. */
const ROOT = new URL("../..", import.meta.url).pathname;
/** Nothing else of the machine's environment reaches the program. */
const INHERITED = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "TMPDIR"];

export interface ProgramOptions {
  /** Default: `serve`. */
  args?: string[];
  /** Its settings. METRICS_PORT is 0 (any free port) unless given. DATA_DIR is needed by `serve`. */
  env: Record<string, string>;
  /** Another program to run instead of `src/main.ts`. */
  main?: string;
  /** Another checkout of the project, whose program, flags and packages are used. */
  root?: string;
  /** A command that runs it, as `nice` does. */
  under?: readonly string[];
}

export interface Exit {
  code: number;
  signal: Deno.Signal | null;
}

/** Starts the program and returns at once. `await using`: whatever happens, it doesn't outlive the test. */
export async function startProgram(options: ProgramOptions) {
  const { args = ["serve"], env, root = ROOT, main = `${root}/src/main.ts`, under = [] } = options;
  const inherited = INHERITED.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const settings = { METRICS_PORT: "0", ...env };
  // Those of the checkout: the program may have to touch other things there.
  const { commandFlags } = await import(`${root}/tools/command_flags.ts`);
  const flags = await commandFlags(main === `${root}/src/main.ts` ? args : ["serve"], settings);
  const run = ["run", "--config", `${root}/deno.json`, ...flags, main, ...args];
  const [command, ...rest] = [...under, Deno.execPath(), ...run];
  const child = new Deno.Command(command, {
    args: rest,
    env: { ...Object.fromEntries(inherited), NO_COLOR: "1", ...settings },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return new Program(child);
}

export class Program implements AsyncDisposable {
  readonly pid: number;
  /** Resolves when the process has ended and all that it wrote has been read. */
  readonly exited: Promise<Exit>;
  #child: Deno.ChildProcess;
  #output = { stdout: "", stderr: "" };
  /** Complete lines of both streams, in the order in which they came. */
  #lines: string[] = [];
  #exit: Exit | undefined;
  #wake = new Set<() => void>();

  constructor(child: Deno.ChildProcess) {
    this.pid = child.pid;
    this.#child = child;
    this.exited = this.#watch();
  }

  get stdout(): string {
    return this.#output.stdout;
  }

  get stderr(): string {
    return this.#output.stderr;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /**
   * The first line, of those written already or later, that contains the text or that the function
   * accepts. Throws with the output if the program ends before, or after `timeoutMs`.
   */
  async line(
    wanted: string | ((line: string) => boolean),
    timeoutMs = 30_000,
  ): Promise<string> {
    const accepts = typeof wanted === "string" ? (line: string) => line.includes(wanted) : wanted;
    const deadline = AbortSignal.timeout(timeoutMs);
    for (let next = 0;;) {
      while (next < this.#lines.length) {
        if (accepts(this.#lines[next++])) return this.#lines[next - 1];
      }
      if (this.#exit) throw this.#fault(`it ended with code ${this.#exit.code}`);
      if (deadline.aborted) throw this.#fault(`nothing within ${timeoutMs} ms`);
      await this.#change(deadline);
    }
  }

  /** Where its HTTP API listens: `address` of the first JSON line of its log that has one. */
  async address(timeoutMs?: number): Promise<string> {
    const line = await this.line((line) => addressIn(line) !== undefined, timeoutMs);
    return addressIn(line)!;
  }

  /** Waits for 200 on a path and gives the API's address. Throws as `line` does. */
  async ready(path = "/health", timeoutMs = 30_000): Promise<string> {
    const address = await this.address(timeoutMs);
    const deadline = AbortSignal.timeout(timeoutMs);
    for (let last = "no answer";;) {
      try {
        const response = await fetch(address + path, { signal: deadline });
        await response.body?.cancel();
        if (response.status === 200) return address;
        last = `status ${response.status}`;
      } catch (error) {
        last = String(error);
      }
      if (this.#exit) throw this.#fault(`it ended with code ${this.#exit.code}`);
      if (deadline.aborted) throw this.#fault(`${path}: ${last} for ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Sends a signal and returns; nothing happens if the program has ended. */
  signal(name: Deno.Signal): void {
    if (!this.#exit) this.#child.kill(name);
  }

  /** Sends a signal and waits for the end. */
  async kill(name: Deno.Signal = "SIGKILL"): Promise<Exit> {
    this.signal(name);
    return await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #watch(): Promise<Exit> {
    const run = Deno.env.get("TEST_RUN_DIR");
    const pidFile = run && `${run}/pids/${this.pid}`; // the test runner ends what a test left behind
    if (pidFile) Deno.writeTextFileSync(pidFile, "");
    const [status] = await Promise.all([
      this.#child.status,
      this.#collect("stdout"),
      this.#collect("stderr"),
    ]);
    if (pidFile) Deno.removeSync(pidFile);
    this.#exit = { code: status.code, signal: status.signal };
    this.#changed();
    return this.#exit;
  }

  async #collect(name: "stdout" | "stderr"): Promise<void> {
    let rest = "";
    for await (const text of this.#child[name].pipeThrough(new TextDecoderStream())) {
      this.#output[name] += text;
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.#lines.push(...lines);
      this.#changed();
    }
    if (rest) this.#lines.push(rest);
  }

  #changed(): void {
    for (const wake of this.#wake) wake();
  }

  #change(deadline: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wake.delete(wake);
        deadline.removeEventListener("abort", wake);
        resolve();
      };
      this.#wake.add(wake);
      deadline.addEventListener("abort", wake);
    });
  }

  #fault(what: string): Error {
    const output = this.#lines.slice(-30).join("\n");
    return new Error(`Wait for the program (pid ${this.pid}): ${what}. Its output:\n${output}`);
  }
}

/** An address of all interfaces is reached on this machine's own. */
function addressIn(line: string): string | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const { address } = JSON.parse(line);
    if (typeof address === "string") return address.replace("//0.0.0.0:", "//127.0.0.1:");
  } catch {
    // not a line of the log
  }
  return undefined;
}
